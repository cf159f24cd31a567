/** Whatever a team writes, in whatever order: what is another's, and where a canary stands, does not change without force. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, clusterOf, startApi, type TestApi } from "./apiHarness.ts";

const RUNS = 40;
const WRITES_OF_A_RUN = 8;
const OWNER = "trimtab.io/owner";
/** Of team a, of team b, of nobody, and one that is not there at first. */
const NAMES = ["a1", "a2", "b1", "free", "new"] as const;

let t: TestApi;
beforeAll(async () => {
  t = await startApi();
});
afterAll(() => t.close());

const labelled = (body: object, owner: string | null | undefined): object =>
  owner === undefined ? body : { ...body, labels: { [OWNER]: owner } };
const canary = {
  name: "roll",
  route: "shop",
  rule: "main",
  stable: "free",
  canary: "b1",
  steps: [{ weight: 5 }, { weight: 50 }],
};
const base = {
  fleets: [{ name: "edge", proxy: "envoy" }],
  listeners: [{ name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" }],
  routes: [
    { name: "shop", listeners: ["web"], rules: [{ name: "main", split: [{ cluster: "free" }, { cluster: "b1" }] }] },
  ],
  clusters: [
    labelled(clusterOf("a1"), "a"),
    labelled(clusterOf("a2"), "a"),
    labelled(clusterOf("b1"), "b"),
    clusterOf("free"),
  ],
  canaries: [labelled(canary, "a")],
};

const description = fc.constantFrom("x", "y", "z");
const cluster = fc.record({
  name: fc.constantFrom(...NAMES),
  description,
  owner: fc.constantFrom(undefined, "b", "", "c"),
});
const query = fc.constantFrom("", "owner=b", "owner=c", "owner=b&force=false");
const write = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), query, cluster }),
  fc.record({ kind: fc.constant("patch" as const), query, cluster, owner: fc.constantFrom(undefined, "b", null) }),
  fc.record({ kind: fc.constant("delete" as const), query, cluster }),
  fc.record({
    kind: fc.constant("apply" as const),
    query,
    clusters: fc.uniqueArray(cluster, { selector: ({ name }) => name }),
  }),
  fc.record({ kind: fc.constant("config" as const), query, cluster, state: fc.constantFrom(undefined, 0, 1) }),
  fc.record({ kind: fc.constant("restore" as const), query, back: fc.integer({ min: 0, max: 9 }) }),
);
type Write = typeof write extends fc.Arbitrary<infer Value> ? Value : never;

function send(one: Write): Promise<Answer> {
  const { query: as } = one;
  const bodyOf = ({
    name,
    description: text,
    owner,
  }: {
    name: string;
    description: string;
    owner: string | undefined;
  }): object => labelled({ ...clusterOf(name), description: text }, owner);
  if (one.kind === "restore") {
    const revision = Math.max(0, t.store.head().revision - one.back);
    return t.call("POST", `/v1/revisions/${revision}/restore?${as}`);
  }
  if (one.kind === "apply")
    return t.call("POST", `/v1/config/apply?${as}`, { body: { clusters: one.clusters.map(bodyOf) } });
  const url = `/v1/clusters/${one.cluster.name}?${as}`;
  if (one.kind === "put") return t.call("PUT", url, { body: bodyOf(one.cluster) });
  if (one.kind === "delete") return t.call("DELETE", url);
  if (one.kind === "patch")
    return t.call("PATCH", url, { body: labelled({ description: one.cluster.description }, one.owner) });
  return config(one);
}

/** What is there, with one cluster replaced and the canary saying another state of itself. */
async function config({ query: as, cluster: one, state }: Extract<Write, { kind: "config" }>): Promise<Answer> {
  const { body } = await t.call("GET", "/v1/config");
  const others = body.clusters.filter(({ name }: { name: string }) => name !== one.name);
  const next = labelled({ ...clusterOf(one.name), description: one.description }, one.owner);
  const { state: _, ...rest } = body.canaries[0];
  const canaries = [state === undefined ? rest : { ...rest, state: { step: state } }];
  return t.call("PUT", `/v1/config?${as}`, { body: { ...body, clusters: [...others, next], canaries } });
}

const theirs = (): unknown => {
  const { cluster: clusters, canary: canaries } = t.store.head().snapshot;
  const all = [...clusters.values(), ...canaries.values()];
  return all.filter(({ body }) => body.labels?.[OWNER] === "a").map(({ body }) => body);
};

test("teams b and c, and nobody, write at random; team a's resources and its canary stay as they are", async () => {
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: WRITES_OF_A_RUN }), async (writes) => {
      await t.call("PUT", "/v1/config?force=true", { body: {} });
      await t.call("PUT", "/v1/config", { body: base });
      await t.call("PUT", "/v1/canaries/roll/state?owner=a", { body: { step: 1 } });
      const before = theirs();
      expect(before).toHaveLength(3);
      for (const one of writes) {
        const head = t.store.head();
        const { status, text } = await send(one);
        statuses.add(status);
        expect([200, 201, 404, 409, 422], text).toContain(status);
        expect(theirs()).toEqual(before);
        if (status > 201) expect(t.store.head()).toBe(head);
      }
    }),
    { numRuns: RUNS },
  );
  expect([...statuses]).toEqual(expect.arrayContaining([200, 409]));
});
