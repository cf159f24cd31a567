import { expect, test } from "vitest";
import { AUTHORITY, CERTIFICATES, OTHER_AUTHORITY, REVOCATIONS } from "../../suite/arbitrary/certificates.ts";
import { applyChanges, type Change, checkSnapshot, emptySnapshot, type Resource, validateConfig } from "../index.ts";

const cluster = (name: string, more: object = {}) => ({
  name,
  endpoints: [{ address: "127.0.0.1", port: 1 }],
  ...more,
});
const base = {
  fleets: [{ name: "edge", proxy: "envoy" }],
  listeners: [
    { name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" },
    { name: "raw", fleets: ["edge"], port: 9000, protocol: "TCP" },
  ],
  clusters: [cluster("one"), cluster("two"), cluster("three")],
};
const split = [{ cluster: "one" }];
const own = { name: "own", ...CERTIFICATES.exactEcdsa };
const tls = { certificates: ["own"] };
const self = (name: string, address: string) => cluster(name, { endpoints: [{ address, port: 8080 }] });
const http = (rule: object, more: object = {}) => ({ name: "r", listeners: ["web"], rules: [rule], ...more });
const path = (value: object) => [{ path: value }];

function load(more: Record<string, object[]>): { problems: string[]; resources: readonly Resource[] } {
  const document: Record<string, unknown> = { ...base };
  for (const [key, list] of Object.entries(more)) document[key] = [...((document[key] as object[]) ?? []), ...list];
  const { resources, diagnostics } = validateConfig(document);
  expect(diagnostics).toEqual([]);
  const changes = resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change);
  const found = checkSnapshot(applyChanges(emptySnapshot, changes), changes);
  return {
    problems: found.map(
      ({ severity, code, resource, pointer }) =>
        `${severity === "warning" ? "warning " : ""}${code} ${resource?.kind}/${resource?.name} ${pointer}`,
    ),
    resources,
  };
}

/** Fields of so many bytes, with `: ` and the ends of their lines. */
const fieldsOf = (bytes: number) =>
  Array.from({ length: 8 }, (_, index) => ({
    name: `x-${index}`,
    value: "v".repeat(1017 + (index === 0 ? bytes - 8192 : 0)),
  }));

type Case = [string, Record<string, object[]>, string[]];

