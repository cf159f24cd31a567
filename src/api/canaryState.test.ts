/** Where a canary stands is the server's: no write of documents moves it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Answer, clusterOf, startApi, type TestApi } from "./apiHarness.ts";

let t: TestApi;
/** The revision in which the canary stands at step 0. */
let first: number;

beforeAll(async () => {
  t = await startApi();
});
afterAll(() => t.close());

const split = [{ cluster: "blue" }, { cluster: "green" }];
const rule = { name: "main", split };
const route = { name: "shop", listeners: ["web"], rules: [rule] };
const roll = {
  name: "roll",
  route: "shop",
  rule: "main" as string | number,
  stable: "blue",
  canary: "green",
  steps: [{ weight: 5 }, { weight: 25 }, { weight: 100 }],
};
const model = {
  fleets: [{ name: "edge", proxy: "envoy" }],
  listeners: [{ name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" }],
  routes: [route],
  clusters: [clusterOf("blue"), clusterOf("green"), clusterOf("red")],
  canaries: [roll],
};
const other = (name: string): object => ({ name, matches: [{ path: { prefix: `/${name}` } }], split });

/** The canary runs: it stands at step 1. */
beforeEach(async () => {
  await t.call("PUT", "/v1/config?force=true", { body: {} });
  await t.call("PUT", "/v1/config", { body: model });
  first = t.store.head().revision;
  expect(await move(1)).toMatchObject({
    status: 200,
    body: { changed: [{ resource: "canaries/roll" }], warnings: [] },
  });
});

const move = (step: unknown, query = ""): Promise<Answer> =>
  t.call("PUT", `/v1/canaries/roll/state${query}`, { body: { step } });
const stored = (): { state?: { step: number } } | undefined => t.store.head().snapshot.canary.get("roll")?.body;
const notes = ({ body }: Answer): string[] =>
  body.warnings
    .filter(({ code }: { code: string }) => code === "MODEL-CANARY-STATE")
    .map(({ message }: { message: string }) => message);

/** Every kind of write, of a canary that says `state` of itself, or nothing. */
const WRITES: readonly (readonly [name: string, send: (canary: object, query: string) => Promise<Answer>])[] = [
  ["PUT", (body, query) => t.call("PUT", `/v1/canaries/roll${query}`, { body })],
  ["PATCH", (body, query) => t.call("PATCH", `/v1/canaries/roll${query}`, { body })],
  ["apply", (body, query) => t.call("POST", `/v1/config/apply${query}`, { body: { canaries: [body] } })],
  [
    "PUT of the configuration",
    (body, query) => t.call("PUT", `/v1/config${query}`, { body: { ...model, canaries: [body] } }),
  ],
];

describe.each(WRITES)("%s", (_, send) => {
  test.each([
    ["without a state", {}, 0],
    ["with the state as it was read", { state: { step: 1 } }, 0],
    ["with an older state", { state: { step: 0 } }, 1],
    ["with a later state", { state: { step: 2 } }, 1],
    ["with a state that no step has", { state: { step: 63 } }, 1],
  ])("%s leaves a running canary where it is", async (_name, state, warnings) => {
    const same = { ...roll, ...state };
    for (const query of ["?dryRun=true", ""]) {
      const answer = await send(same, query);
      expect([answer.status, answer.body.changed]).toEqual([200, []]);
      expect(notes(answer)).toHaveLength(warnings);
      if (warnings > 0)
        expect(answer.body.warnings).toMatchObject([
          {
            pointer: expect.stringMatching(/\/state$/),
            message: expect.stringMatching(/at step 1, .*\/v1\/canaries\/roll\/state/),
          },
        ]);
    }
    const edited = await send({ ...same, description: "new" }, "");
    expect(edited).toMatchObject({
      status: 200,
      body: { changed: [{ resource: "canaries/roll", change: "updated" }] },
    });
    expect(stored()).toMatchObject({ description: "new", state: { step: 1 } });
  });

  test("a misshapen state is refused", async () => {
    const answer = await send({ ...roll, state: { step: "x" } }, "");
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ code: "SCHEMA-TYPE" }] } });
  });
});

