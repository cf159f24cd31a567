import { expect, test } from "vitest";
import type { FleetIr, HttpPortIr } from "../ir/index.ts";
import { applyChanges, type Change, emptySnapshot, type Snapshot, validateConfig } from "../model/index.ts";
import { MatchTooLongError } from "../regex/match.ts";
import { finish } from "../util/steps.ts";
import { compile, type ExplainRequest, explain, withPathGroups } from "./index.ts";

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
  expect(port.virtualHosts.map(({ hostname }) => hostname)).toEqual([
    "*.example.com",
    "a.example.com",
    "b.example.com",
  ]);
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
  expect(after?.find(({ hostname }) => hostname === "b.example.com")).toBe(
    before?.find(({ hostname }) => hostname === "b.example.com"),
  );
  const removed = applyChanges(changed, [{ kind: "route", name: "r7", resource: null }]);
  expect(JSON.stringify(compile(removed, second).fleets.get("edge"))).toBe(JSON.stringify(fleetOf(removed)));
});

test("path groups hold the covering prefixes and end at the first certain rule", () => {
  const host = portOf(withPathGroups(fleetOf(snapshotOf(many)))).virtualHosts[1];
  const told = host?.groups?.map(({ path, candidates, otherwise, decision }) => {
    const rules = candidates.map(({ rule, pathRegex }) => `${host.rules[rule]?.id}${pathRegex === null ? "" : " ~"}`);
    return `${path.kind} ${path.value}: ${rules.join(" ")}; ${otherwise}; ${decision.kind}`;
  });
  expect(told).toEqual([
    "exact /a: r2.0.0; never; direct",
    "regex /u/[0-9]+: r3.0.0; never; direct",
    "prefix /a/b: r4.0.0 r2.0.1 r1.0.0; never; table",
    "prefix /a: r2.0.1 r1.0.0; never; table",
  ]);
  const table = host?.groups?.[2]?.decision;
  expect(
    table?.kind === "table" && table.rows.map(({ classes, rule }) => `${classes.join("")} ${host?.rules[rule]?.id}`),
  ).toEqual([
    "aa r1.0.0",
    "ao r1.0.0",
    "a1 r2.0.1",
    "oa r1.0.0",
    "oo r1.0.0",
    "o1 r2.0.1",
    "1a r4.0.0",
    "1o r4.0.0",
    "11 r4.0.0",
  ]);
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
  const hosts = portOf(fleet).virtualHosts.map(({ hostname, rules }) => `${hostname} ${rules.length}`);
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
