import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { FleetIr, RuleIr } from "../../ir/index.ts";
import { envoyBinary } from "../../tooling/binaries.ts";
import { finish } from "../../util/steps.ts";
import { inspectFleet } from "../target.ts";
import { renderBootstrap } from "./bootstrap.ts";
import { envoyTarget } from "./index.ts";
import { inspectRule, inspect as whole } from "./inspect.ts";

const inspect = (ir: FleetIr) => inspectFleet({ inspect: whole, inspectRule }, ir);

import { regexInstructions } from "./regexSize.ts";
import { createRenderer } from "./render.ts";
import { cluster, fleet, forward, httpPort, rule, tcpPort } from "./testing.ts";

const binary = envoyBinary();
const checkOf = (ir: FleetIr) => envoyTarget.check(finish(createRenderer().render(ir)), { binary });
const withRules = (...rules: RuleIr[]) => fleet([httpPort(8080, { "*.example.com": rules })], [cluster("a", [1])]);
const regexRule = (regex: string) => rule("r.0.0", { path: `~${regex}`, action: forward("a") });

describe("check", () => {
  it("accepts what Envoy accepts", async () => {
    expect(await checkOf(withRules(rule("r.0.0", { path: "/", action: forward("a") })))).toEqual({
      ok: true,
      message: "",
    });
  });
  it("tells what Envoy says, without paths", async () => {
    const { ok, message } = await checkOf(withRules(regexRule("/(a")));
    expect(ok).toBe(false);
    expect(message).toContain("missing )");
    expect(message).not.toContain(tmpdir());
  });
  it("finds unknown clusters, of routes and of TCP listeners", async () => {
    const routes = await checkOf(withRules(rule("r.0.0", { path: "/", action: forward("nowhere") })));
    expect(routes).toEqual({ ok: false, message: expect.stringContaining("nowhere") });
    const split = [{ cluster: "nowhere", weight: 1 }];
    expect(await checkOf(fleet([tcpPort(9000, split)], []))).toEqual({
      ok: false,
      message: expect.stringContaining("nowhere"),
    });
  });
  it("says when the binary is missing", async () => {
    const { ok, message } = await envoyTarget.check(finish(createRenderer().render(withRules())), {
      binary: "/nowhere/envoy",
    });
    expect([ok, message]).toEqual([false, expect.stringContaining("cannot run /nowhere/envoy")]);
  });
});

describe("inspect", () => {
  const codesOf = (ir: FleetIr) => inspect(ir).map(({ code, severity }) => `${severity} ${code}`);
  it("is content with ordinary fleets", () => expect(inspect(withRules(regexRule("/[a-z]{1,36}")))).toEqual([]));
  it("warns of redirects to a wildcard's host", () => {
    const action = { kind: "redirect", scheme: "https", hostname: null, port: null, path: null, status: 301 } as const;
    const one = rule("r.0.0", { path: "/", action });
    expect(codesOf(fleet([httpPort(8080, { "b.com *.a.com": [one] })], []))).toEqual(["warning L7-REDIRECT-HOST"]);
    expect(codesOf(fleet([httpPort(8080, { "b.com": [one] })], []))).toEqual([]);
    expect(codesOf(withRules({ ...one, action: { ...action, hostname: "c.com" } }))).toEqual([]);
  });
  it("warns of least requests with unequal weights", () => {
    const equal = cluster("a", [1, 2], { balance: { policy: "leastRequest" } });
    const [first, second] = equal.endpoints;
    const unequal = { ...equal, endpoints: [first as never, { ...(second as object), weight: 3 } as never] };
    expect(codesOf(fleet([], [equal]))).toEqual([]);
    expect(codesOf(fleet([], [unequal]))).toEqual(["warning LB-LC-WEIGHTS-ENVOY"]);
    expect(codesOf(fleet([], [{ ...unequal, balance: { policy: "roundRobin" } }]))).toEqual([]);
  });
  it("refuses regular expressions that RE2 would", async () => {
    const large = regexRule(`/${"[^a]{1000}".repeat(50)}`);
    expect(codesOf(withRules(large))).toEqual(["error L7-REGEX-SIZE"]);
    const fits = [".{1000}", "[^a-c]{1000}", "(?:a|bc){500}", "\\w{1000}", "(?:[^\\]]?x){900}", ".*.{0,999}"].map(
      (part) => part.repeat(3),
    );
    fits.push(".{1000}".repeat(24));
    const rules = fits.map((part, index) => ({ ...regexRule(`/${part}`), id: `r${index}.0.0` }));
    expect(codesOf(withRules(...rules))).toEqual([]);
    expect(await checkOf(withRules(...rules))).toEqual({ ok: true, message: "" });
  });
  it("writes repeats out when it counts", () => {
    expect(regexInstructions("a{10}")).toBeGreaterThanOrEqual(10);
    expect(regexInstructions("(?:(?:ab){10}){5}")).toBeGreaterThanOrEqual(100);
    expect(regexInstructions("[{9}]")).toBeLessThan(50);
    expect(regexInstructions("\\{9\\}")).toBeLessThan(50);
  });
});

