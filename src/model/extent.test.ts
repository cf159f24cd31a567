import { expect, test } from "vitest";
import { finish } from "../util/steps.ts";
import { extentOf } from "./extent.ts";
import { applyChanges, changeTo, emptySnapshot, validateConfig } from "./index.ts";
import type { Change } from "./types.ts";

function changesOf(document: object): readonly Change[] {
  const { resources, diagnostics } = validateConfig(document);
  expect(diagnostics).toEqual([]);
  return resources.map(changeTo);
}

const fleets = ["a", "b"].map((name) => ({ name, proxy: "envoy" }));
const listener = { name: "web", fleets: ["a", "b"], port: 80, protocol: "HTTP" };
const rules = [{ matches: ["/1", "/2", "/3"].map((exact) => ({ path: { exact } })), respond: { status: 200 } }];
const route = (name: string, hostnames: readonly string[]): object => ({ name, listeners: ["web"], hostnames, rules });
const model = applyChanges(
  emptySnapshot,
  changesOf({
    fleets,
    listeners: [listener],
    routes: [route("r", ["a.example", "b.example"]), route("s", ["c.example"])],
  }),
);
/** Of `r`: 2 hosts for 2 fleets, and 3 matches for each. */
const R = 16;
const S = 8;

const cluster = { name: "c", endpoints: [1, 2].map((port) => ({ address: "10.0.0.1", port })) };

test.each<[string, object, number]>([
  ["a cluster: itself and its endpoints", { clusters: [cluster] }, 3],
  ["a route: what it was and what it is", { routes: [route("r", ["a.example"])] }, 1 + R + 8],
  ["a listener: its routes", { listeners: [{ ...listener, hostname: "*.example" }] }, 1 + R + S],
  ["a new listener", { listeners: [{ ...listener, name: "other", port: 81 }] }, 1],
  ["a fleet, but for its proxy and version", { fleets: [{ ...fleets[0], labels: { a: "b" } }] }, 1],
  ["a fleet's proxy: the routes of its listeners", { fleets: [{ name: "a", proxy: "nginx" }] }, 1 + R + S],
])("%s", (_, document, extent) => {
  expect(finish(extentOf(model, changesOf(document), 1000))).toBe(extent);
});

test("a route whose listener is not there yet is taken to be of one fleet", () => {
  const changes = changesOf({ listeners: [listener], routes: [route("r", ["a.example"])] });
  expect(finish(extentOf(emptySnapshot, changes, 1000))).toBe(2 + 4);
});

test("what is deleted counts, and nothing is counted above the limit", () => {
  const changes = [...model.route.keys()].map((name): Change => ({ kind: "route", name, resource: null }));
  expect(finish(extentOf(model, changes, 1000))).toBe(2 + R + S);
  expect(finish(extentOf(model, changes, 10))).toBe(1 + R);
});
