import fc from "fast-check";
import { expect, test } from "vitest";
import { finish } from "../../util/steps.ts";
import {
  applyChanges,
  changeTo,
  createChecker,
  diffSnapshots,
  emptySnapshot,
  type Snapshot,
  validateConfig,
} from "../index.ts";

const hostname = fc.constantFrom(undefined, "*.example", "a.example", "b.example");
const listeners = fc.array(fc.record({ hostname }), { minLength: 1, maxLength: 3 });
const routes = fc.array(
  fc.record({
    at: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }),
    hostname: fc.constantFrom(undefined, "a.example", "b.example", "*.example"),
    path: fc.constantFrom("/one", "/two"),
  }),
  { maxLength: 4 },
);

interface Drawn {
  readonly listeners: readonly { readonly hostname: string | undefined }[];
  readonly routes: readonly {
    readonly at: readonly number[];
    readonly hostname: string | undefined;
    readonly path: string;
  }[];
}

function snapshotOf({ listeners: all, routes: some }: Drawn): Snapshot {
  const { resources } = validateConfig({
    fleets: [{ name: "f", proxy: "envoy" }],
    listeners: all.map(({ hostname: scope }, index) => ({
      name: `l${index}`,
      fleets: ["f"],
      port: 80 + index,
      protocol: "HTTP",
      ...(scope === undefined ? {} : { hostname: scope }),
    })),
    routes: some.map(({ at, hostname: host, path }, index) => ({
      name: `r${index}`,
      listeners: at.map((place) => `l${place}`),
      ...(host === undefined ? {} : { hostnames: [host] }),
      rules: [{ matches: [{ path: { exact: path } }], respond: { status: 200 } }],
    })),
  });
  return applyChanges(emptySnapshot, resources.map(changeTo));
}

test("a checker that saw other models finds what a new one finds: routes and listeners come, go and change", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ listeners, routes }), { minLength: 2, maxLength: 6 }), (drawn) => {
      const check = createChecker();
      let before = emptySnapshot;
      for (const next of drawn.map(snapshotOf)) {
        const changes = diffSnapshots(before, next);
        // What did not change stays the same object, as in a store.
        const snapshot = applyChanges(before, changes);
        // First what changed alone, as a write does; then the whole, so that nothing stays unseen.
        finish(check(snapshot, changes));
        const all = diffSnapshots(emptySnapshot, snapshot);
        expect(finish(check(snapshot, all))).toEqual(finish(createChecker()(snapshot, all)));
        before = snapshot;
      }
    }),
    { numRuns: 300 },
  );
});
