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