describe("restore", () => {
  test("of a revision in which the canary stood elsewhere leaves it where it is", async () => {
    for (const query of ["?dryRun=true", ""]) {
      const answer = await t.call("POST", `/v1/revisions/${first}/restore${query}`);
      const told = [expect.stringContaining("at step 1, and 0 is not taken")];
      expect([answer.status, answer.body.changed, notes(answer)]).toEqual([200, [], told]);
    }
    await move(2);
    await t.call("PATCH", "/v1/canaries/roll", { body: { description: "new" } });
    const back = await t.call("POST", `/v1/revisions/${first + 1}/restore`);
    expect(back.body).toMatchObject({
      changed: [{ resource: "canaries/roll" }],
      warnings: [
        {
          resource: "canaries/roll",
          pointer: "/state",
          message: expect.stringContaining("at step 2, and 1 is not taken"),
        },
      ],
    });
    expect(stored()).toEqual({ ...roll, state: { step: 2 } });
  });

  test("by another team passes by a canary that only moved", async () => {
    await t.call("PATCH", "/v1/canaries/roll?owner=a", { body: {} });
    const { revision } = t.store.head();
    await move(2, "?owner=a");
    const answer = await t.call("POST", `/v1/revisions/${revision}/restore?owner=b`);
    expect([answer.status, answer.body.changed, notes(answer).length]).toEqual([200, [], 1]);
  });

  test("of a canary that is gone starts it anew", async () => {
    await t.call("DELETE", "/v1/canaries/roll");
    const answer = await t.call("POST", `/v1/revisions/${first + 1}/restore`);
    expect(notes(answer)).toEqual([expect.stringContaining("at step 0, and 1 is not taken")]);
    expect(stored()).toEqual(roll);
  });
});

describe("a write that changes what the canary does", () => {
  const put = (change: object): Promise<Answer> => t.call("PUT", "/v1/canaries/roll", { body: { ...roll, ...change } });

  test("fewer steps: it goes to the last of them", async () => {
    await move(2);
    const dry = await t.call("PUT", "/v1/canaries/roll?dryRun=true", {
      body: { ...roll, steps: roll.steps.slice(0, 2) },
    });
    const answer = await put({ steps: roll.steps.slice(0, 2) });
    expect([notes(dry), notes(answer)]).toEqual(
      [1, 2].map(() => ["there are only 2 steps now: the canary goes from step 2 to 1, of weight 25"]),
    );
    expect(stored()?.state).toEqual({ step: 1 });
  });

  test("other steps: it keeps its place, and is told the weight of it", async () => {
    const answer = await put({ steps: [{ weight: 1 }, { weight: 5 }, { weight: 25 }, { weight: 100 }] });
    expect(notes(answer)).toEqual(["the canary stands at step 1, whose weight is 5 now; it was 25"]);
    expect(stored()?.state).toEqual({ step: 1 });
  });

  test("another cluster to go to: it starts at step 0", async () => {
    const body = {
      routes: [{ ...route, rules: [{ ...rule, split: [{ cluster: "green" }, { cluster: "red" }] }] }],
      canaries: [{ ...roll, stable: "green", canary: "red" }],
    };
    const answer = await t.call("POST", "/v1/config/apply", { body });
    expect(answer.status).toBe(200);
    expect(notes(answer)).toEqual([
      "it moves to another cluster (red, not green), so the canary starts at step 0; it stood at step 1",
    ]);
    expect(stored()?.state).toBeUndefined();
  });

  test("another stable cluster: it stays", async () => {
    const body = {
      routes: [{ ...route, rules: [{ ...rule, split: [{ cluster: "red" }, { cluster: "green" }] }] }],
      canaries: [{ ...roll, stable: "red" }],
    };
    expect(notes(await t.call("POST", "/v1/config/apply", { body }))).toEqual([]);
    expect(stored()?.state).toEqual({ step: 1 });
  });

  test("another weight of the split: it stays, and its step's weights count", async () => {
    const body = { ...route, rules: [{ ...rule, split: [{ cluster: "blue", weight: 9 }, { cluster: "green" }] }] };
    expect(await t.call("PUT", "/v1/routes/shop", { body })).toMatchObject({ status: 200, body: { warnings: [] } });
    expect(stored()?.state).toEqual({ step: 1 });
  });

  test("another place of its rule, or a name for it: it stays", async () => {
    await put({ rule: 0 });
    expect(stored()?.state).toEqual({ step: 1 });
    await t.call("PUT", "/v1/routes/shop", { body: { ...route, rules: [{ split }] } });
    await t.call("PUT", "/v1/routes/shop", { body: { ...route, rules: [{ name: "new", split }] } });
    await put({ rule: "new" });
    expect(stored()?.state).toEqual({ step: 1 });
    await t.call("PUT", "/v1/routes/shop", { body: { ...route, rules: [other("a"), { name: "new", split }] } });
    expect(stored()?.state).toEqual({ step: 1 });
  });

  test("another rule at its place: it starts at step 0, though nobody wrote the canary", async () => {
    await put({ rule: 0 });
    const body = { ...route, rules: [other("a"), rule] };
    const answer = await t.call("PUT", "/v1/routes/shop", { body });
    expect(answer.body.changed).toEqual([
      { resource: "routes/shop", change: "updated" },
      { resource: "canaries/roll", change: "updated" },
    ]);
    expect(notes(answer)).toEqual(["it moves another rule, so the canary starts at step 0; it stood at step 1"]);
    expect(stored()?.state).toBeUndefined();
  });

  test("another rule at its place, by another team: it is the server that starts it anew", async () => {
    await put({ rule: 0, labels: { "trimtab.io/owner": "a" } });
    const answer = await t.call("PUT", "/v1/routes/shop?owner=b", { body: { ...route, rules: [other("a"), rule] } });
    expect([answer.status, answer.body.changed.length, stored()?.state]).toEqual([200, 2, undefined]);
  });

  test("no canary any more: its state goes with it, and what comes again starts at step 0", async () => {
    for (const [method, url, body] of [
      ["DELETE", "/v1/canaries/roll", undefined],
      ["PUT", "/v1/config", { ...model, canaries: [] }],
      ["POST", "/v1/config/apply?owner=me", {}],
    ] as const) {
      await t.call("PATCH", "/v1/canaries/roll", { body: { labels: { "trimtab.io/owner": "me" } } });
      expect(await t.call(method, `${url}${url.includes("?") ? "&" : "?"}force=true`, { body })).toMatchObject({
        status: 200,
      });
      expect(await t.call("GET", "/v1/canaries/roll/state")).toMatchObject({ status: 404 });
      const again = await t.call("PUT", "/v1/canaries/roll", { body: { ...roll, state: { step: 1 } } });
      expect([again.status, notes(again)]).toEqual([201, [expect.stringContaining("at step 0, and 1 is not taken")]]);
      expect((await t.call("GET", "/v1/canaries/roll/state")).body).toEqual({ step: 0 });
      await move(1);
    }
  });

  test("a rule without the canary's clusters is refused as ever", async () => {
    const body = { ...route, rules: [{ ...rule, split: [{ cluster: "red" }] }] };
    expect(await t.call("PUT", "/v1/routes/shop", { body })).toMatchObject({
      status: 422,
      body: { errors: expect.arrayContaining([expect.objectContaining({ code: "MODEL-CANARY" })]) },
    });
    expect(stored()?.state).toEqual({ step: 1 });
  });
});

