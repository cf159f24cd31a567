/** A model that gates on every field that rules can look at: of each gate one rule denies, and another forwards the rest. */
import type { ProxyKind } from "../../ir/index.ts";

/** The proxies that are compared. */
export const PROXIES: readonly ProxyKind[] = ["envoy", "nginx", "haproxy"];

/** Fields that gates look at: one of nobody's, and those that proxies know, each in its own way. */
export const GATED_FIELDS = [
  "x-role",
  "authorization",
  "referer",
  "user-agent",
  "accept",
  "content-type",
  "cookie",
  "if-none-match",
  "origin",
  "range",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
] as const;

/** What each test of a field denies. */
const TESTS = {
  exact: { exact: "admin" },
  regex: { regex: "ad.*n" },
  present: { present: true },
  absent: { absent: true },
};

/** Values that 30 neighbours ask of one field: tables on nginx and HAProxy. */
const NEIGHBOURS = 30;
const FIELD_OF_TABLE = "x-tenant";

/** What a request aims at: its path, and the part of a request that the gate there looks at. */
export interface Gate {
  readonly path: string;
  readonly looksAt: "header" | "query" | "cookie" | "method" | "source" | "nothing";
  /** Of the field, parameter or cookie. */
  readonly name: string;
}

/** The host that has the gates, and one that is denied. */
export const HOST = "gate.test";
export const DENIED_HOST = "denied.test";

const denied = { respond: { status: 403, body: "denied" } };

function gateOf(kind: "headers" | "query" | "cookies", name: string, test: keyof typeof TESTS): object[] {
  const path = { prefix: `/${kind}/${name}/${test}` };
  return [
    { matches: [{ path, [kind]: [{ name, ...TESTS[test] }] }], ...denied },
    { matches: [{ path }], ...open(path.prefix) },
  ];
}

/** The rule that took a request is told to its upstream. */
function open(rule: string): object {
  return { split: [{ cluster: "up" }], requestHeaders: { set: [{ name: "x-rule", value: rule }] } };
}

const tests = Object.keys(TESTS) as (keyof typeof TESTS)[];

/** All gates. */
export const GATES: readonly Gate[] = [
  ...tests.flatMap((test) => [
    ...GATED_FIELDS.map((name): Gate => ({ path: `/headers/${name}/${test}`, looksAt: "header", name })),
    { path: `/query/role/${test}`, looksAt: "query", name: "role" } as const,
    { path: `/cookies/role/${test}`, looksAt: "cookie", name: "role" } as const,
  ]),
  { path: "/table", looksAt: "header", name: FIELD_OF_TABLE },
  { path: "/method", looksAt: "method", name: "" },
  { path: "/source", looksAt: "source", name: "" },
  { path: "/open", looksAt: "nothing", name: "" },
  { path: "/direct", looksAt: "nothing", name: "" },
];

/** The address that the gate on addresses denies. */
export const DENIED_SOURCE = "127.0.0.24";

/** The document: one HTTP listener of three fleets. */
export function gateModel(port: number, upstreamPort: number, addresses: Readonly<Record<ProxyKind, string>>): object {
  const on = (prefix: string, more: object = {}) => ({ matches: [{ path: { prefix }, ...more }] });
  const rules = [
    ...tests.flatMap((test) => [
      ...GATED_FIELDS.flatMap((name) => gateOf("headers", name, test)),
      ...gateOf("query", "role", test),
      ...gateOf("cookies", "role", test),
    ]),
    { ...on("/method", { method: "POST" }), ...denied },
    { ...on("/method"), ...open("/method") },
    { ...on("/source", { source: [DENIED_SOURCE] }), ...denied },
    { ...on("/source"), ...open("/source") },
    { ...on("/open"), ...open("/open") },
    { ...on("/direct"), respond: { status: 200, body: "direct" } },
  ];
  const table = Array.from({ length: NEIGHBOURS }, (_, index) => ({
    ...on("/table", { headers: [{ name: FIELD_OF_TABLE, exact: index === 0 ? "admin" : `t${index}` }] }),
    ...(index === 0 ? denied : open(`/table/${index}`)),
  }));
  const route = (name: string, hostname: string, own: readonly object[]) => ({
    name,
    listeners: ["web"],
    hostnames: [hostname],
    rules: own,
  });
  return {
    fleets: PROXIES.map((proxy) => ({ name: proxy, proxy, bindAddress: addresses[proxy] })),
    listeners: [{ name: "web", fleets: PROXIES, port, protocol: "HTTP" }],
    clusters: [{ name: "up", endpoints: [{ address: "127.0.0.1", port: upstreamPort }] }],
    routes: [
      route("gates", HOST, rules),
      route("table", HOST, [...table, { ...on("/table"), ...open("/table") }]),
      route("denied", DENIED_HOST, [{ ...on("/"), ...denied }]),
    ],
  };
}
