/** What a model amounts to: the figures after changes are those of the model, and what is over a bound is refused or left out. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { finish } from "../util/steps.ts";
import { type Bounds, boundsFor, DEFAULT_MEMORY } from "./bounds.ts";
import { validateConfig } from "./documents.ts";
import { createScale } from "./scale.ts";
import { applyChanges, changeTo, diffSnapshots, emptySnapshot } from "./snapshot.ts";
import type { Snapshot } from "./types.ts";

const NO_BOUNDS = boundsFor(DEFAULT_MEMORY * 1000);

interface Shape {
  readonly fleets: number;
  readonly listeners: number;
  readonly hosts: number;
  readonly matches: number;
  readonly narrow?: boolean;
  /** Of a cluster that prefers them, to which a rule of one route forwards. */
  readonly zones?: number;
}

function modelOf({ fleets, listeners, hosts, matches, narrow = false, zones = 0 }: Shape): Snapshot {
  const names = Array.from({ length: fleets }, (_, index) => `f${index}`);
  const all = Array.from({ length: listeners }, (_, index) => `l${index}`);
  const { resources, diagnostics } = validateConfig({
    fleets: names.map((name) => ({ name, proxy: "nginx" })),
    listeners: all.map((name, index) => ({
      name,
      fleets: index % 2 === 0 ? names : names.slice(0, 1),
      port: 8000 + index,
      protocol: "HTTP",
      ...(narrow ? { hostname: "h0.example" } : {}),
    })),
    clusters: [
      {
        name: "c",
        endpoints: Array.from({ length: zones }, (_, index) => ({
          address: "10.0.0.1",
          port: 1 + index,
          zone: `z${index}`,
        })),
        ...(zones > 0 ? { locality: { preferLocal: { table: "t" } } } : {}),
      },
    ],
    geoTables: [{ name: "t", entries: [{ cidr: "10.0.0.0/8", label: "z0" }] }],
    routes: ["a", "b"].map((name) => ({
      name,
      listeners: all,
      hostnames: Array.from({ length: hosts }, (_, index) => `h${index}.example`),
      rules: [
        {
          matches: Array.from({ length: matches }, (_, index) => ({ path: { regex: `/${name}${index}.*` } })),
          respond: { status: 200 },
        },
        ...(name === "a" && zones > 0 ? [{ split: [{ cluster: "c" }] }] : []),
      ],
    })),
  });
  expect(diagnostics).toEqual([]);
  return applyChanges(emptySnapshot, resources.map(changeTo));
}

function judged(bounds: Partial<Bounds>, base: Snapshot, snapshot: Snapshot): readonly string[] {
  const found = finish(createScale({ ...NO_BOUNDS, ...bounds }).judge(base, snapshot, diffSnapshots(base, snapshot)));
  return found.map(({ code, message }) => `${code} ${message}`);
}

const BIG = modelOf({ fleets: 2, listeners: 2, hosts: 3, matches: 5 });

