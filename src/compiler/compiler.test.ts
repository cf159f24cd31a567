import { describe, expect, test } from "vitest";
import type { FleetIr, HttpPortIr } from "../ir/index.ts";
import { applyChanges, type Change, emptySnapshot, type Snapshot, validateConfig } from "../model/index.ts";
import { MatchTooLongError } from "../regex/match.ts";
import { finish } from "../util/steps.ts";
import { type ExplainRequest, explain } from "./index.ts";
import { compile, withPathGroups } from "./testCompiler.ts";

function snapshotOf(document: unknown, base: Snapshot = emptySnapshot): Snapshot {
  const { resources, diagnostics } = validateConfig(document);
  expect(diagnostics).toEqual([]);
  return applyChanges(
    base,
    resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change),
  );
}

function route(name: string, rule: object, hostnames = ["a.example.com"]): object {
  return { name, listeners: ["web"], hostnames, rules: [{ split: [{ cluster: "one" }], ...rule }] };
}

const base = {
  fleets: [{ name: "edge", proxy: "envoy" }],
  listeners: [{ name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" }],
  clusters: [
    { name: "one", endpoints: [{ address: "127.0.0.1", port: 1 }] },
    { name: "two", endpoints: [] },
  ],
};

const many = {
  ...base,
  routes: [
    route("r1", { matches: [{ path: { prefix: "/a" } }] }),
    route("r2", { matches: [{ path: { exact: "/a" } }, { path: { prefix: "/a/" }, method: "POST" }] }),
    route("r3", { matches: [{ path: { regex: "/u/[0-9]+" } }] }),
    route("r4", { matches: [{ path: { prefix: "/a/b" }, headers: [{ name: "X-Env", exact: "canary" }] }] }),
    route("r5", {}, ["*.example.com"]),
    { name: "r6", listeners: ["web"], hostnames: ["b.example.com"], rules: [{ respond: { status: 200 } }] },
  ],
};

const fleetOf = (snapshot: Snapshot): FleetIr => compile(snapshot, null).fleets.get("edge") as FleetIr;
const portOf = (fleet: FleetIr): HttpPortIr => fleet.ports[0] as HttpPortIr;

test("rules stand in precedence order, hosts in name order", () => {
  const port = portOf(fleetOf(snapshotOf(many)));
  expect(port.id).toBe("http-0-0-0-0-8080");
  expect(port.virtualHosts.map(({ hostnames }) => hostnames)).toEqual([
    ["*.example.com"],
    ["a.example.com"],
    ["b.example.com"],
  ]);
  expect(port.listeners).toEqual(["web"]);
  expect(port.virtualHosts[1]?.rules.map(({ id }) => id)).toEqual(["r2.0.0", "r3.0.0", "r4.0.0", "r2.0.1", "r1.0.0"]);
});

test("the order of the document does not matter", () => {
  const shuffled = { ...many, routes: [...many.routes].reverse(), clusters: [...many.clusters].reverse() };
  expect(JSON.stringify(fleetOf(snapshotOf(shuffled)))).toBe(JSON.stringify(fleetOf(snapshotOf(many))));
});

test("a change gives what a compilation from nothing gives, and leaves other hosts the same objects", () => {
  const first = compile(snapshotOf(many), null);
  const changed = snapshotOf(
    { routes: [route("r1", { matches: [{ path: { prefix: "/z" } }] }), route("r7", {}, ["c.example.com"])] },
    first.snapshot,
  );
  const second = compile(changed, first);
  expect(JSON.stringify(second.fleets.get("edge"))).toBe(JSON.stringify(fleetOf(changed)));
  const [before, after] = [first, second].map(({ fleets }) => portOf(fleets.get("edge") as FleetIr).virtualHosts);
  const named = (hosts: typeof before, name: string) => hosts?.find(({ hostnames }) => hostnames.includes(name));
  expect(named(after, "b.example.com")).toBe(named(before, "b.example.com"));
  expect(named(after, "b.example.com")).toBeDefined();
  const removed = applyChanges(changed, [{ kind: "route", name: "r7", resource: null }]);
  expect(JSON.stringify(compile(removed, second).fleets.get("edge"))).toBe(JSON.stringify(fleetOf(removed)));
});

const groupsOf = (routes: object[]): string[] => {
  const [host] = portOf(withPathGroups(fleetOf(snapshotOf({ ...base, routes })))).virtualHosts;
  const list = (candidates: readonly { rule: number; pathRegex: string | null }[] | null): string =>
    (candidates ?? [])
      .map(({ rule, pathRegex }) => `${host?.rules[rule]?.id}${pathRegex === null ? "" : " ~"}`)
      .join(" ");
  return (host?.groups ?? []).map(
    ({ path, candidates, bare }) =>
      `${path.kind} ${path.value}: ${list(candidates)}${bare === null ? "" : ` | ${list(bare)}`}`,
  );
};

test("path groups hold the covering prefixes and end at the first certain rule", () => {
  expect(groupsOf(many.routes.slice(0, 4))).toEqual([
    "exact /a: r2.0.0",
    "regex /u/[0-9]+: r3.0.0",
    "prefix /a/b: r4.0.0 r2.0.1 r1.0.0 | r4.0.0 r2.0.1 r1.0.0",
    "prefix /a: r2.0.1 r1.0.0",
  ]);
});

test("regular expressions that match a constant path are found beforehand", () => {
  const routes = [
    route("e", { matches: [{ path: { exact: "/u/1" }, method: "GET" }] }),
    route("p", { matches: [{ path: { prefix: "/u/2" } }, { path: { prefix: "/u" } }] }),
    route("x", { matches: [{ path: { regex: "/u/[0-9]+" }, method: "PUT" }, { path: { regex: "/u/[0-9]" } }] }),
  ];
  expect(groupsOf(routes)).toEqual([
    "exact /u/1: e.0.0 x.0.0 x.0.1",
    "regex /u/[0-9]+: x.0.0",
    "regex /u/[0-9]: x.0.1",
    "prefix /u/2: p.0.0 | x.0.0 x.0.1",
    "prefix /u: p.0.1 | p.0.1",
  ]);
});

test("an expression that takes too long to decide stays with its candidate", () => {
  const regex = `/${"(?:a?){1000}".repeat(20)}!`;
  const routes = [
    route("e", { matches: [{ path: { exact: `/${"a".repeat(1000)}` }, method: "GET" }] }),
    route("x", { matches: [{ path: { regex } }] }),
  ];
  expect(groupsOf(routes)[0]).toMatch(/: e\.0\.0 x\.0\.0 ~$/);
});

test("many candidates of one path get a truth table", () => {
  const routes = Array.from({ length: 20 }, (_, index) =>
    route(`r${index}`, { matches: [{ path: { prefix: "/a" }, headers: [{ name: "X-Env", exact: `v${index}` }] }] }),
  );
  const [host] = portOf(withPathGroups(fleetOf(snapshotOf({ ...base, routes })))).virtualHosts;
  const table = host?.groups?.[0]?.table;
  expect(table?.dimensions).toMatchObject([{ field: { kind: "header", name: "x-env" }, kind: "exact" }]);
  expect(table?.rows.map(({ classes, rule }) => [classes, host?.rules[rule]?.id])).toContainEqual([["3"], "r10.0.0"]);
});

describe("hosts that the same routes serve", () => {
  const both = ["a.example.com", "b.example.com"];
  const start = [
    route("r1", { matches: [{ path: { prefix: "/a" } }] }, [...both, "c.example.com"]),
    route("r2", { matches: [{ path: { prefix: "/b" } }] }, both),
  ];
  const hostsOf = (fleet: FleetIr): string[] =>
    portOf(fleet).virtualHosts.map(({ hostnames, rules }) => `${hostnames.join()} ${rules.map(({ id }) => id).join()}`);

  test("have their rules once", () => {
    expect(hostsOf(fleetOf(snapshotOf({ ...base, routes: start })))).toEqual([
      "a.example.com,b.example.com r1.0.0,r2.0.0",
      "c.example.com r1.0.0",
    ]);
  });

  const one = (hostnames: string[]): object => route("r2", { matches: [{ path: { prefix: "/b" } }] }, hostnames);
  test.each([
    ["a host leaves for another group", [one(["a.example.com"])], "a.example.com r1.0.0,r2.0.0"],
    ["a host comes from another group", [one([...both, "c.example.com"])], "a.example.com,b.example.com,c.example.com"],
    ["a host comes from nowhere", [one([...both, "d.example.com"])], "d.example.com r2.0.0"],
    ["a rule of the group changes", [route("r2", { matches: [{ path: { prefix: "/z" } }] }, both)], "r1.0.0,r2.0.0"],
    ["a route serves one of them", [route("r3", {}, ["b.example.com"])], "b.example.com r1.0.0,r2.0.0,r3.0.0"],
  ])("%s", (_what, routes, wanted) => {
    const first = compile(snapshotOf({ ...base, routes: start }), null);
    const changed = snapshotOf({ routes }, first.snapshot);
    const second = compile(changed, first);
    expect(hostsOf(second.fleets.get("edge") as FleetIr).join("; ")).toContain(wanted);
    expect(JSON.stringify(second.fleets.get("edge"))).toBe(JSON.stringify(fleetOf(changed)));
    const back = compile(first.snapshot, second);
    expect(JSON.stringify(back.fleets.get("edge"))).toBe(JSON.stringify(first.fleets.get("edge")));
  });
});

test("equal policies are one object, also of different routes", () => {
  const rule = {
    matches: [{ path: { prefix: "/a" } }],
    timeouts: { idle: "7s" },
    responseHeaders: { remove: ["x-a"] },
  };
  const routes = [route("r1", rule), route("r2", { ...rule, matches: [{ path: { prefix: "/b" } }] })];
  const [host] = portOf(fleetOf(snapshotOf({ ...base, routes }))).virtualHosts;
  expect(host?.rules[0]?.policies).toBe(host?.rules[1]?.policies);
  expect(host?.rules[0]?.policies).toEqual({
    rewrite: null,
    requestHeaders: null,
    timeouts: { idleMs: 7000, requestMs: null },
    retry: null,
    responseHeaders: { set: [], add: [], remove: ["x-a"] },
  });
});

test("a retry has its defaults, and no try is longer than the endpoint may be silent", () => {
  const of = (retry: object, timeouts?: object) => {
    const routes = [route("r", { retry, ...(timeouts === undefined ? {} : { timeouts }) })];
    return portOf(fleetOf(snapshotOf({ ...base, routes }))).virtualHosts[0]?.rules[0]?.policies.retry;
  };
  const methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PUT"];
  expect(of({})).toEqual({
    attempts: 2,
    resends: { methods, statuses: [], perTryMs: null },
    backoffMs: null,
    grpcStatuses: [],
  });
  expect(of({ on: ["connectFailure"], backoff: "1s" })).toEqual({
    attempts: 2,
    resends: null,
    backoffMs: 1000,
    grpcStatuses: [],
  });
  const on = ["reset", "timeout"];
  const all = { attempts: 5, on, statuses: ["502-504", "500", "503"], methods: ["PUT", "GET"], perTryTimeout: "2s" };
  const resends = { methods: ["GET", "PUT"], statuses: [500, 502, 503, 504], perTryMs: 2000 };
  expect(of(all)).toEqual({ attempts: 5, resends, backoffMs: null, grpcStatuses: [] });
  expect(of(all, { idle: "1s" })?.resends?.perTryMs).toBe(1000);
  expect(of({ on }, { idle: "3s" })?.resends?.perTryMs).toBe(3000);
});

test("the rules of a route that a change of it leaves alone stay the same objects", () => {
  const rules = (second: string): object[] => [
    { name: "7", matches: [{ path: { prefix: "/a" } }], split: [{ cluster: "one" }] },
    { matches: [{ path: { prefix: second } }], split: [{ cluster: "one" }] },
  ];
  const whole = (second: string): object => ({
    ...base,
    routes: [{ name: "r", listeners: ["web"], rules: rules(second) }],
  });
  const first = compile(snapshotOf(whole("/b")), null);
  const second = compile(snapshotOf(whole("/c"), first.snapshot), first);
  const [before, after] = [first, second].map(
    ({ fleets }) => portOf(fleets.get("edge") as FleetIr).virtualHosts[0]?.rules,
  );
  expect(after?.[0]).toBe(before?.[0]);
  expect(after?.[1]).not.toBe(before?.[1]);
  // A name of digits could be another rule's place.
  expect(after?.map(({ name }) => name)).toEqual(["r/0", "r/1"]);
});

test("listeners that share a port do not fall through to each other", () => {
  const fleet = fleetOf(
    snapshotOf({
      ...base,
      listeners: [
        ...base.listeners,
        { name: "narrow", fleets: ["edge"], port: 8080, protocol: "HTTP", hostname: "*.x.com" },
      ],
      routes: [
        route("wide", {}, ["*.com", "a.x.com"]),
        { name: "n", listeners: ["narrow"], hostnames: ["b.x.com"], rules: [{ split: [{ cluster: "one" }] }] },
      ],
    }),
  );
  const hosts = portOf(fleet).virtualHosts.map(({ hostnames, rules }) => `${hostnames.join()} ${rules.length}`);
  expect(hosts).toEqual(["*.com 1", "*.x.com 0", "b.x.com 1"]);
});

const told = (config: object, request: Omit<ExplainRequest, "fleet">) =>
  finish(explain(fleetOf(snapshotOf(config)), { fleet: "edge", ...request }));

test("explain matches in linear time, or says that it cannot", () => {
  const model = (regex: string) => ({ ...base, routes: [route("r", { matches: [{ path: { regex } }] })] });
  const ask = (regex: string, path: string) =>
    told(model(regex), { method: "GET", host: "a.example.com", path, headers: [] });
  // JavaScript's own would take years.
  expect(ask("/(a+)+", `/${"a".repeat(8000)}!`)?.outcome).toMatchObject({ kind: "error", status: 404 });
  expect(ask("/(a+)+", `/${"a".repeat(8000)}`)?.outcome).toMatchObject({ kind: "forward" });
  expect(() => ask(`/${"(?:a?){1000}".repeat(20)}!`, `/${"a".repeat(8000)}`)).toThrow(MatchTooLongError);
});

test("explain names the winner and why the others lost", () => {
  const explanation = told(many, {
    method: "POST",
    host: "A.example.com.:8080",
    path: "/a/c?q",
    headers: [],
  });
  expect(explanation?.virtualHost).toBe("a.example.com");
  expect(explanation?.outcome).toEqual({
    kind: "forward",
    split: [{ cluster: "one", sharePercent: 100 }],
    path: "/a/c?q",
  });
  expect(explanation?.rules.map(({ route: name, verdict }) => `${name} ${verdict}`)).toEqual([
    "r2 doesNotMatch",
    "r3 doesNotMatch",
    "r4 doesNotMatch",
    "r2 wins",
    "r1 loses",
  ]);
});

test.each([
  ["a..example.com", "/", 400],
  [".example.com", "/", 400],
  [".", "/", 400],
  ["a.example.com.:80", "/a/c", 200],
  ["a.example.com", "/a/c?é", 400],
  ["a.example.com", "/a/c?#", 400],
])("explain refuses what every proxy refuses: host %s, path %s", (host, path, status) => {
  const outcome = told(many, { method: "POST", host, path, headers: [] })?.outcome;
  expect(outcome?.kind === "error" ? outcome.status : 200).toBe(status);
});

test.each([
  [
    [
      ["X-Env", ""],
      ["X-Env", "a"],
      ["X-Env", ""],
    ],
    "exact",
  ],
  [
    [
      ["X-Env", "a"],
      ["X-Env", ""],
      ["X-Env", "b"],
    ],
    "present",
  ],
  [
    [
      ["X-Env", "a"],
      ["x-env", "b"],
    ],
    "present",
  ],
  [[["X-Env", "a"]], "exact"],
  [[["X-Env", ""]], "absent"],
  [[], "absent"],
] as const)("explain takes headers %j as %s", (headers, taken) => {
  const kinds = [{ exact: "a" }, { regex: "[ab]" }, { present: true }, { absent: true }];
  const rules = kinds.map((kind) => ({
    name: Object.keys(kind)[0],
    matches: [{ headers: [{ name: "X-Env", ...kind }] }],
    split: [{ cluster: "one" }],
  }));
  const config = { ...base, routes: [{ name: "r", listeners: ["web"], rules }] };
  const asked = { method: "GET", host: "x.test", path: "/", headers };
  expect(told(config, asked)?.rules.find(({ verdict }) => verdict === "wins")?.rule).toBe(taken);
});

describe("explain looks at each kind of field", () => {
  const winner = (match: object, asked: Partial<ExplainRequest>): string | undefined => {
    const rules = [
      { name: "asks", matches: [match], split: [{ cluster: "one" }] },
      { name: "rest", split: [{ cluster: "one" }] },
    ];
    const config = { ...base, routes: [{ name: "r", listeners: ["web"], rules }] };
    const request = { method: "GET", host: "x.test", path: "/", headers: [], ...asked };
    return told(config, request)?.rules.find(({ verdict }) => verdict === "wins")?.rule;
  };

  test.each([
    ["?v=1", true],
    ["?a&v=1", true],
    ["?v=1&v=2", true],
    ["?v=2&v=1", false],
    ["?V=1", false],
    ["?v=%31", false],
    ["", false],
  ])("query %s", (query, isTaken) => {
    expect(winner({ query: [{ name: "v", exact: "1" }] }, { path: `/${query}` })).toBe(isTaken ? "asks" : "rest");
  });

  test.each([
    ["?v", true, false],
    ["?v=", true, false],
    ["?w=v", false, true],
  ])("query %s: present, absent", (query, present, absent) => {
    const path = `/${query}`;
    expect(winner({ query: [{ name: "v", present: true }] }, { path })).toBe(present ? "asks" : "rest");
    expect(winner({ query: [{ name: "v", absent: true }] }, { path })).toBe(absent ? "asks" : "rest");
    expect(winner({ query: [{ name: "v", regex: ".*" }] }, { path })).toBe("rest");
  });
});

describe("explain looks at cookies", () => {
  const winner = (match: object, headers: ExplainRequest["headers"]): string | undefined => {
    const rules = [
      { name: "asks", matches: [match], split: [{ cluster: "one" }] },
      { name: "rest", split: [{ cluster: "one" }] },
    ];
    const config = { ...base, routes: [{ name: "r", listeners: ["web"], rules }] };
    const request = { method: "GET", host: "x.test", path: "/", headers };
    return told(config, request)?.rules.find(({ verdict }) => verdict === "wins")?.rule;
  };

  test.each([
    [[["Cookie", "c=1"]], true],
    [[["cookie", "a=1; c=1; c=2"]], true],
    [[["Cookie", "a;c=1"]], true],
    [[["Cookie", "c=2; c=1"]], false],
    [[["Cookie", "C=1"]], false],
    [[["Cookie", "xc=1"]], false],
    [[["Cookie", "c=1x"]], false],
    [
      [
        ["Cookie", "d=1"],
        ["Cookie", "c=1"],
      ],
      true,
    ],
    [[], false],
  ] as const)("%j", (headers, isTaken) => {
    expect(winner({ cookies: [{ name: "c", exact: "1" }] }, headers)).toBe(isTaken ? "asks" : "rest");
  });

  test("present, absent, regex", () => {
    const empty = [["Cookie", "c="]] as const;
    expect(winner({ cookies: [{ name: "c", present: true }] }, empty)).toBe("rest");
    expect(winner({ cookies: [{ name: "c", absent: true }] }, empty)).toBe("asks");
    expect(winner({ cookies: [{ name: "c", regex: ".*" }] }, empty)).toBe("rest");
    expect(winner({ cookies: [{ name: "c", regex: "a.*b" }] }, [["Cookie", "c=a; d=b"]])).toBe("rest");
  });
});

test.each([
  ["10.9.9.9", "asks"],
  ["2001:db8::7", "asks"],
  ["11.0.0.1", "rest"],
  [undefined, "rest"],
])("explain looks at the client's address %s", (source, winner) => {
  const rules = [
    { name: "asks", matches: [{ source: ["2001:DB8::1/32", "10.1.1.1/8"] }], split: [{ cluster: "one" }] },
    { name: "rest", split: [{ cluster: "one" }] },
  ];
  const config = { ...base, routes: [{ name: "r", listeners: ["web"], rules }] };
  const found = told(config, { method: "GET", host: "x.test", path: "/", headers: [], source });
  expect(found?.rules.find(({ verdict }) => verdict === "wins")?.rule).toBe(winner);
  const [host] = portOf(fleetOf(snapshotOf(config))).virtualHosts;
  expect(host?.rules[0]?.conditions).toEqual([
    { field: { kind: "source" }, test: "within", value: "10.0.0.0/8 2001:db8::/32" },
  ]);
});

test.each([
  [["10.1.1.1/8", "::1"], "prefix /, client's address within 10.0.0.0/8 or ::1/128"],
  [
    Array.from({ length: 64 }, (_, index) => `10.0.${index}.0/24`),
    "prefix /, client's address within 10.0.0.0/24 or 10.0.1.0/24 or 10.0.10.0/24 or 10.0.11.0/24 or 10.0.12.0/24 or 59 more",
  ],
])("explain tells the ranges of a rule", (source, match) => {
  const config = {
    ...base,
    routes: [{ name: "r", listeners: ["web"], rules: [{ matches: [{ source }], split: [{ cluster: "one" }] }] }],
  };
  const found = told(config, { method: "GET", host: "x.test", path: "/", headers: [], source: "11.0.0.1" });
  const ranges = match.replace(/^.* within /, "");
  expect(found?.rules[0]).toMatchObject({ match, reason: `the client's address is not within ${ranges}` });
});

test("a canary's current step replaces the split", () => {
  const snapshot = snapshotOf({
    ...base,
    routes: [{ name: "c", listeners: ["web"], rules: [{ split: [{ cluster: "one" }, { cluster: "two" }] }] }],
    canaries: [
      {
        name: "k",
        route: "c",
        rule: 0,
        stable: "one",
        canary: "two",
        steps: [{ weight: 5 }, { weight: 50 }],
        state: { step: 1 },
      },
    ],
  });
  const first = compile(snapshot, null);
  const splitOf = (fleet: FleetIr | undefined) => {
    const action = fleet === undefined ? undefined : portOf(fleet).virtualHosts[0]?.rules[0]?.action;
    return action?.kind === "forward" ? action.split : null;
  };
  expect(splitOf(first.fleets.get("edge"))).toEqual([
    { cluster: "one", weight: 500 },
    { cluster: "two", weight: 500 },
  ]);
  const next = applyChanges(snapshot, [{ kind: "canary", name: "k", resource: null }]);
  expect(splitOf(compile(next, first).fleets.get("edge"))).toEqual([
    { cluster: "one", weight: 1 },
    { cluster: "two", weight: 1 },
  ]);
});
