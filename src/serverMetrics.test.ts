/** What `/metrics` of a running server says: well-formed by Prometheus' own rules, documented, and true. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openFolder, startTestServer, type TestServer } from "./testingServer.ts";
import { CLUSTER, connect, NODE, subscriber, type TestClient } from "./xds/testing.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** With their labels, as written. */
  readonly samples: ReadonlyMap<string, number>;
}

const folder = openFolder();
let server: TestServer;
let client: TestClient;

beforeAll(async () => {
  server = await startTestServer(folder.dir);
  client = connect(server.xds);
  const body = {
    fleets: [
      { name: "edge", proxy: "envoy" },
      { name: "legacy", proxy: "nginx" },
    ],
    listeners: [{ name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" }],
    routes: [{ name: "all", listeners: ["web"], rules: [{ split: [{ cluster: "c" }] }] }],
    clusters: [{ name: "c", endpoints: [{ address: "127.0.0.1", port: 9 }] }],
  };
  expect((await server.call("PUT", "/v1/config", { body })).status).toBe(200);
  expect((await server.call("GET", "/v1/fleets/legacy/files")).status).toBe(200);
});
afterAll(async () => {
  client.close();
  await server.stop();
  folder.close();
});

async function scrape(): Promise<ReadonlyMap<string, Family>> {
  const { text } = await server.call("GET", "/metrics");
  const families = new Map<string, Family & { samples: Map<string, number> }>();
  let current: (Family & { samples: Map<string, number> }) | undefined;
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const help = /^# HELP (\S+) (.*)$/.exec(line);
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (help !== null) {
      const [, name = "", words = ""] = help;
      expect([name, families.has(name)]).toEqual([name, false]);
      current = { name, type: "", help: words, samples: new Map() };
      families.set(name, current);
    } else if (type !== null) Object.assign(current as object, { type: type[2] });
    else {
      const [, series = "", value = ""] = /^(\S+?(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      expect(series.startsWith(current?.name ?? "?")).toBe(true);
      current?.samples.set(series, Number(value));
    }
  }
  return families;
}

/** The rules of `promtool check metrics`. */
function complaints({ name, type, help }: Family): string[] {
  const units = /_(milliseconds|ms|microseconds|us|minutes|hours|days|kilobytes|kb|megabytes|mb|percent)(_|$)/;
  const rules: Record<string, boolean> = {
    "no help": help === "",
    "no type": !["counter", "gauge", "histogram", "summary"].includes(type),
    "a counter must end in _total": type === "counter" && !name.endsWith("_total"),
    "_total is for counters": type !== "counter" && name.endsWith("_total"),
    "_count, _sum and _bucket are for histograms": /_(count|sum|bucket)$/.test(name),
    "not snake case": !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name),
    "the type is no part of the name": /_(counter|gauge|histogram|summary)(_|$)/.test(name),
    "no base unit": units.test(name),
  };
  return Object.entries(rules).flatMap(([rule, isBroken]) => (isBroken ? [`${name}: ${rule}`] : []));
}

test("every metric keeps Prometheus' rules, and ours are named trimtab_", async () => {
  const families = [...(await scrape()).values()];
  expect(families.flatMap(complaints)).toEqual([]);
  const foreign = families.filter(({ name }) => !/^(trimtab|process|nodejs)_/.test(name));
  expect(foreign).toEqual([]);
});

test("every metric of ours stands in the documentation with its type and labels, and no other", async () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/operations.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(trimtab_\w+)(?:\{([\w,]+)\})?` \| (\w+) \|/gm)];
  const documented = rows.map(([, name, labels = "", type]) => `${name} ${type} ${labels}`).sort();
  const families = [...(await scrape()).values()].filter(({ name }) => name.startsWith("trimtab_"));
  expect(documented.map((row) => row.split(" ").slice(0, 2).join(" "))).toEqual(
    families.map(({ name, type }) => `${name} ${type}`).sort(),
  );
  for (const { name, samples } of families) {
    const labels = [...samples.keys()].map((series) =>
      [...series.matchAll(/(\w+)="/g)]
        .map(([, label]) => label)
        .filter((label) => label !== "le")
        .join(","),
    );
    const row = documented.find((each) => each.startsWith(`${name} `))?.split(" ")[2];
    expect([name, [...new Set(labels)]]).toEqual([name, samples.size === 0 ? [] : [row]]);
  }
});

test("counters only go up, whatever happens; what a proxy runs and refuses is told by fleet and node", async () => {
  const before = await scrape();
  const stream = client.stream({ ads: true, delta: true });
  const clusters = subscriber(stream, CLUSTER);
  clusters.wantAll();
  clusters.ack(await stream.next());
  const node = `{fleet="edge",node="${NODE.id}"}`;
  const value = async (name: string, labels = node): Promise<number | undefined> =>
    (await scrape()).get(name)?.samples.get(`${name}${labels}`);
  await vi.waitFor(async () => expect(await value("trimtab_proxy_acknowledged_revision")).toBe(1), { timeout: 30_000 });
  expect(await value("trimtab_proxy_connected")).toBe(1);
  expect(await value("trimtab_fleet_acknowledged_revision", '{fleet="edge"}')).toBe(1);
  const changed = { name: "c", endpoints: [{ address: "127.0.0.1", port: 10 }], timeouts: { connect: "9s" } };
  await server.call("PUT", "/v1/clusters/c", { body: changed });
  clusters.nack(await stream.next());
  await vi.waitFor(async () => expect(await value("trimtab_proxy_refused_resources")).toBe(1), { timeout: 30_000 });
  expect(await value("trimtab_fleet_proxies_refusing", '{fleet="edge"}')).toBe(1);
  expect(await value("trimtab_proxy_acknowledged_revision")).toBe(1);
  stream.cancel();
  await vi.waitFor(async () => expect(await value("trimtab_proxy_connected")).toBe(0), { timeout: 30_000 });
  expect(await value("trimtab_proxy_refused_resources")).toBeUndefined();
  const after = await scrape();
  for (const { name, type, samples } of before.values()) {
    if (type !== "counter") continue;
    for (const [series, count] of samples)
      expect([series, (after.get(name)?.samples.get(series) ?? -1) >= count]).toEqual([series, true]);
  }
  expect(after.get("trimtab_xds_nacks_total")?.samples.get('trimtab_xds_nacks_total{type="Cluster"}')).toBe(1);
  const [[build = ""] = []] = after.get("trimtab_build_info")?.samples ?? [];
  expect(build).toBe(
    `trimtab_build_info{version="0.1.0",node="${process.versions.node}",platform="${process.platform}",arch="${process.arch}"}`,
  );
});
