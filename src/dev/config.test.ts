import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { overrideConfig, parseOverrides, readDevConfig, unusedOverrides } from "./config.ts";

const QUICKSTART = join(import.meta.dirname, "../../examples/quickstart.yaml");

const TEXT = `fleets:
  - {name: a, proxy: nginx, bindAddress: 127.0.0.12}   # kept
  - {name: b, proxy: haproxy}
listeners:
  - {name: web, fleets: [a, b], port: 8080, protocol: HTTP}
  - {name: own, fleets: [a], address: "::1", port: 8080, protocol: TCP}
routes:
  - {name: r, listeners: [web], hostnames: ["*.example.com"], rules: []}
clusters:
  - {name: c, labels: {echo: http}, endpoints: [{address: 127.0.0.1, port: 9101}, {address: 127.0.0.1, port: 8080}]}
  - {name: quiet, endpoints: [{address: 127.0.0.1, port: 9102}]}
canaries:
  - {name: k, route: r, rule: 0, stable: c, canary: quiet, steps: [{weight: 5}]}
`;

test("reads the sockets and echo upstreams of a configuration", () => {
  const config = readDevConfig(TEXT);
  expect(config.listeners.map(({ name, fleet, proxy, address, port }) => [name, fleet, proxy, address, port])).toEqual([
    ["web", "a", "nginx", "127.0.0.12", 8080],
    ["web", "b", "haproxy", "0.0.0.0", 8080],
    ["own", "a", "nginx", "::1", 8080],
  ]);
  expect(config.echoes).toEqual([
    { name: "c", kind: "http", address: "127.0.0.1", port: 9101 },
    { name: "c", kind: "http", address: "127.0.0.1", port: 8080 },
  ]);
  expect(config.sampleHost).toBe("any.example.com");
  expect(config.canary).toMatchObject({ name: "k" });
});

test.each(["", "[", "a: b: c", "- 1", "listeners: {}", "listeners: [1, {fleets: 2}]\nclusters: [null, {labels: 3}]"])(
  "reads nothing from %j, and does not throw",
  (text) => {
    expect(readDevConfig(text)).toEqual({ fleets: [], listeners: [], echoes: [], sampleHost: null, canary: null });
  },
);

test("overrides replace numbers and addresses where they stand, and nothing else", () => {
  const result = overrideConfig(TEXT, parseOverrides("8080=18080, 9101=19101", "a=127.0.0.22"));
  expect(result).toBe(
    TEXT.replaceAll("port: 8080", "port: 18080").replace("9101", "19101").replace("127.0.0.12", "127.0.0.22"),
  );
  expect(overrideConfig(TEXT, parseOverrides("", ""))).toBe(TEXT);
  expect(overrideConfig("a: [", parseOverrides("1=2", ""))).toBe("a: [");
});

test("overrides that change nothing are found", () => {
  expect(unusedOverrides(TEXT, parseOverrides("8080=18080,9102=1", "a=127.0.0.22"))).toEqual([]);
  expect(unusedOverrides(TEXT, parseOverrides("1=2,8080=3", "nope=1.1.1.1,b=127.0.0.3"))).toEqual([
    "--port 1=2 (or TRIMTAB_PORTS): no listener or endpoint has port 1.",
    "--bind nope=1.1.1.1 (or TRIMTAB_BIND): there is no fleet nope.",
    "--bind b=127.0.0.3 (or TRIMTAB_BIND): fleet b has no bindAddress that could be replaced.",
  ]);
});

test.each([
  ["8080", ""],
  ["8080=x", ""],
  ["8080=0", ""],
  ["1=2=3", ""],
  ["", "a"],
])("refuses the overrides %j %j", (ports, addresses) => {
  expect(() => parseOverrides(ports, addresses)).toThrow(RangeError);
});

test("the quick start has three proxies with the same ports, upstreams for all but the dead clusters", async () => {
  const text = await readFile(QUICKSTART, "utf8");
  const config = readDevConfig(text);
  expect(config.listeners.map(({ proxy, address, port }) => `${proxy} ${address}:${port}`).sort()).toEqual([
    "envoy 127.0.0.11:8080",
    "envoy 127.0.0.11:9000",
    "haproxy 127.0.0.13:8080",
    "haproxy 127.0.0.13:9000",
    "nginx 127.0.0.12:8080",
    "nginx 127.0.0.12:9000",
  ]);
  const { clusters } = parse(text) as { clusters: { name: string; healthCheck?: string }[] };
  const served = new Set(config.echoes.map(({ name }) => name));
  expect(clusters.map(({ name }) => name).filter((name) => !served.has(name))).toEqual(["dead", "empty"]);
  expect(clusters.every(({ healthCheck }) => healthCheck === undefined)).toBe(true);
  expect(config.echoes.map(({ port }) => port)).not.toContain(9199);
});