describe("the estimate of RE2's program", () => {
  /** Envoy tells a program's size when it refuses it. */
  async function countedByEnvoy(regex: string): Promise<number> {
    const folder = await mkdtemp(join(tmpdir(), "trimtab-re2-"));
    const file = join(folder, "bootstrap.json");
    const route = { match: { safe_regex: { regex } }, direct_response: { status: 200 } };
    await writeFile(file, JSON.stringify(bootstrapWith(route)));
    const run = promisify(execFile)(binary, ["--mode", "validate", "-c", file]);
    const { stderr } = await run.catch((error: { stderr: string }) => error);
    await rm(folder, { recursive: true });
    return Number(/program size of (\d+)/.exec(stderr)?.[1]);
  }
  const extension = (name: string, more: object) => {
    return { name, typed_config: { "@type": `type.googleapis.com/envoy.extensions.filters.${name}`, ...more } };
  };
  /** One listener with one route; any expression is too large. */
  function bootstrapWith(route: object): object {
    const manager = extension("network.http_connection_manager.v3.HttpConnectionManager", {
      stat_prefix: "s",
      route_config: { virtual_hosts: [{ name: "v", domains: ["*"], routes: [route] }] },
      http_filters: [extension("http.router.v3.Router", {})],
    });
    const address = { socket_address: { address: "127.0.0.1", port_value: 1 } };
    return {
      static_resources: { listeners: [{ name: "l", address, filter_chains: [{ filters: [manager] }] }] },
      layered_runtime: { layers: [{ name: "t", static_layer: { "re2.max_program_size.error_level": 1 } }] },
    };
  }
  it.each([
    "/a",
    "/.{100}",
    "/[^a]{100}",
    "/\\W{50}\\s{50}",
    "/((((a)))){50}",
    "/((a*)*){50}",
    "/((a?)*){50}",
    "/.{0,50}(?:ab){3,}",
    "/(?:foo|far|bar){20}(?:a|){20}",
    "/(\\b|a){50}",
  ])("%s has no more instructions than we think", async (regex) => {
    const counted = await countedByEnvoy(regex);
    expect(counted).toBeGreaterThan(1);
    expect(regexInstructions(regex)).toBeGreaterThanOrEqual(counted);
  });
});

describe("renderBootstrap", () => {
  const options = { fleet: "edge", nodeId: "edge-1", xdsAddress: "127.0.0.1:18000", adminAddress: "127.0.0.1:9901" };
  it.each(["127.0.0.1:18000", "[::1]:18000", "xds.example.com:18000"])(
    "is accepted by Envoy with xDS at %s",
    async (xds) => {
      const folder = await mkdtemp(join(tmpdir(), "trimtab-bootstrap-"));
      const file = join(folder, "bootstrap.json");
      await writeFile(file, renderBootstrap({ ...options, xdsAddress: xds }));
      await promisify(execFile)(binary, ["--mode", "validate", "-c", file]);
      await rm(folder, { recursive: true });
    },
  );
  it("names the fleet and the node, and asks for deltas", () => {
    expect(JSON.parse(renderBootstrap(options))).toMatchObject({
      node: { id: "edge-1", cluster: "edge" },
      dynamic_resources: { ads_config: { api_type: "DELTA_GRPC" } },
    });
  });
  it.each(["nohost", ":1", "host:", "host:70000", "a b:1:2"])("refuses the address %s", (address) => {
    expect(() => renderBootstrap({ ...options, xdsAddress: address })).toThrow(/host:port/);
  });
});
