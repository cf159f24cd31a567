import { expect, test } from "vitest";
import { validators } from "../gen/validators.ts";
import {
  applyChanges,
  checkSnapshot,
  diffSnapshots,
  emptySnapshot,
  toDocument,
  validateConfig,
  validateResource,
} from "./index.ts";

const document = {
  fleets: [{ name: "edge", proxy: "envoy" }],
  listeners: [{ name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" }],
  clusters: [{ name: "api", endpoints: [{ address: "127.0.0.1", port: 9101 }] }],
  routes: [
    { name: "api", listeners: ["web"], hostnames: ["api.example.com"], rules: [{ split: [{ cluster: "api" }] }] },
  ],
};

function load(config: unknown) {
  const { resources, diagnostics } = validateConfig(config);
  const changes = resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as never);
  const snapshot = applyChanges(emptySnapshot, changes);
  return {
    snapshot,
    diagnostics: [...diagnostics, ...(diagnostics.length > 0 ? [] : checkSnapshot(snapshot, changes))],
  };
}

test("a valid document becomes a snapshot and reads back", () => {
  const { snapshot, diagnostics } = load(document);
  expect(diagnostics).toEqual([]);
  expect(toDocument(snapshot)).toEqual(document);
  expect(diffSnapshots(snapshot, load(document).snapshot)).toEqual([]);
});

test("every problem of shape is told at once with its pointer", () => {
  const { diagnostics } = validateConfig({
    fleets: [{ name: "Edge!", proxy: "iis" }],
    listeners: [{ name: "web", fleets: "edge", port: 70000, protocol: "HTTP", colour: "red" }],
    routes: [{ name: "r", listeners: ["web"], rules: [{ split: [], redirect: {} }, {}] }],
  });
  expect(diagnostics.map(({ code, pointer }) => `${code} ${pointer}`).sort()).toEqual([
    "SCHEMA-EXACTLY-ONE /routes/0/rules/0",
    "SCHEMA-EXACTLY-ONE /routes/0/rules/1",
    "SCHEMA-FORMAT /fleets/0/name",
    "SCHEMA-LIMIT /listeners/0/port",
    "SCHEMA-LIMIT /routes/0/rules/0/split",
    "SCHEMA-NOT-ALLOWED /fleets/0/proxy",
    "SCHEMA-TYPE /listeners/0/fleets",
    "SCHEMA-UNKNOWN-FIELD /listeners/0/colour",
  ]);
});

test("one document of a kind has pointers relative to it", () => {
  const { diagnostics } = validateResource("cluster", { name: "x", endpoints: [{ address: "nowhere", port: 1 }] });
  expect(diagnostics.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual(["SCHEMA-FORMAT /endpoints/0/address"]);
});

test("looking for problems ends when there are more than are told: 1 MiB of them must not hold the process", () => {
  const many = 100_000;
  const named = Object.fromEntries(Array.from({ length: many }, (_, index) => [`-${index}`, ""]));
  const documents = [
    { rules: Array(many).fill({}) },
    { rules: [{ matches: Array(many).fill({ x: 1 }) }] },
    { hostnames: Array(many).fill("-") },
    { labels: named },
    named,
  ];
  for (const document of documents) {
    expect(validateResource("route", { name: "r", listeners: ["web"], ...document }).diagnostics).toHaveLength(1000);
    expect(validators.route.errors?.length).toBeLessThan(5000);
  }
});

test("a list that is too long is told so, not compared item by item", () => {
  const listeners = Array.from({ length: 100_000 }, (_, index) => `w${index}`);
  const { diagnostics } = validateResource("route", { name: "r", listeners, rules: [{ respond: { status: 200 } }] });
  expect(diagnostics.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual(["SCHEMA-LIMIT /listeners"]);
  const twice = { name: "r", listeners: ["web", "web"], rules: [{ respond: { status: 200 } }] };
  expect(validateResource("route", twice).diagnostics).toHaveLength(1);
});

test("half a character (a lone surrogate) is refused with its place, a whole one is not", () => {
  const route = (description: string, body: string): unknown => ({
    name: "r",
    listeners: ["web"],
    description,
    rules: [{ respond: { status: 200, body } }],
  });
  expect(validateResource("route", route("\ud83d\ude00", "\ud83d\ude00")).diagnostics).toEqual([]);
  for (const half of ["\ud83d", "a\ude00b"]) {
    const { diagnostics } = validateResource("route", route(half, half));
    expect(diagnostics.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      "SCHEMA-FORMAT /description",
      "SCHEMA-FORMAT /rules/0/respond/body",
    ]);
  }
});

const codesOf = (diagnostics: readonly { code: string; pointer: string }[]): string[] =>
  diagnostics.map(({ code, pointer }) => `${code} ${pointer}`);

test("problems of shape hide neither the rules' nor what misshapen resources name", () => {
  const { resources, diagnostics } = validateConfig({
    fleets: [
      { name: "edge", proxy: "envoy" },
      { name: "odd", proxy: "envoy", colour: 1 },
    ],
    listeners: [
      { name: "web", fleets: ["zz", "edge", "odd", 7], port: 8080, protocol: "HTTP", q: 1 },
      { name: "own", fleets: ["odd", "edge"], port: 8081, protocol: "HTTP" },
      { name: "own", fleets: ["gone"], port: 8082, protocol: "HTTP" },
    ],
    clusters: [{ name: "twice", endpoints: [1, 1].map(() => ({ address: "127.0.0.1", port: 1 })) }],
    routes: [
      { name: "a", listeners: ["web", "own"], rules: [{ split: [{ cluster: "nope" }] }] },
      { name: "b", listeners: "web", rules: [{ split: [{ cluster: "twice" }, { cluster: "none" }, null] }] },
      null,
    ],
  });
  expect(resources).toEqual([]);
  expect(codesOf(diagnostics).sort()).toEqual([
    "MODEL-DUPLICATE-NAME /listeners/2/name",
    "MODEL-ENDPOINT /clusters/0/endpoints/1",
    "MODEL-REFERENCE /listeners/0/fleets/0",
    "MODEL-REFERENCE /listeners/2/fleets/0",
    "MODEL-REFERENCE /routes/0/rules/0/split/0/cluster",
    "MODEL-REFERENCE /routes/1/rules/0/split/1/cluster",
    "SCHEMA-TYPE /listeners/0/fleets/3",
    "SCHEMA-TYPE /routes/1/listeners",
    "SCHEMA-TYPE /routes/1/rules/0/split/2",
    "SCHEMA-TYPE /routes/2",
    "SCHEMA-UNKNOWN-FIELD /fleets/1/colour",
    "SCHEMA-UNKNOWN-FIELD /listeners/0/q",
  ]);
});

test("what only follows from something misshapen is not told", () => {
  const route = { name: "r", listeners: ["narrow", "odd"], rules: [{ split: [{ cluster: "c" }] }] };
  const listener = { fleets: ["edge"], port: 80, protocol: "HTTP" };
  const { diagnostics } = validateConfig({
    // Its address would tell whether the listeners clash.
    fleets: [{ name: "edge", proxy: "envoy", bindAddress: "127.0.0.1", colour: 1 }],
    listeners: [
      { ...listener, name: "narrow", hostname: "a.test" },
      { ...listener, name: "odd", port: 81, hostname: "b.test", colour: 1 },
      { ...listener, name: "other", address: "127.0.0.2" },
    ],
    // Out of the narrow listener's hosts, not of the misshapen one's.
    routes: [{ ...route, hostnames: ["b.test"] }],
    // Which cluster is meant nobody knows.
    clusters: [{ nam: "c", endpoints: [{ address: "127.0.0.1", port: 1 }] }],
    canaries: [{ name: "k", route: "r", rule: 0, stable: "c", canary: "d", steps: [{ weight: "1" }] }],
  });
  expect(codesOf(diagnostics).sort()).toEqual([
    "SCHEMA-MISSING-FIELD /clusters/0/name",
    "SCHEMA-TYPE /canaries/0/steps/0/weight",
    "SCHEMA-UNKNOWN-FIELD /clusters/0/nam",
    "SCHEMA-UNKNOWN-FIELD /fleets/0/colour",
    "SCHEMA-UNKNOWN-FIELD /listeners/1/colour",
  ]);
  for (const fleets of [{ fleet: document.fleets }, { fleets: { edge: {} } }, { fleets: null }]) {
    const { fleets: _, ...rest } = document;
    expect(validateConfig({ ...rest, ...fleets }).diagnostics).toHaveLength(1);
  }
});

test("a misshapen addition is judged on the model that it is meant for", () => {
  const { snapshot } = load(document);
  const addition = {
    // Replaces a listener, whose routes keep it.
    listeners: [{ name: "web", fleets: ["edge", "gone"], port: "8080", protocol: "TCP" }],
    routes: [{ name: "more", listeners: ["web"], rules: [{ split: [{ cluster: "api" }, { cluster: "gone" }] }] }],
  };
  expect(codesOf(validateConfig(addition, snapshot).diagnostics).sort()).toEqual([
    "MODEL-REFERENCE /listeners/0/fleets/1",
    "MODEL-REFERENCE /routes/0/rules/0/split/1/cluster",
    "SCHEMA-TYPE /listeners/0/port",
  ]);
  const [listener] = addition.listeners;
  expect(codesOf(validateResource("listener", listener, snapshot).diagnostics)).toEqual([
    "SCHEMA-TYPE /port",
    "MODEL-REFERENCE /fleets/1",
  ]);
});

test("no value in any place makes the rules on the rest throw", () => {
  const odd = [null, 1, "x", [], {}, [null], [{}], { name: 1 }, { name: "edge" }];
  const mangle = (value: unknown): unknown[] => {
    if (Array.isArray(value)) return value.flatMap((one, at) => mangle(one).map((other) => value.with(at, other)));
    if (typeof value !== "object" || value === null) return odd;
    const inner = Object.entries(value).flatMap(([key, one]) =>
      [...odd, ...mangle(one)].map((other) => ({ ...value, [key]: other })),
    );
    return [...odd, ...inner];
  };
  const canary = { name: "k", route: "api", rule: 0, stable: "api", canary: "api", steps: [{ weight: 1 }] };
  const all = mangle({ ...document, canaries: [canary] });
  expect(all.length).toBeGreaterThan(500);
  for (const mangled of all) validateConfig(mangled);
});

test("a canary's weight is a whole number of tenths, exactly", () => {
  const canary = (weight: number): object => ({
    name: "k",
    route: "r",
    rule: 0,
    stable: "a",
    canary: "b",
    steps: [{ weight }],
  });
  const problems = (weight: number): unknown => codesOf(validateResource("canary", canary(weight)).diagnostics);
  for (let tenths = 0; tenths <= 1000; tenths++) expect(problems(Number(`${tenths}e-1`))).toEqual([]);
  for (const weight of [1e-300, 5e-324, 0.05, 99.99999999999, 0.1000000000001, 33.300000000000004, 99.95])
    expect(problems(weight)).toEqual(["SCHEMA-LIMIT /steps/0/weight"]);
});
