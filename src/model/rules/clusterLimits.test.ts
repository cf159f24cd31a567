import { expect, test } from "vitest";
import { applyChanges, type Change, checkSnapshot, emptySnapshot, validateConfig } from "../index.ts";

function problemsOf(limits: object): string[] {
  const cluster = { name: "c", endpoints: [{ address: "127.0.0.1", port: 1 }], limits };
  const { resources, diagnostics } = validateConfig({ clusters: [cluster] });
  expect(diagnostics).toEqual([]);
  const changes = resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change);
  const found = checkSnapshot(applyChanges(emptySnapshot, changes), changes);
  return found.map(({ code, pointer }) => `${code} ${pointer}`);
}

test("requests wait for an endpoint that is full, and a timeout ends that", () => {
  expect(problemsOf({ maxConnectionsPerEndpoint: 1, maxPending: 1, queueTimeout: "1s" })).toEqual([]);
  expect(problemsOf({ maxConnections: 1, maxRequests: 1 })).toEqual([]);
  expect(problemsOf({ maxPending: 1 })).toEqual(["MODEL-CLUSTER-LIMITS /limits/maxPending"]);
  expect(problemsOf({ maxConnectionsPerEndpoint: 1, queueTimeout: "1s" })).toEqual([
    "MODEL-CLUSTER-LIMITS /limits/queueTimeout",
  ]);
  expect(problemsOf({ maxConnections: 1, maxPending: 1, queueTimeout: "1s" })).toEqual([
    "MODEL-CLUSTER-LIMITS /limits/maxPending",
  ]);
});
