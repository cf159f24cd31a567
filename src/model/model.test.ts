import { expect, test } from "vitest";
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
