/** Rules told apart by the client's address: that of the connection's other end, whatever fields say. */
import { conditionCases } from "../harness/conditions.ts";

conditionCases({
  field: "source",
  host: "source.e2e.example",
  rules: {
    one: { source: ["127.0.0.41"] },
    range: { source: ["127.0.5.0/24", "10.0.0.0/8"] },
    odd: { source: ["127.0.18.77/20"] },
    both: { source: ["127.0.0.42/31"], method: "GET", query: [{ name: "both", present: true }] },
    v6: { source: ["2001:db8::/32"] },
    "any-v6": { source: ["::/0"], query: [{ name: "six", present: true }] },
  },
  rows: [
    { source: "127.0.0.41", taker: "one" },
    { source: "127.0.0.40", taker: "none" },
    { source: "127.0.5.1", taker: "range" },
    { source: "127.0.5.255", taker: "range" },
    { source: "127.0.6.0", taker: "none" },
    { source: "127.0.4.255", taker: "none" },
    { source: "127.0.16.0", taker: "odd" },
    { source: "127.0.31.255", taker: "odd" },
    { source: "127.0.32.1", taker: "none" },
    { source: "127.0.0.43", path: "/?both", taker: "both" },
    { source: "127.0.0.43", path: "/", taker: "none" },
    { source: "127.0.0.44", path: "/?both", taker: "none" },
    // No address of IPv4 lies in a range of IPv6.
    { source: "127.0.0.40", path: "/?six", taker: "none" },
    // What a client says of itself counts nothing.
    { source: "127.0.0.40", headers: [["X-Forwarded-For", "127.0.0.41"]], taker: "none" },
    { source: "127.0.0.40", headers: [["X-Real-IP", "127.0.0.41"]], taker: "none" },
    { source: "127.0.0.40", headers: [["X-Trimtab-Source", "127.0.0.41"]], taker: "none" },
  ],
});
