/** Rules told apart by the label of the client's address in a table: the narrowest range counts, whatever fields say. */
import { conditionCases } from "../harness/conditions.ts";

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
    { name: "nets", entries: [{ cidr: "127.0.9.0/25", label: "office" }], default: "elsewhere" },
  ],
  rules: {
    north: { geo: { table: "regions", labels: ["north"] } },
    south: { geo: { table: "regions", labels: ["south", "far/east"] } },
    inner: { geo: { table: "regions", labels: ["north.inner"] } },
    capital: { geo: { table: "regions", labels: ["South"] }, method: "GET" },
    office: { path: { prefix: "/nets" }, geo: { table: "nets", labels: ["office"] } },
    elsewhere: { path: { prefix: "/nets" }, geo: { table: "nets", labels: ["elsewhere"] } },
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