const cases: Case[] = [
  ["a model without problems", { routes: [http({ split })] }, []],
  [
    "references",
    { routes: [http({ split: [{ cluster: "nobody" }] }, { listeners: ["web", "nowhere"] })] },
    ["MODEL-REFERENCE route/r /listeners/1", "MODEL-REFERENCE route/r /rules/0/split/0/cluster"],
  ],
  [
    "portClash: other limits on one socket",
    {
      listeners: [
        { name: "x", fleets: ["edge"], port: 7000, protocol: "HTTP", connectionLimit: { max: 5 } },
        { name: "y", fleets: ["edge"], port: 7000, protocol: "HTTP", hostname: "y", connectionLimit: { max: 6 } },
      ],
    },
    ["MODEL-PORT-CLASH listener/y /port"],
  ],
  [
    "process: what no proxy can be told",
    {
      fleets: [
        { name: "odd", proxy: "nginx", process: { shutdownGrace: "1s500ms" } },
        { name: "long", proxy: "nginx", process: { shutdownGrace: "1h1s" } },
        { name: "most", proxy: "nginx", process: { shutdownGrace: "1h" } },
      ],
    },
    ["MODEL-PROCESS fleet/long /process/shutdownGrace", "MODEL-PROCESS fleet/odd /process/shutdownGrace"],
  ],
  [
    "hairpin: a listener on all addresses, by loopback",
    { clusters: [self("back", "127.0.0.9")], routes: [http({ split: [{ cluster: "back" }] })] },
    ["MODEL-HAIRPIN route/r /rules/0/split/0/cluster"],
  ],
  [
    "hairpin: addresses of the other family, or of another machine, are no listeners of ours",
    {
      clusters: [self("back", "::1"), self("far", "192.0.2.1")],
      routes: [http({ split: [{ cluster: "back" }, { cluster: "far" }] })],
    },
    [],
  ],
  [
    "hairpin: another tier of the same fleet is none",
    {
      clusters: [self("back", "127.0.0.1")],
      routes: [http({ split: [{ cluster: "back" }] }, { listeners: ["raw"], protocol: "tcp" })],
    },
    [],
  ],
  [
    "hairpin: UDP has ports of its own",
    {
      listeners: [
        { name: "packets", fleets: ["edge"], port: 8080, protocol: "UDP" },
        { name: "more", fleets: ["edge"], port: 9001, protocol: "UDP" },
      ],
      clusters: [self("back", "127.0.0.1")],
      routes: [
        { name: "here", listeners: ["packets"], protocol: "udp", rules: [{ split: [{ cluster: "back" }] }] },
        { name: "there", listeners: ["more"], protocol: "udp", rules: [{ split: [{ cluster: "back" }] }] },
      ],
    },
    ["MODEL-HAIRPIN route/here /rules/0/split/0/cluster"],
  ],
  [
    "hairpin: over another fleet, in whatever spelling",
    {
      fleets: [
        { name: "inner", proxy: "nginx", bindAddress: "2001:db8::2" },
        { name: "outer", proxy: "nginx", bindAddress: "2001:db8::1" },
      ],
      listeners: [
        { name: "outside", fleets: ["outer"], port: 8080, protocol: "HTTP" },
        { name: "inside", fleets: ["inner"], port: 8080, protocol: "HTTP" },
      ],
      clusters: [self("to-inner", "2001:DB8:0::2"), self("to-outer", "2001:db8::1")],
      routes: [
        { name: "in", listeners: ["outside"], rules: [{ split: [{ cluster: "one" }, { cluster: "to-inner" }] }] },
        { name: "out", listeners: ["inside"], rules: [{ split: [{ cluster: "to-outer" }] }] },
      ],
    },
    ["MODEL-HAIRPIN route/in /rules/0/split/1/cluster", "MODEL-HAIRPIN route/out /rules/0/split/0/cluster"],
  ],
  [
    "portClash: one socket, other protocol",
    { listeners: [{ name: "x", fleets: ["edge"], port: 9000, protocol: "HTTP" }] },
    ["MODEL-PORT-CLASH listener/x /port"],
  ],
  [
    "portClash: equal hostnames",
    { listeners: [{ name: "x", fleets: ["edge"], port: 8080, protocol: "HTTP" }] },
    ["MODEL-PORT-CLASH listener/x /port"],
  ],
  [
    "portClash: the unspecified address takes the port",
    { listeners: [{ name: "x", fleets: ["edge"], address: "127.0.0.1", port: 8080, protocol: "HTTP" }] },
    ["MODEL-PORT-CLASH listener/x /port"],
  ],
  [
    "portClash: another spelling of the same address",
    {
      listeners: [
        { name: "x", fleets: ["edge"], address: "::1", port: 81, protocol: "HTTP" },
        { name: "y", fleets: ["edge"], address: "0:0:0:0:0:0:0:1", port: 81, protocol: "HTTP" },
      ],
    },
    ["MODEL-PORT-CLASH listener/y /port"],
  ],
  [
    "portClash: another spelling of the unspecified address",
    {
      fleets: [{ name: "wide", proxy: "nginx", bindAddress: "0:0:0:0:0:0:0:0" }],
      listeners: [
        { name: "x", fleets: ["wide"], port: 81, protocol: "HTTP" },
        { name: "y", fleets: ["wide"], address: "127.0.0.12", port: 81, protocol: "HTTP" },
      ],
    },
    ["MODEL-PORT-CLASH listener/y /port"],
  ],
  [
    "portClash: different hostnames share",
    { listeners: [{ name: "x", fleets: ["edge"], port: 8080, protocol: "HTTP", hostname: "x.com" }] },
    [],
  ],
  [
    "portClash: those who share have the same limits for clients",
    {
      listeners: [
        { name: "x", fleets: ["edge"], port: 8080, protocol: "HTTP", hostname: "x.com", http: { bodyTimeout: "5s" } },
        { name: "y", fleets: ["edge"], port: 81, protocol: "HTTP", hostname: "x.com", http: { sendTimeout: "90s" } },
        { name: "z", fleets: ["edge"], port: 81, protocol: "HTTP", http: { sendTimeout: "1m30s", bodyTimeout: "60s" } },
      ],
    },
    ["MODEL-PORT-CLASH listener/x /port"],
  ],
  [
    "protocols: limits for HTTP clients",
    { listeners: [{ name: "t", fleets: ["edge"], port: 9001, protocol: "TCP", http: { bodyTimeout: "5s" } }] },
    ["MODEL-PROTOCOL listener/t /http"],
  ],
  [
    "protocols: HTTPS is where redirects to HTTPS go",
    {
      listeners: [
        {
          name: "h",
          fleets: ["edge"],
          port: 9001,
          protocol: "HTTPS",
          http: { redirectToHttps: {} },
          tls: { certificates: ["x"] },
        },
      ],
    },
    ["MODEL-PROTOCOL listener/h /http/redirectToHttps", "MODEL-REFERENCE listener/h /tls/certificates/0"],
  ],
  [
    "protocols: packets are UDP's",
    { listeners: [{ name: "t", fleets: ["edge"], port: 9001, protocol: "TCP", udp: { balance: "packet" } }] },
    ["MODEL-PROTOCOL listener/t /udp"],
  ],
  [
    "portClash: two UDP listeners clash, and a TCP listener beside them does not",
    {
      listeners: [
        { name: "a", fleets: ["edge"], port: 9001, protocol: "UDP" },
        { name: "b", fleets: ["edge"], port: 9001, protocol: "UDP" },
        { name: "c", fleets: ["edge"], port: 9001, protocol: "TCP" },
      ],
    },
    ["MODEL-PORT-CLASH listener/b /port"],
  ],
  [
    "proxyProtocol: packets have no header, before or behind",
    {
      listeners: [
        { name: "u", fleets: ["edge"], port: 9001, protocol: "UDP", proxyProtocol: { mode: "required" } },
        { name: "v", fleets: ["edge"], port: 9002, protocol: "UDP" },
      ],
      clusters: [{ ...self("headed", "192.0.2.1"), proxyProtocol: "v1" }],
      routes: [{ name: "v", listeners: ["v"], protocol: "udp", rules: [{ split: [{ cluster: "headed" }] }] }],
    },
    ["MODEL-PROTOCOL listener/u /proxyProtocol", "MODEL-PROXY-PROTOCOL route/v /rules/0/split/0/cluster"],
  ],
  [
    "portClash: listeners of one socket expect the same header, however its ranges are written",
    {
      listeners: [
        ["a", { mode: "required", from: ["10.0.0.0/8", "192.0.2.1"] }],
        ["b", { mode: "required", from: ["192.0.2.1/32", "10.9.9.9/8"] }],
        ["c", { mode: "required" }],
        ["d", undefined],
      ].map(([name, proxyProtocol]) => ({
        ...{ name, fleets: ["edge"], port: 9001, protocol: "HTTP", hostname: `${name}.com` },
        ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
      })),
    },
    [...Array(2).fill("MODEL-PORT-CLASH listener/c /port"), ...Array(3).fill("MODEL-PORT-CLASH listener/d /port")],
  ],
  [
    "portClash: TLS listeners of one socket close silent connections alike, whatever TLS they end",
    {
      listeners: [
        { name: "a", fleets: ["edge"], port: 9001, protocol: "TLS", tls: { mode: "passthrough" } },
        { name: "b", fleets: ["edge"], port: 9001, protocol: "TLS", hostname: "b.com", tls: { mode: "passthrough" } },
        {
          name: "c",
          fleets: ["edge"],
          port: 9001,
          protocol: "TLS",
          hostname: "c.com",
          idleTimeout: "5s",
          tls: { mode: "passthrough" },
        },
      ],
    },
    Array(2).fill("MODEL-PORT-CLASH listener/c /port"),
  ],
  [
    "singleTcpRoute: one TLS route for a name of a listener",
    {
      listeners: [
        { name: "t", fleets: ["edge"], port: 9001, protocol: "TLS", hostname: "*.x.com", tls: { mode: "passthrough" } },
      ],
      routes: [
        ["a", ["A.x.com", "*.b.x.com"]],
        ["b", ["c.x.com", "a.x.com"]],
        ["c", ["*.com"]],
        ["d", undefined],
      ].map(([name, hostnames]) => ({ name, listeners: ["t"], protocol: "tls", hostnames, rules: [{ split }] })),
    },
    ["MODEL-TCP-ROUTE route/b /listeners/0", "MODEL-TCP-ROUTE route/d /listeners/0"],
  ],
  [
    "hostnameShadowed: connections go to the more specific listener",
    {
      listeners: [
        { name: "t", fleets: ["edge"], port: 9001, protocol: "TLS", tls: { mode: "passthrough" } },
        { name: "u", fleets: ["edge"], port: 9001, protocol: "TLS", hostname: "u.com", tls: { mode: "passthrough" } },
      ],
      routes: [{ name: "t", listeners: ["t"], protocol: "tls", hostnames: ["u.com", "t.com"], rules: [{ split }] }],
    },
    ["warning MODEL-HOSTNAME-SHADOWED route/t /listeners/0"],
  ],
  [
    "portClash: HTTP/3 is UDP at the same port, on every address that the listener takes",
    {
      listeners: [
        { name: "a", fleets: ["edge"], port: 9001, protocol: "HTTPS", tls, http: { http3: true } },
        { name: "b", fleets: ["edge"], port: 9001, protocol: "UDP" },
        { name: "c", fleets: ["edge"], port: 9001, protocol: "UDP", address: "127.0.0.1" },
        { name: "d", fleets: ["edge"], port: 9002, protocol: "HTTPS", tls, http: { http3: false } },
        { name: "e", fleets: ["edge"], port: 9002, protocol: "UDP" },
      ],
      certificates: [own],
    },
    // One with each of the two, and one with the other.
    Array(3).fill(expect.stringMatching(/^MODEL-PORT-CLASH listener\/[bc] \/port$/)),
  ],
  [
    "portClash: listeners of one socket have the same HTTP/3",
    {
      listeners: [
        ["a", { http3: true }],
        ["b", { http3: true, http3Port: 9001 }],
        ["c", {}],
        ["d", { http3: true, http3Port: 443 }],
      ].map(([name, http]) => ({
        ...{ name, fleets: ["edge"], port: 9001, protocol: "HTTPS", hostname: `${name}.com`, tls, http },
      })),
      certificates: [own],
    },
    expect.arrayContaining([
      ...Array(2).fill("MODEL-PORT-CLASH listener/c /port"),
      ...Array(3).fill("MODEL-PORT-CLASH listener/d /port"),
    ]),
  ],
  [
    "http3: inside TLS 1.3 only, without a PROXY header, and its port beside it only",
    {
      listeners: [
        { name: "a", fleets: ["edge"], port: 9001, protocol: "HTTP", http: { http3: true } },
        {
          name: "b",
          fleets: ["edge"],
          port: 9002,
          protocol: "HTTPS",
          tls: { ...tls, maxVersion: "1.2" },
          http: { http3: true },
        },
        {
          name: "c",
          fleets: ["edge"],
          port: 9003,
          protocol: "HTTPS",
          tls,
          http: { http3: true },
          proxyProtocol: { mode: "required" },
        },
        { name: "d", fleets: ["edge"], port: 9004, protocol: "HTTPS", tls, http: { http3Port: 443 } },
        { name: "e", fleets: ["edge"], port: 9005, protocol: "HTTP", http: { http3: false } },
      ],
      certificates: [own],
    },
    [
      "MODEL-HTTP3 listener/a /http/http3",
      "MODEL-HTTP3 listener/b /tls/maxVersion",
      "MODEL-HTTP3 listener/c /proxyProtocol",
      "MODEL-HTTP3 listener/d /http/http3Port",
    ],
  ],
  [
    "protocols: packets make no connections",
    { listeners: [{ name: "u", fleets: ["edge"], port: 9001, protocol: "UDP", connectionLimit: { max: 1 } }] },
    ["MODEL-PROTOCOL listener/u /connectionLimit"],
  ],
  [
    "protocols: a UDP route has one rule with a split",
    {
      listeners: [{ name: "u", fleets: ["edge"], port: 9001, protocol: "UDP" }],
      routes: [{ name: "u", listeners: ["u"], protocol: "udp", hostnames: ["x.com"], rules: [{ split }, { split }] }],
    },
    ["MODEL-TCP-ROUTE route/u /hostnames", "MODEL-TCP-ROUTE route/u /rules/1"],
  ],
  [
    "protocols: idle connections of HTTP have another field",
    { listeners: [{ name: "t", fleets: ["edge"], port: 9001, protocol: "HTTP", idleTimeout: "5s" }] },
    ["MODEL-PROTOCOL listener/t /idleTimeout"],
  ],
  [
    "protocols",
    {
      listeners: [{ name: "t", fleets: ["edge"], port: 9001, protocol: "TCP", hostname: "x.com" }],
      routes: [
        {
          name: "r",
          listeners: ["web"],
          protocol: "tcp",
          hostnames: ["x.com"],
          rules: [{ split, timeouts: { idle: "1s" } }, { split }],
        },
      ],
    },
    [
      "MODEL-PROTOCOL listener/t /hostname",
      "MODEL-TCP-ROUTE route/r /hostnames",
      "MODEL-PROTOCOL route/r /listeners/0",
      "MODEL-TCP-ROUTE route/r /rules/0/timeouts",
      "MODEL-TCP-ROUTE route/r /rules/1",
    ],
  ],
  [
    "singleTcpRoute",
    {
      routes: [
        { name: "a", listeners: ["raw"], protocol: "tcp", rules: [{ split }] },
        { name: "b", listeners: ["raw"], protocol: "tcp", rules: [{ split }] },
      ],
    },
    ["MODEL-TCP-ROUTE route/b /listeners/0"],
  ],
  [
    "hostnameScope: empty",
    {
      listeners: [{ name: "x", fleets: ["edge"], port: 81, protocol: "HTTP", hostname: "*.x.com" }],
      routes: [http({ split }, { listeners: ["x"], hostnames: ["y.com"] })],
    },
    ["MODEL-HOSTNAME-SCOPE route/r /hostnames/0"],
  ],
  [
    "hostnameScope: partly",
    {
      listeners: [{ name: "x", fleets: ["edge"], port: 81, protocol: "HTTP", hostname: "*.x.com" }],
      routes: [http({ split }, { listeners: ["x"], hostnames: ["y.com", "a.x.com"] })],
    },
    ["warning MODEL-HOSTNAME-SCOPE route/r /hostnames/0"],
  ],
  [
    "hostnameShadowed",
    {
      listeners: [{ name: "x", fleets: ["edge"], port: 8080, protocol: "HTTP", hostname: "*.x.com" }],
      routes: [http({ split }, { hostnames: ["a.x.com", "b.com"] })],
    },
    ["warning MODEL-HOSTNAME-SHADOWED route/r /listeners/0"],
  ],
  [
    "hostnameShadowed: sockets are equal by meaning",
    {
      listeners: [
        { name: "x", fleets: ["edge"], address: "0.0.0.0", port: 8080, protocol: "HTTP", hostname: "*.x.com" },
        { name: "y", fleets: ["edge"], address: "::1", port: 81, protocol: "HTTP", hostname: "*.x.com" },
        { name: "z", fleets: ["edge"], address: "0::1", port: 81, protocol: "HTTP" },
      ],
      routes: [http({ split }, { listeners: ["web", "z"], hostnames: ["a.x.com"] })],
    },
    ["warning MODEL-HOSTNAME-SHADOWED route/r /listeners/0", "warning MODEL-HOSTNAME-SHADOWED route/r /listeners/1"],
  ],
  [
    "duplicateMatch: two routes",
    {
      routes: [
        http({ split, matches: path({ prefix: "/a" }) }),
        { ...http({ split, matches: path({ prefix: "/a/" }) }), name: "s" },
      ],
    },
    ["MODEL-DUPLICATE-MATCH route/s /rules/0/matches/0"],
  ],
  [
    "duplicateMatch: one route",
    { routes: [http({ split, matches: [{ method: "GET" }, { method: "GET", path: { prefix: "/" } }] })] },
    ["MODEL-DUPLICATE-MATCH route/r /rules/0/matches/1"],
  ],
  [
    "duplicateMatch: another header value is another match",
    {
      routes: [
        http({ split, matches: [{ headers: [{ name: "a", exact: "1" }] }, { headers: [{ name: "A", exact: "2" }] }] }),
      ],
    },
    [],
  ],
  [
    "duplicateMatch: what means the same in other words",
    {
      routes: [
        http({ split, matches: [{ source: ["10.0.0.0/8", "::1"] }, { source: ["0::1/128", "10.1.0.0/8"] }] }),
        {
          ...http({
            split,
            matches: [
              {
                headers: [
                  { name: "a", exact: "1" },
                  { name: "b", present: true },
                ],
                method: "GET",
              },
              {
                method: "GET",
                headers: [
                  { present: true, name: "B" },
                  { exact: "1", name: "A" },
                  { name: "a", exact: "1" },
                ],
              },
            ],
          }),
          name: "s",
        },
      ],
    },
    ["MODEL-DUPLICATE-MATCH route/r /rules/0/matches/1", "MODEL-DUPLICATE-MATCH route/s /rules/0/matches/1"],
  ],
  [
    "duplicateMatch: an expression that reads like two conditions",
    {
      routes: [
        http({
          split,
          matches: [
            { path: { regex: "/a, GET" } },
            { path: { regex: "/a, method GET" } },
            { path: { regex: "/a" }, method: "GET" },
          ],
        }),
      ],
    },
    [],
  ],
  [
    "duplicateMatch: one name and value of a header, a parameter and a cookie",
    {
      routes: [
        http({
          split,
          matches: ["headers", "query", "cookies"].map((field) => ({ [field]: [{ name: "a", exact: "1" }] })),
        }),
      ],
    },
    [],
  ],
  [
    "splits",
    {
      routes: [
        http({
          split: [
            { cluster: "one", weight: 0 },
            { cluster: "one", weight: 0 },
          ],
        }),
      ],
    },
    ["MODEL-SPLIT route/r /rules/0/split", "MODEL-SPLIT route/r /rules/0/split/1/cluster"],
  ],
  [
    "canaries",
    {
      routes: [http({ split: [{ cluster: "one" }, { cluster: "two" }], name: "main" })],
      canaries: [
        {
          name: "a",
          route: "r",
          rule: "main",
          stable: "one",
          canary: "three",
          steps: [{ weight: 1 }],
          state: { step: 1 },
        },
        { name: "b", route: "r", rule: 0, stable: "one", canary: "two", steps: [{ weight: 1 }] },
        { name: "c", route: "r", rule: 7, stable: "one", canary: "one", steps: [{ weight: 1 }] },
      ],
    },
    [
      "MODEL-CANARY canary/a /canary",
      "MODEL-CANARY canary/a /rule",
      "MODEL-CANARY canary/a /rule",
      "MODEL-CANARY canary/a /state/step",
      "MODEL-CANARY canary/b /rule",
      "MODEL-CANARY canary/c /canary",
      "MODEL-CANARY canary/c /rule",
    ],
  ],
  [
    "ruleParts",
    {
      routes: [
        http({
          respond: { status: 200 },
          matches: path({ exact: "/a" }),
          rewrite: { path: { prefix: "/b" } },
          timeouts: { idle: "1s" },
        }),
      ],
    },
    [
      "MODEL-RULE route/r /rules/0/rewrite",
      "MODEL-RULE route/r /rules/0/rewrite/path/prefix",
      "MODEL-RULE route/r /rules/0/timeouts",
    ],
  ],
  [
    "ruleParts: names",
    {
      routes: [
        http(
          { split, name: "x" },
          {
            rules: [
              { split, name: "x" },
              { split, name: "x", matches: [{ method: "GET" }] },
            ],
          },
        ),
      ],
    },
    ["MODEL-RULE route/r /rules/1/name"],
  ],
  [
    "respondStatus",
    {
      routes: [
        http(
          { respond: { status: 301 } },
          {
            rules: [
              { respond: { status: 301 } },
              { matches: [{ method: "GET" }], respond: { status: 444 } },
              { matches: [{ method: "PUT" }], respond: { status: 204, body: "x" } },
            ],
          },
        ),
      ],
    },
    [
      "MODEL-RESPOND route/r /rules/0/respond/status",
      "MODEL-RESPOND route/r /rules/1/respond/status",
      "MODEL-RESPOND route/r /rules/2/respond/body",
    ],
  ],
  [
    "headerSize: as much as fits, and a byte more",
    {
      routes: [
        http({ split, requestHeaders: { set: fieldsOf(8192) }, responseHeaders: { add: fieldsOf(8193) } }),
        http({ split, requestHeaders: { set: fieldsOf(8193) } }, { name: "s", hostnames: ["s.test"] }),
      ],
    },
    ["MODEL-HEADER-SIZE route/r /rules/0/responseHeaders", "MODEL-HEADER-SIZE route/s /rules/0/requestHeaders"],
  ],
  [
    "headers",
    {
      routes: [
        http({
          split,
          matches: [{ headers: [{ name: "Host", exact: "x" }] }],
          requestHeaders: {
            set: [{ name: "X-A", value: "1" }],
            add: [{ name: "x-a", value: "2" }],
            remove: ["Content-Length"],
          },
          responseHeaders: { set: [{ name: "x-envoy-a", value: "1" }] },
        }),
      ],
    },
    [
      "MODEL-HEADER route/r /rules/0/matches/0/headers/0/name",
      "MODEL-HEADER route/r /rules/0/requestHeaders/add/0/name",
      "MODEL-HEADER route/r /rules/0/requestHeaders/remove/0",
      "MODEL-HEADER route/r /rules/0/responseHeaders/set/0/name",
    ],
  ],
  [
    "headers: what belongs to one connection or to the proxies cannot be matched",
    {
      routes: [
        http({
          split,
          matches: [
            "TE",
            "Keep-Alive",
            "proxy-connection",
            "X-Forwarded-Proto",
            "x-envoy-internal",
            "X-Trimtab-Source",
          ].map((name) => ({
            headers: [{ name, present: true }],
          })),
        }),
      ],
    },
    [0, 1, 2, 3, 4, 5].map((index) => `MODEL-HEADER route/r /rules/0/matches/${index}/headers/0/name`),
  ],
  [
    "headers: Host of an answer, in each list",
    {
      routes: [
        http(
          {},
          {
            rules: [
              { set: [{ name: "Host", value: "x" }] },
              { add: [{ name: "host", value: "x" }] },
              { remove: ["HOST"] },
            ].map((responseHeaders, index) => ({ matches: path({ prefix: `/${index}` }), split, responseHeaders })),
          },
        ),
      ],
    },
    [
      "MODEL-HEADER route/r /rules/0/responseHeaders/set/0/name",
      "MODEL-HEADER route/r /rules/1/responseHeaders/add/0/name",
      "MODEL-HEADER route/r /rules/2/responseHeaders/remove/0",
    ],
  ],
  [
    "headers: fields with one value are not added to; Set-Cookie is in answers",
    {
      routes: [
        http({
          split,
          requestHeaders: {
            set: [{ name: "Authorization", value: "x" }],
            add: ["Cookie", "Set-Cookie", "Accept"].map((name) => ({ name, value: "x" })),
          },
          responseHeaders: { add: ["ETag", "Set-Cookie", "Vary"].map((name) => ({ name, value: "x" })) },
        }),
      ],
    },
    [
      "MODEL-HEADER route/r /rules/0/requestHeaders/add/0/name",
      "MODEL-HEADER route/r /rules/0/requestHeaders/add/1/name",
      "MODEL-HEADER route/r /rules/0/responseHeaders/add/0/name",
    ],
  ],
  [
    "pathPolicy",
    {
      routes: [
        http({
          split,
          matches: [
            { path: { exact: "/a//b" } },
            { path: { prefix: "/a/../b" } },
            { path: { exact: "/%2f" } },
            { path: { exact: "/%41" } },
            { path: { exact: "/%20" } },
          ],
        }),
      ],
    },
    [0, 1, 2, 3].map(
      (index) => `MODEL-PATH route/r /rules/0/matches/${index}/path/${index === 1 ? "prefix" : "exact"}`,
    ),
  ],
  [
    "regexDialect",
    {
      routes: [
        http({
          split,
          matches: [
            { path: { regex: "/(?=a)" } },
            { path: { regex: "/a{1,1001}" } },
            { path: { regex: "/[0-9a-f-]{36}" } },
            { headers: [{ name: "a", regex: "\\pL" }] },
          ],
        }),
      ],
    },
    [
      "L7-REGEX-DIALECT route/r /rules/0/matches/0/path/regex",
      "L7-REGEX-DIALECT route/r /rules/0/matches/1/path/regex",
      "L7-REGEX-DIALECT route/r /rules/0/matches/3/headers/0/regex",
    ],
  ],
  [
    "endpoints",
    {
      clusters: [
        cluster("four", {
          endpoints: [
            { address: "127.0.0.1", port: 1 },
            { address: "127.0.0.1", port: 1 },
          ],
        }),
      ],
    },
    ["MODEL-ENDPOINT cluster/four /endpoints/1"],
  ],
  [
    "endpoints: other spellings, and all addresses",
    {
      clusters: [
        cluster("four", {
          endpoints: [
            { address: "::1", port: 1 },
            { address: "0:0:0:0:0:0:0:1", port: 1 },
            { address: "0.0.0.0", port: 1 },
            { address: "0::0", port: 1 },
          ],
        }),
      ],
    },
    [
      "MODEL-ENDPOINT cluster/four /endpoints/1",
      "MODEL-ENDPOINT cluster/four /endpoints/2/address",
      "MODEL-ENDPOINT cluster/four /endpoints/3/address",
    ],
  ],
  [
    "outlierDetection and slowStart",
    {
      clusters: [
        cluster("a", { outlierDetection: { interval: "50ms", ejectFor: "1500ms" }, slowStart: { window: "500ms" } }),
        cluster("b", { outlierDetection: { interval: "2h", ejectFor: "2h" }, slowStart: { window: "2h" } }),
        cluster("c", { outlierDetection: { interval: "1h", ejectFor: "1s" }, slowStart: { window: "1h" } }),
        cluster("d", { balance: { policy: "random" }, slowStart: { window: "1s" } }),
      ],
    },
    [
      "MODEL-OUTLIER cluster/a /outlierDetection/ejectFor",
      "MODEL-OUTLIER cluster/a /outlierDetection/interval",
      "MODEL-SLOW-START cluster/a /slowStart/window",
      "MODEL-OUTLIER cluster/b /outlierDetection/ejectFor",
      "MODEL-OUTLIER cluster/b /outlierDetection/interval",
      "MODEL-SLOW-START cluster/b /slowStart/window",
      "MODEL-SLOW-START cluster/d /slowStart",
    ],
  ],
  [
    "healthChecks",
    { healthChecks: [{ name: "h", type: "tcp", http: { expectedStatus: ["299-200"] } }] },
    ["MODEL-HEALTH-CHECK healthCheck/h /http", "MODEL-HEALTH-CHECK healthCheck/h /http/expectedStatus/0"],
  ],
  [
    "healthChecks: what a probe cannot be given",
    {
      healthChecks: [
        {
          name: "h",
          type: "http",
          tcp: { send: "x" },
          grpc: {},
          http: {
            method: "HEAD",
            headers: [
              { name: "Host", value: "x" },
              { name: "X-A", value: "1" },
              { name: "x-a", value: "2" },
            ],
            body: { contains: "x" },
          },
        },
      ],
    },
    [
      "MODEL-HEALTH-CHECK healthCheck/h /grpc",
      "MODEL-HEALTH-CHECK healthCheck/h /http/body",
      "MODEL-HEALTH-CHECK healthCheck/h /http/headers/0/name",
      "MODEL-HEALTH-CHECK healthCheck/h /http/headers/2/name",
      "MODEL-HEALTH-CHECK healthCheck/h /tcp",
    ],
  ],
  [
    "clientAuthentication: one authority has a revocation list, the other none",
    {
      authorities: [
        { name: "revoking", bundle: AUTHORITY, crl: REVOCATIONS },
        { name: "other", bundle: OTHER_AUTHORITY },
      ],
      certificates: [{ name: "own", ...CERTIFICATES.exactEcdsa }],
      listeners: [
        {
          ...{ name: "secure", fleets: ["edge"], port: 443, protocol: "HTTPS" },
          tls: {
            certificates: ["own"],
            clientAuthentication: { mode: "require", authorities: ["revoking", "other"] },
          },
        },
      ],
    },
    ["MODEL-TLS listener/secure /tls/clientAuthentication/authorities/1"],
  ],
  [
    "listenerTls: a TLS listener reads no requests that could tell of their client",
    {
      authorities: [{ name: "other", bundle: OTHER_AUTHORITY }],
      certificates: [{ name: "own", ...CERTIFICATES.exactEcdsa }],
      listeners: [
        {
          ...{ name: "ended", fleets: ["edge"], port: 443, protocol: "TLS" },
          tls: {
            certificates: ["own"],
            clientAuthentication: { mode: "require", authorities: ["other"], forward: "xfcc" },
          },
        },
      ],
    },
    ["MODEL-TLS listener/ended /tls/clientAuthentication/forward"],
  ],
];

