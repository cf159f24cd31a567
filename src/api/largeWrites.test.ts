/** A large write is judged beside the store's turn: others write meanwhile, and what they write is looked at when it is stored. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Snapshot } from "../model/types.ts";
import { type Answer, clusterOf, startApi, type TestApi } from "./apiHarness.ts";
import { MAX_BETWEEN } from "./judge.ts";
import { MAX_TRIES_ASIDE } from "./limits.ts";

let t: TestApi;
/** Models that were looked at with a large route in them that is not stored. */
let looks: Snapshot[];
/** So many of these looks may end. */
let released: number;

const STAGE = {
  fleets: [{ name: "edge", proxy: "envoy" }],
  listeners: [{ name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" }],
  clusters: ["blue", "green"].map(clusterOf),
};

/** One route that amounts to 256 hosts with 64 matches. */
const large = (name = "large"): Record<string, unknown> => ({
  name,
  listeners: ["web"],
  hostnames: Array.from({ length: 256 }, (_, index) => `h${index}.${name}.example`),
  rules: [
    {
      matches: Array.from({ length: 64 }, (_, index) => ({ path: { exact: `/${index}` } })),
      split: [{ cluster: "blue" }],
    },
  ],
});

function isNew({ route }: Snapshot): boolean {
  const stored = t.store.head().snapshot.route;
  return [...route].some(([name, { body, hash }]) => body.hostnames?.length === 256 && stored.get(name)?.hash !== hash);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resume) => setImmediate(resume));
}

const putCluster = (name: string): Promise<Answer> => t.call("PUT", `/v1/clusters/${name}`, { body: clusterOf(name) });

/** Sends the large write, and `meanwhile` while it is judged. The answers; what the large one is told comes last. */
async function race(sent: () => Promise<Answer>, meanwhile: () => Promise<Answer>): Promise<[Answer, Answer]> {
  released = 0;
  let isAnswered = false;
  const answer = sent().finally(() => {
    isAnswered = true;
  });
  await until(() => looks.length > 0);
  const other = await meanwhile();
  expect(isAnswered).toBe(false);
  released = Number.POSITIVE_INFINITY;
  return [other, await answer];
}

beforeEach(async () => {
  t = await startApi();
  looks = [];
  released = Number.POSITIVE_INFINITY;
  expect((await t.call("PUT", "/v1/config", { body: STAGE })).status).toBe(200);
  t.publisher.holds = (snapshot) => {
    if (!looks.includes(snapshot) && isNew(snapshot)) looks.push(snapshot);
    return looks.indexOf(snapshot) >= released;
  };
});
afterEach(() => t.close());

const apply = (query = "", headers = {}): Promise<Answer> =>
  t.call("POST", `/v1/config/apply${query}`, { body: { routes: [large()] }, headers });
const putRoute = (): Promise<Answer> => t.call("PUT", "/v1/routes/large", { body: large() });

describe.each([
  ["an apply", () => apply()],
  ["one resource", putRoute],
])("%s that is large", (_, sent) => {
  test("keeps nobody waiting, and both are in the result", async () => {
    const [other, answer] = await race(sent, () => putCluster("red"));
    expect([other.status, other.body.revision]).toEqual([201, 2]);
    expect([answer.status, answer.body.revision]).toEqual([answer.status === 201 ? 201 : 200, 3]);
    expect(answer.body.changed).toEqual([{ resource: "routes/large", change: "created" }]);
    const { snapshot } = t.store.head();
    expect([snapshot.route.has("large"), snapshot.cluster.has("red")]).toEqual([true, true]);
    expect(looks.map((seen) => seen.cluster.has("red"))).toEqual([false, true]);
    expect(t.store.revision(3)?.changes).toEqual([{ kind: "route", name: "large", change: "created" }]);
  });

  test("is judged again when what it needs is gone: refused, and nothing of it is there", async () => {
    const [other, answer] = await race(sent, () => t.call("DELETE", "/v1/clusters/blue"));
    expect(other.status).toBe(200);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([
      expect.objectContaining({
        code: "MODEL-REFERENCE",
        pointer: expect.stringMatching(/\/rules\/0\/split\/0\/cluster$/),
      }),
    ]);
    expect(t.store.head()).toMatchObject({ revision: 2 });
    expect(t.store.head().snapshot.route.size).toBe(0);
    expect((await putCluster("blue")).status).toBe(201);
    expect((await sent()).body.revision).toBe(4);
  });

  test("is refused at its own place when somebody took that of a match meanwhile", async () => {
    const same = { ...large("same"), hostnames: ["h7.large.example"], rules: [{ split: [{ cluster: "green" }] }] };
    const match = { ...same, rules: [{ matches: [{ path: { exact: "/9" } }], split: [{ cluster: "green" }] }] };
    const [other, answer] = await race(sent, () => t.call("PUT", "/v1/routes/same", { body: match }));
    expect(other.status).toBe(201);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([
      expect.objectContaining({
        code: "MODEL-DUPLICATE-MATCH",
        pointer: expect.stringMatching(/\/rules\/0\/matches\/9$/),
      }),
    ]);
  });

  test("that another client writes in between has the conditions and the words of its turn", async () => {
    const [other, answer] = await race(sent, () =>
      t.call("PUT", "/v1/routes/large", { body: { ...large(), hostnames: ["one.example"] } }),
    );
    expect(other.status).toBe(201);
    expect([answer.status, answer.body.changed]).toEqual([200, [{ resource: "routes/large", change: "updated" }]]);
    expect(t.store.head().snapshot.route.get("large")?.body.hostnames?.length).toBe(256);
  });
});

