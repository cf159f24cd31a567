import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FleetIr } from "../ir/index.ts";
import { applyChanges, changeTo, checkSnapshot, emptySnapshot, type Snapshot, validateConfig } from "../model/index.ts";
import { finish } from "../util/steps.ts";
import { createCompiler, explain, unreachedRules } from "./index.ts";

interface Loaded {
  readonly fleet: FleetIr;
  readonly snapshot: Snapshot;
}

/** Null: the model is refused. */
function load(routes: readonly object[]): Loaded | null {
  const { resources, diagnostics } = validateConfig({
    fleets: [{ name: "edge", proxy: "envoy" }],
    listeners: [{ name: "web", fleets: ["edge"], port: 80, protocol: "HTTP" }],
    routes: routes.map((route, index) => ({ name: `r${index}`, listeners: ["web"], ...route })),
  });
  expect(diagnostics).toEqual([]);
  const changes = resources.map(changeTo);
  const snapshot = applyChanges(emptySnapshot, changes);
  if (checkSnapshot(snapshot, changes).some(({ severity }) => severity === "error")) return null;
  const fleet = finish(createCompiler().compileSteps(snapshot, null)).fleets.get("edge") as FleetIr;
  return { fleet, snapshot };
}

function toldOf(...routes: readonly object[]): readonly string[] {
  const { fleet, snapshot } = load(routes) as Loaded;
  return finish(unreachedRules(snapshot, [fleet])).map(
    ({ resource, pointer, message }) => `${resource?.name}${pointer}: ${message.replace(/^.*reached: /, "")}`,
  );
}

const respond = { status: 200, body: "x" };
const ruleOf = (...matches: readonly object[]) => ({ matches, respond });
const path = { prefix: "/a" };
const header = (test: object) => ({ headers: [{ name: "x", ...test }] });

describe("told", () => {
  test("a condition that follows from a later rule's own", () => {
    expect(
      toldOf({ rules: [ruleOf({ path, ...header({ present: true }) }), ruleOf({ path, ...header({ exact: "1" }) })] }),
    ).toEqual(["r0/rules/1: r0/0 (/rules/0) takes every request that it matches"]);
  });

  test("the two halves of one condition; of several matches only the one", () => {
    const halves = [ruleOf({ path, ...header({ present: true }) }), ruleOf({ path, ...header({ absent: true }) })];
    expect(toldOf({ rules: [...halves, ruleOf({ path }, { path: { prefix: "/b" } })] })).toEqual([
      "r0/rules/2/matches/0: r0/0 (/rules/0) and r0/1 (/rules/1) take every request that it matches",
    ]);
    expect(toldOf({ rules: [...halves, ruleOf({ path })] })).toEqual([expect.stringMatching(/^r0\/rules\/2: /)]);
  });

  test("by another route, when that is so on every host", () => {
    const first = { hostnames: ["a.example"], rules: [ruleOf({ path, ...header({ present: true }) })] };
    const rules = [ruleOf({ path, ...header({ exact: "1" }) })];
    expect(toldOf(first, { hostnames: ["a.example"], rules })).toEqual([
      "r1/rules/0: r0/0 (/rules/0) takes every request that it matches",
    ]);
    expect(toldOf(first, { hostnames: ["a.example", "b.example"], rules })).toEqual([]);
  });
});

test.each([
  ["a shorter prefix, which comes later", [ruleOf({ path: { prefix: "/" } }), ruleOf({ path })]],
  ["a condition more, which makes a rule come first", [ruleOf({ path }), ruleOf({ path, ...header({ exact: "1" }) })]],
  ["another method", [ruleOf({ path, method: "GET" }), ruleOf({ path, method: "POST" })]],
  ["exact and prefix of one path", [ruleOf({ path: { exact: "/a" } }), ruleOf({ path })]],
  [
    "a value that may be of empty lines",
    [ruleOf({ path, ...header({ present: true }) }), ruleOf({ path, ...header({ exact: "," }) })],
  ],
])("not told: %s", (_, rules) => {
  expect(toldOf({ rules })).toEqual([]);
});

const RUNS = Number(process.env.TRIMTAB_MODELS ?? 60);
const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);

const anyTest = fc.constantFrom({ present: true }, { absent: true }, { exact: "1" }, { exact: "2" }, { regex: "[12]" });
const named = (names: readonly string[]) =>
  fc.uniqueArray(
    fc.tuple(fc.constantFrom(...names), anyTest).map(([name, one]) => ({ name, ...one })),
    {
      minLength: 1,
      maxLength: 2,
      selector: ({ name }) => name,
    },
  );
const anyMatch = fc.record(
  {
    path: fc.constantFrom({ prefix: "/" }, path, path, { exact: "/a" }, { regex: "/a.*" }),
    method: fc.constantFrom("GET", "POST"),
    headers: named(["x", "y"]),
    query: named(["q"]),
  },
  { requiredKeys: ["path"] },
);
/** Matches that differ, in two routes, one or two in a rule. */
const anyRoutes = fc
  .uniqueArray(anyMatch, { minLength: 6, maxLength: 14, selector: (match) => JSON.stringify(match) })
  .map((matches) => {
    const half = matches.length >> 1;
    const [pair, ...singles] = [matches.slice(0, 2), ...matches.slice(2).map((match) => [match])];
    const rules = [...singles, pair].map((all = []) => ruleOf(...all));
    return [{ rules: rules.slice(0, half) }, { rules: rules.slice(half) }];
  });

/** Every request over a few paths, methods, fields (also with empty lines) and queries. */
function* requests(): Iterable<{ method: string; path: string; headers: [string, string][] }> {
  const lines = (name: string): [string, string][][] => [
    [],
    [[name, ""]],
    [
      [name, ""],
      [name, ""],
    ],
    [[name, "1"]],
    [[name, "2"]],
  ];
  for (const target of ["/", "/a", "/a/b", "/ab"])
    for (const query of ["", "?q", "?q=", "?q=1", "?q=2"])
      for (const method of ["GET", "POST"])
        for (const x of lines("x"))
          for (const y of lines("y")) yield { method, path: target + query, headers: [...x, ...y] };
}

test(`what is told is never reached, as explain says (seed ${SEED}, ${RUNS} models; TRIMTAB_SEED repeats it)`, () => {
  let told = 0;
  const property = fc.property(anyRoutes, (routes) => {
    const loaded = load(routes);
    fc.pre(loaded !== null);
    const { fleet, snapshot } = loaded as Loaded;
    const warnings = finish(unreachedRules(snapshot, [fleet]));
    told += warnings.length;
    if (warnings.length === 0) return;
    const [port] = fleet.ports;
    const rules = port?.kind === "http" ? (port.virtualHosts[0]?.rules ?? []) : [];
    const reached = new Set<string>();
    for (const request of requests()) {
      const explanation = finish(explain(fleet, { fleet: "edge", host: "a.example", ...request }));
      const index = explanation?.rules.findIndex(({ verdict }) => verdict === "wins") ?? -1;
      const rule = rules[index];
      if (rule !== undefined)
        reached
          .add(`${rule.route}${rule.pointer}`)
          .add(`${rule.route}${rule.pointer}/matches/${rule.id.split(".").at(-1)}`);
    }
    for (const { resource, pointer } of warnings) expect(reached).not.toContain(`${resource?.name}${pointer}`);
  });
  fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  expect(told).toBeGreaterThan(0);
});
