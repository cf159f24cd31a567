import { expect, test } from "vitest";
import { finish } from "../util/steps.ts";
import { applyChanges, changeTo, emptySnapshot, validateConfig } from "./index.ts";
import { inUse } from "./inUse.ts";
import type { Change, Kind, Snapshot } from "./types.ts";

const CHECK = { name: "tcp", type: "tcp" };
const endpoints = [{ address: "10.0.0.1", port: 80 }];

function modelOf(document: object): Snapshot {
  const { resources, diagnostics } = validateConfig(document);
  expect(diagnostics).toEqual([]);
  return applyChanges(emptySnapshot, resources.map(changeTo));
}

function usesWithout(model: Snapshot, ...names: readonly [Kind, string][]): readonly string[] {
  const changes = names.map(([kind, name]) => ({ kind, name, resource: null }) as Change);
  return finish(inUse(applyChanges(model, changes), changes));
}

const rule = (name: string, cluster: string) => ({
  name,
  matches: [{ path: { prefix: `/${name}` } }],
  split: [{ cluster }, { cluster: "other" }],
});

const model = modelOf({
  fleets: [{ name: "edge", proxy: "envoy" }],
  listeners: [{ name: "web", fleets: ["edge"], port: 80, protocol: "HTTP" }],
  clusters: [
    { name: "blue", endpoints, healthCheck: "tcp" },
    { name: "other", endpoints },
    { name: "idle", endpoints },
  ],
  healthChecks: [CHECK],
  routes: [
    { name: "shop", listeners: ["web"], rules: [rule("cart", "blue"), { split: [{ cluster: "blue" }] }] },
    ...Array.from({ length: 9 }, (_, index) => ({
      name: `r${index}`,
      listeners: ["web"],
      hostnames: [`r${index}.example`],
      rules: [{ split: [{ cluster: "other" }] }],
    })),
  ],
  canaries: [{ name: "roll", route: "shop", rule: "cart", stable: "blue", canary: "other", steps: [{ weight: 100 }] }],
});

test("every kind: who names it, with the rules of routes", () => {
  expect(usesWithout(model, ["cluster", "blue"])).toEqual([
    'cluster "blue" is in use by routes/shop (rule "cart", rule 1), canaries/roll',
  ]);
  expect(usesWithout(model, ["fleet", "edge"])).toEqual(['fleet "edge" is in use by listeners/web']);
  expect(usesWithout(model, ["healthCheck", "tcp"])).toEqual(['healthCheck "tcp" is in use by clusters/blue']);
  expect(usesWithout(model, ["route", "shop"])).toEqual(['route "shop" is in use by canaries/roll']);
});

test("long lists are cut, with the count", () => {
  expect(usesWithout(model, ["listener", "web"])).toEqual([
    'listener "web" is in use by routes/shop, routes/r0, routes/r1, routes/r2, routes/r3 and 5 more',
  ]);
});

test("what nobody names, or goes together with who names it, is not told", () => {
  expect(usesWithout(model, ["cluster", "idle"])).toEqual([]);
  expect(usesWithout(model, ["canary", "roll"], ["route", "shop"], ["cluster", "blue"])).toEqual([]);
});