test("If-Match is compared in its turn", async () => {
  const [, answer] = await race(
    () => apply("", { "if-match": '"1"' }),
    () => putCluster("red"),
  );
  expect(answer.status).toBe(412);
  expect(t.store.head().revision).toBe(2);
});

test("what its owner lists no more is deleted, also what came in between", async () => {
  await apply("?owner=me");
  looks = [];
  const labelled = { ...clusterOf("red"), labels: { "trimtab.io/owner": "me" } };
  const [, answer] = await race(
    () => t.call("POST", "/v1/config/apply?owner=me", { body: { routes: [large("large2")] } }),
    () => t.call("PUT", "/v1/clusters/red", { body: labelled }),
  );
  expect(answer.body.changed).toEqual([
    { resource: "routes/large2", change: "created" },
    { resource: "routes/large", change: "deleted" },
    { resource: "clusters/red", change: "deleted" },
  ]);
  expect(t.store.head().snapshot.cluster.has("red")).toBe(false);
});

test("a dry run and an apply that changes nothing take no turn and store nothing", async () => {
  const [other, dry] = await race(
    () => apply("?dryRun=true"),
    () => putCluster("red"),
  );
  expect([other.body.revision, dry.status, dry.body]).toEqual([
    2,
    200,
    { revision: 1, changed: [{ resource: "routes/large", change: "created" }], warnings: [], dryRun: true },
  ]);
  expect((await apply()).body.revision).toBe(3);
  expect((await apply()).body).toEqual({ revision: 3, changed: [], warnings: [] });
  expect(t.store.head().revision).toBe(3);
});

test("warnings are those of the model that is stored", async () => {
  t.publisher.say = ({ cluster }) =>
    [...cluster.keys()].map((name) => {
      const resource = { kind: "cluster", name };
      return { code: "X", severity: "warning", message: "is there", resource, pointer: "" };
    });
  const both = { routes: [large()], clusters: [clusterOf("blue"), clusterOf("red")] };
  const [, answer] = await race(
    () => t.call("POST", "/v1/config/apply", { body: both }),
    () => t.call("DELETE", "/v1/clusters/green"),
  );
  expect(answer.body.warnings.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
    "/clusters/0",
    "/clusters/1",
  ]);
  expect(answer.body).not.toHaveProperty("warningsOmitted");
});

const narrow = { ...STAGE.listeners[0], name: "narrow", hostname: "h1.large.example" };
const putNarrow = (): Promise<Answer> => t.call("PUT", "/v1/listeners/narrow", { body: narrow });

test("a warning that another's write brings is told, and one that it takes away is not", async () => {
  const [, first] = await race(apply, putNarrow);
  expect(first.body.warnings).toMatchObject([{ code: "MODEL-HOSTNAME-SHADOWED", pointer: "/routes/0/listeners/0" }]);
  looks = [];
  const [, second] = await race(
    () => t.call("POST", "/v1/config/apply", { body: { routes: [{ ...large(), description: "new" }] } }),
    () => t.call("DELETE", "/v1/listeners/narrow"),
  );
  expect(second.body.changed).toEqual([{ resource: "routes/large", change: "updated" }]);
  expect(second.body.warnings).toEqual([]);
});

test("what others write with warnings is nothing to tell the large write", async () => {
  expect((await putNarrow()).status).toBe(201);
  const theirs = { ...large("theirs"), hostnames: ["h1.large.example"], rules: [{ split: [{ cluster: "green" }] }] };
  const mine = { ...large(), hostnames: large("mine").hostnames };
  const [other, answer] = await race(
    () => t.call("POST", "/v1/config/apply", { body: { routes: [mine] } }),
    () => t.call("PUT", "/v1/routes/theirs", { body: theirs }),
  );
  expect(other.body.warnings).toHaveLength(1);
  expect(answer.body).toEqual({
    revision: 4,
    changed: [{ resource: "routes/large", change: "created" }],
    warnings: [],
  });
});

test("two large ones are judged one after the other, and both are stored", async () => {
  released = 0;
  const both = [apply(), t.call("PUT", "/v1/routes/large2", { body: large("large2") })];
  await until(() => looks.length > 0);
  for (let turn = 0; turn < 50; turn++) await new Promise((resume) => setImmediate(resume));
  expect(looks.map(({ route }) => [...route.keys()])).toEqual([["large"]]);
  released = Number.POSITIVE_INFINITY;
  expect((await Promise.all(both)).map(({ body }) => body.revision)).toEqual([2, 3]);
  expect([...t.store.head().snapshot.route.keys()]).toEqual(["large", "large2"]);
});

test("however much others write meanwhile, it is judged in its turn at the end", async () => {
  const clusters = (port: number): unknown => ({
    clusters: Array.from({ length: MAX_BETWEEN + 1 }, (_, index) => ({
      name: `c${index}`,
      endpoints: [{ address: "10.0.0.1", port }],
    })),
  });
  released = 0;
  const answer = apply();
  while (released < MAX_TRIES_ASIDE) {
    await until(() => looks.length > released);
    expect((await t.call("POST", "/v1/config/apply", { body: clusters(1 + released) })).status).toBe(200);
    released += 1;
  }
  await until(() => looks.length > released);
  let isAnswered = false;
  const late = putCluster("late").then(({ body }) => {
    isAnswered = true;
    return body.revision as number;
  });
  for (let turn = 0; turn < 50; turn++) await new Promise((resume) => setImmediate(resume));
  expect(isAnswered).toBe(false);
  released = Number.POSITIVE_INFINITY;
  expect(await answer).toMatchObject({ status: 200, body: { revision: 2 + MAX_TRIES_ASIDE } });
  expect(await late).toBe(3 + MAX_TRIES_ASIDE);
  expect(looks.length).toBe(MAX_TRIES_ASIDE + 1);
});