test.each(cases)("%s", (_name, document, expected) => {
  expect(load(document).problems).toEqual(expected);
});

test("deleting a cluster finds the routes that name it", () => {
  const { resources } = load({ routes: [http({ split })] });
  const whole = applyChanges(
    emptySnapshot,
    resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change),
  );
  const change: Change = { kind: "cluster", name: "one", resource: null };
  expect(
    checkSnapshot(applyChanges(whole, [change]), [change]).map(({ code, resource }) => `${code} ${resource?.name}`),
  ).toEqual(["MODEL-REFERENCE r"]);
});

test("every expression that the dialect takes is one that JavaScript takes too", async () => {
  const { regexProblem } = await import("../../regex/index.ts");
  for (const good of [
    "a|b",
    "(?:a(b|c)){2,3}?",
    "[^\\]\\-a-z]+",
    "\\d\\w\\s\\b",
    "\\.\\*",
    "[-a]",
    "[a-]",
    "^a$",
    "/v[0-9]+(?:/.*)?",
  ]) {
    expect([good, regexProblem(good)]).toEqual([good, null]);
    new RegExp(good);
  }
  for (const bad of [
    "(",
    ")",
    "a{2",
    "a**",
    "a*+",
    "[a",
    "[]",
    "[[:alpha:]]",
    "\\1",
    "\\h",
    "(?i)a",
    "(?<n>a)",
    "a{3,2}",
    "(a{40}){40}",
    "^*",
    "}",
  ]) {
    expect([bad, typeof regexProblem(bad)]).toEqual([bad, "string"]);
  }
});
