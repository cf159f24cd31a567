/** Series of fleets and proxies: bounded, forgotten, and read once for a scrape. */
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { registerFleetMetrics } from "./fleetMetrics.ts";
import { createProxySeries, FORGET_PROXY_MS, MAX_PROXY_SERIES } from "./proxySeries.ts";
import type { FleetStatus, ProxyPresence } from "./publish/index.ts";
import { finish } from "./util/steps.ts";

const presence = (nodeId: string, acknowledgedRevision: number | null = 3, refused = 0): ProxyPresence => ({
  fleet: "edge",
  nodeId,
  acknowledgedRevision,
  refused,
});

test("one scrape asks every source once", async () => {
  const asked: string[] = [];
  const error = { code: "FLEET-NOT-RENDERED", message: "broke", revision: 7, since: "" };
  const listeners = [
    { listener: "web", state: "waiting", reason: "busy", since: "", proxies: ["one", "two"] },
    { listener: "db", state: "serving", reason: null, since: "", proxies: [] },
  ] as const;
  const status: FleetStatus = { fleet: "edge", state: "failed", revision: 8, publishedRevision: 6, error, listeners };
  const empty: FleetStatus = { ...status, fleet: "new", publishedRevision: null, error: null, listeners: [] };
  const registry = new Registry();
  const ask = <T>(name: string, value: T): T => {
    asked.push(name);
    return value;
  };
  registerFleetMetrics(registry, {
    statuses: () => ask("statuses", [status, empty]),
    failures: () => ask("failures", [["edge", 4]]),
    reloadFailures: () => ask("reloadFailures", [["edge", 2]]),
    reloads: () => ask("reloads", [["edge", 5]]),
    runtimeChanges: () => ask("runtimeChanges", [["edge", 7]]),
    endpointsDown: () => ask("endpointsDown", [["edge", "a", 3]]),
    presences: () => ask("presences", [presence("a"), presence("b", 5, 2), presence("b", 4), presence('c"\n', null)]),
    monotonic: () => 0,
  });
  const text = await registry.metrics();
  expect(asked.sort()).toEqual([
    "endpointsDown",
    "failures",
    "presences",
    "reloadFailures",
    "reloads",
    "runtimeChanges",
    "statuses",
  ]);
  expect(text.split("\n").filter((line) => line.startsWith("trimtab_"))).toEqual([
    'trimtab_fleet_published_revision{fleet="edge"} 6',
    'trimtab_fleet_failed_revision{fleet="edge",code="FLEET-NOT-RENDERED"} 7',
    'trimtab_listeners_waiting{fleet="edge",listener="web"} 2',
    'trimtab_render_failures_total{fleet="edge"} 4',
    'trimtab_reload_failures_total{fleet="edge"} 2',
    'trimtab_reloads_total{fleet="edge"} 5',
    'trimtab_runtime_changes_total{fleet="edge"} 7',
    'trimtab_fleet_proxies_connected{fleet="edge"} 3',
    'trimtab_fleet_proxies_connected{fleet="new"} 0',
    'trimtab_fleet_proxies_refusing{fleet="edge"} 1',
    'trimtab_fleet_proxies_refusing{fleet="new"} 0',
    'trimtab_proxy_connected{fleet="edge",node="a"} 1',
    'trimtab_proxy_connected{fleet="edge",node="b"} 1',
    'trimtab_proxy_connected{fleet="edge",node="c\\"\\n"} 1',
    'trimtab_proxy_acknowledged_revision{fleet="edge",node="a"} 3',
    'trimtab_proxy_acknowledged_revision{fleet="edge",node="b"} 4',
    'trimtab_proxy_refused_resources{fleet="edge",node="a"} 0',
    'trimtab_proxy_refused_resources{fleet="edge",node="b"} 2',
    'trimtab_proxy_refused_resources{fleet="edge",node="c\\"\\n"} 0',
    'trimtab_endpoints_down{fleet="edge",node="a"} 3',
    "trimtab_proxies_left_out 0",
  ]);
  await new Promise((resolve) => setImmediate(resolve));
  await registry.metrics();
  expect(asked.length).toBe(14);
});

test("a proxy that is away is told as away for an hour, then forgotten", () => {
  let now = 0;
  let here = [presence("a"), presence("b")];
  const steps = createProxySeries(
    () => here,
    () => now,
  );
  const look = () => finish(steps());
  look();
  here = [presence("b", 4)];
  now = FORGET_PROXY_MS - 1;
  expect(look().proxies).toMatchObject([
    { node: "a", connected: false, acknowledgedRevision: null, refused: 0 },
    { node: "b", connected: true, acknowledgedRevision: 4 },
  ]);
  now = FORGET_PROXY_MS;
  expect(look().proxies.map(({ node }) => node)).toEqual(["b"]);
});

test("series are bounded: who is there takes the place of who was, the others are counted, and fleets count all", () => {
  let here = Array.from({ length: MAX_PROXY_SERIES }, (_, index) => presence(`old-${index}`));
  const steps = createProxySeries(
    () => here,
    () => 0,
  );
  const look = () => finish(steps());
  expect(look()).toMatchObject({ leftOut: 0 });
  here = Array.from({ length: MAX_PROXY_SERIES + 50 }, (_, index) => presence(`new-${index}`, index + 1, index % 2));
  const { proxies, leftOut, fleets } = look();
  expect([proxies.length, leftOut]).toEqual([MAX_PROXY_SERIES, 50]);
  expect(proxies.every(({ node, connected }) => connected && node.startsWith("new-"))).toBe(true);
  expect(fleets.get("edge")).toEqual({ connected: 1050, refusing: 525, acknowledgedRevision: 1 });
});

test("a long name is cut, so that a label stays one", () => {
  const look = createProxySeries(
    () => [presence("x".repeat(10_000)), presence(`${"x".repeat(10_000)}y`, 2)],
    () => 0,
  );
  expect(finish(look()).proxies).toMatchObject([{ node: "x".repeat(128), acknowledgedRevision: 2 }]);
});
