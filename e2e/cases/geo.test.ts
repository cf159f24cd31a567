/** Rules told apart by the label of the client's address in a table: the narrowest range counts, whatever fields say. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conditionCases } from "../harness/conditions.ts";
import { proxyNames } from "../harness/context.ts";
import { type Document, route } from "../harness/model.ts";
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

/** As docs/geo.md writes it: for each label a cluster of the same endpoints, those near the clients first. */
describe("clients near a zone", () => {
  const host = "near.e2e.example";
  const zones = ["north", "south"];
  /** Each worker of a proxy begins anew. */
  const REQUESTS = 4;
  let upstreams: Upstream[];

  beforeAll(async () => {
    upstreams = await Promise.all(zones.map((zone) => startEcho(zone)));
  });
  afterAll(() => Promise.all(upstreams.map((upstream) => upstream.close())));

  const serveWith = (isDown: (zone: string) => boolean) => {
    const near = (own: string): Document => ({
      name: `near-${own}`,
      endpoints: zones.map((zone, index) => ({
        address: "127.0.0.1",
        port: upstreams[index]?.port,
        zone,
        priority: zone === own ? 0 : 1,
        state: isDown(zone) ? "down" : "active",
      })),
    });
    const entries = zones.map((label, index) => ({ cidr: `127.0.${index + 1}.0/24`, label }));
    return serve({
      geoTables: [{ name: "regions", entries }],
      clusters: zones.map(near),
      routes: [
        route(
          "near",
          host,
          { matches: [{ geo: { table: "regions", labels: ["south"] } }], split: [{ cluster: "near-south" }] },
          { split: [{ cluster: "near-north" }] },
        ),
      ],
    });
  };

  const cases = [
    { down: "none", takers: { "127.0.1.1": "north", "127.0.2.1": "south", "127.0.3.1": "north" } },
    { down: "south", takers: { "127.0.1.1": "north", "127.0.2.1": "north", "127.0.3.1": "north" } },
  ];
  it.each(cases)("go to it, and to the other one when it is down: $down", async ({ down, takers }) => {
    await serveWith((zone) => zone === down);
    for (const proxy of proxyNames) {
      for (const [source, taker] of Object.entries(takers)) {
        for (let sent = 0; sent < REQUESTS; sent++) {
          const { status, echo } = await ask(proxy, { host, path: "/", source });
          expect([proxy, source, status, echo?.name]).toEqual([proxy, source, 200, taker]);
        }
      }
    }
  });
});
