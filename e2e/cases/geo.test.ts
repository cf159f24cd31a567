/** Rules told apart by the label of the client's address in a table: the narrowest range counts, whatever fields say. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conditionCases } from "../harness/conditions.ts";
import { proxyNames } from "../harness/context.ts";
import { type Document, route } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { ask, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

conditionCases({
  field: "geo",
  host: "geo.e2e.example",
  geoTables: [
    {
      name: "regions",
      entries: [
        { cidr: "127.0.0.0/16", label: "north" },
        { cidr: "127.0.8.77/21", label: "south" },
        { cidr: "127.0.9.0/24", label: "north.inner" },
        { cidr: "127.0.9.9", label: "South" },
        { cidr: "127.1.0.0/16", label: "far/east" },
        { cidr: "::/0", label: "six" },
        { cidr: "2001:db8::/32", label: "north" },
      ],
    },
    // Of IPv6 only: no client of IPv4 is among them.
    { name: "sixes", entries: [{ cidr: "::/0", label: "six" }] },
    { name: "nets", entries: [{ cidr: "127.0.9.0/25", label: "office" }], defaultLabel: "elsewhere" },
  ],
  rules: {
    north: { geo: { table: "regions", labels: ["north"] } },
    south: { geo: { table: "regions", labels: ["south", "far/east"] } },
    inner: { geo: { table: "regions", labels: ["north.inner"] } },
    capital: { geo: { table: "regions", labels: ["South"] }, method: "GET" },
    office: { path: { prefix: "/nets" }, geo: { table: "nets", labels: ["office"] } },
    elsewhere: { path: { prefix: "/nets" }, geo: { table: "nets", labels: ["elsewhere"] } },
    sixes: { path: { prefix: "/nets" }, geo: { table: "sixes", labels: ["six"] } },
    both: {
      path: { prefix: "/both" },
      geo: { table: "regions", labels: ["north.inner"] },
      source: ["127.0.9.0/26"],
      query: [{ name: "q", present: true }],
    },
  },
  rows: [
    { source: "127.0.0.2", taker: "north" },
    { source: "127.0.7.255", taker: "north" },
    { source: "127.0.8.1", taker: "south" },
    { source: "127.0.15.255", taker: "south" },
    { source: "127.0.16.0", taker: "north" },
    { source: "127.0.9.8", taker: "inner" },
    { source: "127.0.9.9", taker: "capital" },
    { source: "127.0.9.10", taker: "inner" },
    { source: "127.1.2.3", taker: "south" },
    // No range, and no default: no label.
    { source: "127.2.0.1", taker: "none" },
    { source: "127.0.9.1", path: "/nets/a", taker: "office" },
    { source: "127.0.9.128", path: "/nets/a", taker: "elsewhere" },
    { source: "127.2.0.1", path: "/nets/a", taker: "elsewhere" },
    { source: "127.0.9.1", path: "/both?q", taker: "both" },
    { source: "127.0.9.65", path: "/both?q", taker: "inner" },
    // What a client says of itself counts nothing.
    { source: "127.2.0.1", headers: [["X-Forwarded-For", "127.0.0.2"]], taker: "none" },
    { source: "127.2.0.1", headers: [["X-Envoy-Ip-Tags", "regions=north"]], taker: "none" },
    { source: "127.0.0.2", headers: [["X-Envoy-Ip-Tags", "regions=south"]], taker: "north" },
  ],
});

/** `locality.preferLocal`: the zone that a client is near first, and the others when none of it can serve. */
describe("clients near a zone", () => {
  const host = "near.e2e.example";
  const zones = ["north", "south"];
  /** Each worker of a proxy begins anew. */
  const REQUESTS = 4;
  /** Of two endpoints that share alike, one gets all of so many by chance once in a million times. */
  const SHARED_REQUESTS = 20;
  let upstreams: Upstream[];

  beforeAll(async () => {
    upstreams = await Promise.all(zones.map((zone) => startEcho(zone)));
  });
  afterAll(() => Promise.all(upstreams.map((upstream) => upstream.close())));

  const serveWith = (isDown: (zone: string) => boolean, more: object = {}) => {
    const near = (name: string): Document => ({
      name,
      endpoints: zones.map((zone, index) => ({
        address: "127.0.0.1",
        port: upstreams[index]?.port,
        zone,
        state: isDown(zone) ? "down" : "active",
      })),
      locality: { preferLocal: { table: "regions" } },
      ...more,
    });
    const entries = zones.map((label, index) => ({ cidr: `127.0.${index + 1}.0/24`, label }));
    const split = [
      { cluster: "near", weight: 1 },
      { cluster: "also", weight: 1 },
    ];
    return serve({
      geoTables: [{ name: "regions", entries }],
      clusters: [near("near"), near("also")],
      routes: [
        route(
          "near",
          host,
          {
            name: "own",
            matches: [{ path: { prefix: "/own" } }],
            split,
            requestHeaders: { set: [{ name: "X-Rule", value: "own" }] },
          },
          { split: [{ cluster: "near" }] },
        ),
      ],
    });
  };

  const takersOf = async (proxy: (typeof proxyNames)[number], source: string, requests: number) => {
    const found = new Set<string>();
    for (let sent = 0; sent < requests; sent++) {
      const path = sent % 2 === 0 ? "/" : "/own/a";
      const { status, echo } = await ask(proxy, { host, path, source });
      found.add(status === 200 ? (echo?.name ?? "") : String(status));
      if (echo === null || echo === undefined) continue;
      const [rule] = echo.headers.filter(([name]) => name.toLowerCase() === "x-rule");
      expect([proxy, path, rule?.[1]]).toEqual([proxy, path, sent % 2 === 0 ? undefined : "own"]);
    }
    return [...found].sort();
  };

  const cases = [
    { down: "none", takers: { "127.0.1.1": ["north"], "127.0.2.1": ["south"] } },
    { down: "south", takers: { "127.0.1.1": ["north"], "127.0.2.1": ["north"], "127.0.3.1": ["north"] } },
  ];
  it.each(cases)("go to it, and to the other one when it is down: $down", async ({ down, takers }) => {
    await serveWith((zone) => zone === down);
    for (const proxy of proxyNames) {
      for (const [source, expected] of Object.entries(takers))
        expect([proxy, source, await takersOf(proxy, source, REQUESTS)]).toEqual([proxy, source, expected]);
    }
  });

  it("and to the other one when outlier detection has found that it is dead", async () => {
    const endpoints = [upstreams[0]?.port, await freePort()].map((port, index) => ({
      address: "127.0.0.1",
      port,
      zone: zones[index],
    }));
    const outlierDetection = { consecutiveConnectFailures: 1, ejectFor: "1h" };
    await serveWith(() => false, { endpoints, outlierDetection });
    for (const proxy of proxyNames) {
      await until(`${proxy} leaves the zone that is dead`, async () => {
        const takers = await takersOf(proxy, "127.0.2.1", SHARED_REQUESTS);
        return takers.join() === "north" ? true : null;
      });
    }
  });

  it("and who is near none goes to all", async () => {
    await serveWith(() => false);
    for (const proxy of proxyNames)
      expect([proxy, await takersOf(proxy, "127.0.3.1", SHARED_REQUESTS)]).toEqual([proxy, zones]);
  });
});