test("a patch that takes the state off is told that it stays", async () => {
  const answer = await t.call("PATCH", "/v1/canaries/roll", { body: { state: null } });
  expect([answer.status, answer.body.changed, notes(answer).length]).toEqual([200, [], 1]);
});

describe("/v1/canaries/{name}/state", () => {
  test("is read, with the ETag of the canary", async () => {
    const { status, body, headers } = await t.call("GET", "/v1/canaries/roll/state");
    expect([status, body]).toEqual([200, { step: 1 }]);
    expect(headers.etag).toBe((await t.call("GET", "/v1/canaries/roll")).headers.etag);
    const known = { "if-none-match": headers.etag as string };
    expect(await t.call("GET", "/v1/canaries/roll/state", { headers: known })).toMatchObject({ status: 304 });
    await t.call("PUT", "/v1/canaries/roll/state", {
      body: { step: 2 },
      headers: { "if-match": headers.etag as string },
    });
    expect(stored()).toEqual({ ...roll, state: { step: 2 } });
    expect(
      await t.call("PUT", "/v1/canaries/roll/state", {
        body: { step: 0 },
        headers: { "if-match": headers.etag as string },
      }),
    ).toMatchObject({ status: 412 });
  });

  test("is one revision that changes the canary alone, as author and message say", async () => {
    const headers = { "trimtab-author": "ann", "trimtab-message": "on" };
    const { body } = await t.call("PUT", "/v1/canaries/roll/state", { body: { step: 2 }, headers });
    expect(t.store.revision(body.revision)).toMatchObject({
      author: "ann",
      message: "on",
      changes: [{ kind: "canary", name: "roll", change: "updated" }],
    });
    expect(await move(2)).toMatchObject({ status: 200, body: { revision: body.revision, changed: [] } });
    expect(await move(0, "?dryRun=true")).toMatchObject({ status: 200, body: { dryRun: true } });
    expect(stored()?.state).toEqual({ step: 2 });
  });

  test.each([
    ["beyond the steps", { step: 3 }, "/step"],
    ["no number", { step: "1" }, "/step"],
    ["no step", {}, "/step"],
    ["another field", { step: 1, phase: "x" }, "/phase"],
    ["no object", 1, ""],
    ["nothing", null, ""],
  ])("refuses %s", async (_, body, pointer) => {
    const answer = await t.call("PUT", "/v1/canaries/roll/state", { body });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
    expect(stored()?.state).toEqual({ step: 1 });
  });

  test("of a canary that is not there is 404; other methods are 405", async () => {
    for (const method of ["GET", "PUT"])
      expect(
        await t.call(method, "/v1/canaries/none/state", method === "PUT" ? { body: { step: 0 } } : {}),
      ).toMatchObject({
        status: 404,
      });
    expect(await t.call("DELETE", "/v1/canaries/roll/state")).toMatchObject({ status: 405 });
  });
});
