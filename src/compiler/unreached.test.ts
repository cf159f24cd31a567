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
  ["a value that matches an earlier rule's expression", header({ regex: "v[0-9]+" }), header({ exact: "v12" })],
  [
    "a range inside of an earlier rule's",
    { source: ["10.0.0.0/8", "::/0"] },
    { source: ["10.1.0.0/16", "2001:db8::/32"] },
  ],
])("told: %s", (_, wide, narrow) => {
  expect(toldOf({ rules: [ruleOf({ path, ...wide }), ruleOf({ path, ...narrow })] })).toHaveLength(1);
});

test.each([
  [
    "a value that does not match all of an expression",
    [ruleOf({ path, ...header({ regex: "v[0-9]" }) }), ruleOf({ path, ...header({ exact: "v12" }) })],
  ],
  [
    "a range that reaches beyond",
    [ruleOf({ path, source: ["10.0.0.0/16"] }), ruleOf({ path, source: ["10.0.0.0/8"] })],
  ],
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

/** A model with 960 requests is a tenth of a second. */
const RUNS = Number(process.env.TRIMTAB_MODELS ?? 12);
const TIMEOUT_MS = 15 * 60 * 1000;
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
const anyPath = fc.constantFrom(path, path, path, { prefix: "/" }, { exact: "/a" }, { regex: "/a.*" });
const anySource = fc.constantFrom(["10.0.0.0/8"], ["10.1.0.0/16"], ["10.1.2.3/32", "11.0.0.0/8"]);
/** Most look at one thing: of these one often takes what another asks for. */
const anyMatch = fc.oneof(
  { weight: 4, arbitrary: fc.record({ path: anyPath, headers: named(["x"]) }) },
  { weight: 3, arbitrary: fc.record({ path: anyPath, query: named(["q"]) }) },
  { weight: 3, arbitrary: fc.record({ path: anyPath, source: anySource }) },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        path: anyPath,
        method: fc.constantFrom("GET", "POST"),
        headers: named(["x", "y"]),
        query: named(["q"]),
        source: anySource,
      },
      { requiredKeys: ["path"] },
    ),
  },
);
/** Matches that differ, in two routes, one or two in a rule. */
const anyRoutes = fc
  .uniqueArray(anyMatch, { minLength: 8, maxLength: 16, selector: (match) => JSON.stringify(match) })
  .map((matches) => {
    const half = matches.length >> 1;
    const [pair, ...singles] = [matches.slice(0, 2), ...matches.slice(2).map((match) => [match])];
    const rules = [...singles, pair].map((all = []) => ruleOf(...all));
    return [{ rules: rules.slice(0, half) }, { rules: rules.slice(half) }];
  });

/** Every request over a few paths, methods, fields (also with empty lines) and queries. */
function* requests(): Iterable<{ method: string; path: string; headers: [string, string][]; source: string }> {
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
  for (const target of ["/", "/a", "/a/b"])
    for (const query of ["", "?q", "?q=1", "?q=2"])
      for (const method of ["GET", "POST"])
        for (const x of lines("x"))
          for (const y of lines("y").slice(2, 4))
            for (const source of ["10.1.2.3", "10.1.0.9", "10.2.0.1", "192.0.2.1"])
              yield { method, path: target + query, headers: [...x, ...y], source };
}

test(`what is told is never reached, as explain says (seed ${SEED}, ${RUNS} models; TRIMTAB_SEED repeats it)`, {
  timeout: TIMEOUT_MS,
}, () => {
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