describe("a bound", () => {
  test("is told with the figure, the limit and what most of it comes of", () => {
    // Per route: 3 hostnames on l0 (2 fleets) and l1 (1 fleet), 5 matches each.
    expect(judged({ rules: 89 }, emptySnapshot, BIG)).toEqual([
      "MODEL-TOO-LARGE matches of rules, each for every hostname, listener and fleet that it serves, and for every zone that its clusters prefer: 90, and at most 89 are possible; most come of routes/a (45), routes/b (45)",
    ]);
    expect(judged({ rules: 90, hosts: 18 }, emptySnapshot, BIG)).toEqual([]);
    expect(judged({ hosts: 17 }, emptySnapshot, BIG)).toEqual([expect.stringContaining("hostname")]);
    expect(judged({ documentBytes: 100 }, emptySnapshot, BIG)).toEqual([expect.stringContaining("bytes of all")]);
    expect(judged({ regexWork: 100 }, emptySnapshot, BIG)).toEqual([expect.stringContaining("regular expressions")]);
  });

  test("counts the rules that are made for clients near zones, sixteen of each at most", () => {
    // Of route a a second rule, and one more for each zone.
    const near = modelOf({ fleets: 1, listeners: 1, hosts: 1, matches: 1, zones: 3 });
    expect(judged({ rules: 4 }, emptySnapshot, near)).toEqual([expect.stringContaining(": 6, and at most 4")]);
    const many = modelOf({ fleets: 1, listeners: 1, hosts: 1, matches: 1, zones: 40 });
    expect(judged({ rules: 4 }, near, many)).toEqual([expect.stringContaining(": 19, and at most 4")]);
  });

  test("does not keep a model that is over it from becoming smaller, or staying as it is", () => {
    const smaller = modelOf({ fleets: 2, listeners: 2, hosts: 3, matches: 4 });
    expect(judged({ rules: 10 }, BIG, smaller)).toEqual([]);
    expect(judged({ rules: 10 }, BIG, BIG)).toEqual([]);
    expect(judged({ rules: 10 }, smaller, BIG)).toHaveLength(1);
  });

  test("grows with the memory", () => {
    const half = boundsFor(DEFAULT_MEMORY / 2);
    for (const [name, limit] of Object.entries(boundsFor(DEFAULT_MEMORY)))
      expect(half[name as keyof Bounds]).toBe(Math.floor(limit / 2));
  });
});

test("the figures after changes are those of the whole model", () => {
  const size = fc.record({
    fleets: fc.integer({ min: 1, max: 3 }),
    listeners: fc.integer({ min: 1, max: 3 }),
    hosts: fc.integer({ min: 1, max: 3 }),
    matches: fc.integer({ min: 1, max: 3 }),
    narrow: fc.boolean(),
    zones: fc.integer({ min: 0, max: 2 }),
  });
  fc.assert(
    fc.property(size, size, (one, other) => {
      const [base, next] = [modelOf(one), modelOf(other)];
      // Every figure is over such bounds, so that each is told.
      const bounds = { documentBytes: -1, rules: -1, hosts: -1, regexWork: -1 };
      const scale = createScale({ ...NO_BOUNDS, ...bounds });
      finish(scale.judge(emptySnapshot, base, diffSnapshots(emptySnapshot, base)));
      const told = finish(scale.judge(base, next, diffSnapshots(base, next))).map(({ message }) => message);
      const fresh = judged(bounds, emptySnapshot, next).map((text) => text.replace("MODEL-TOO-LARGE ", ""));
      expect(fresh).toEqual(expect.arrayContaining(told));
    }),
    { numRuns: 100 },
  );
});

test("a stored model that is too large is compiled without its largest fleets", () => {
  const scale = createScale({ ...NO_BOUNDS, rules: 40 });
  // f0 has both listeners: 60 of the 90; f1 has 30.
  const { snapshot, leftOut } = finish(scale.fitting(BIG));
  expect([...leftOut]).toEqual([["f0", expect.stringMatching(/: 60 in this fleet, and at most 40 are possible/)]]);
  expect([...snapshot.fleet.keys()]).toEqual(["f1"]);
  expect([...snapshot.listener.keys()]).toEqual(["l0"]);
  expect(finish(scale.fitting(BIG)).snapshot).toBe(snapshot);
  expect(finish(createScale(NO_BOUNDS).fitting(BIG)).snapshot).toBe(BIG);
});

test("a write with too much to analyse is refused before its turn, and not analysed to its end", () => {
  const { resources } = validateConfig({
    routes: [...BIG.route.values()].map(({ body }) => ({ ...body, listeners: ["l0"] })),
  });
  const scale = createScale({ ...NO_BOUNDS, regexWork: 250 });
  const found = finish(scale.prepare([...BIG.route.values(), ...resources]));
  expect(found).toEqual([expect.objectContaining({ code: "MODEL-TOO-LARGE", resource: { kind: "route", name: "a" } })]);
  expect(finish(createScale(NO_BOUNDS).prepare([...BIG.route.values()]))).toEqual([]);
});
