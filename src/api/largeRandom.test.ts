/** Whatever others write while a large write is judged: what is answered and stored is what it is when the large one comes after. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createPipeline } from "../pipeline/index.ts";
import { createPublisher, type Publisher } from "../publish/index.ts";
import { loadTargets } from "../targets/registry.ts";
import { type Answer, clusterOf, startApi, type TestApi } from "./apiHarness.ts";

/** More: `TRIMTAB_RACES=500`. */
const RUNS = Number(process.env.TRIMTAB_RACES ?? 4);
const MEANWHILE = 4;
const TIMEOUT_MS = 60_000 + RUNS * 5_000;
const OWNER = "trimtab.io/owner";
const targets = await loadTargets();

interface Write {
  readonly method: "PUT" | "PATCH" | "POST" | "DELETE";
  readonly url: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Plane extends TestApi {
  /** Resolves when a judge of its own looks at proxies; `release` lets it go on. */
  held(): Promise<void>;
  release(): void;
}

/** The API with the real rules and the real gate. The first look of a judge beside the turn can be held. */
async function start(): Promise<Plane> {
  const nobody = { setView() {}, setAccess() {}, deleteGroup() {}, nodes: () => [], answers: () => [] };
  const real = createPublisher({ pipeline: createPipeline(targets), xds: nobody, onFailure: () => undefined });
  const seen = Promise.withResolvers<void>();
  let judges = 0;
  let isAwaited = false;
  let isHeld = false;
  const publisher: Publisher = {
    ...real,
    createAdmitter() {
      const admit = real.createAdmitter();
      const isPresent = judges++ === 0;
      return function* (snapshot, base) {
        const admission = yield* admit(snapshot, base);
        if (isPresent || !isAwaited) return admission;
        isAwaited = false;
        isHeld = true;
        seen.resolve();
        while (isHeld) yield;
        return admission;
      };
    },
  };
  const t = await startApi({ publisher });
  return {
    ...t,
    held() {
      isAwaited = true;
      return seen.promise;
    },
    release() {
      isAwaited = false;
      isHeld = false;
    },
    async close() {
      real.close();
      await t.close();
    },
  };
}

const owned = (body: object, owner: string | undefined): object =>
  owner === undefined ? body : { ...body, labels: { [OWNER]: owner } };

/** 128 hosts with 40 matches for two fleets. */
const large = ({ owner, text, rule = "main" }: { owner?: string | undefined; text: string; rule?: string }): object =>
  owned(
    {
      name: "large",
      description: text,
      listeners: ["web"],
      hostnames: Array.from({ length: 128 }, (_, index) => `h${index}.large.example`),
      rules: [
        {
          name: rule,
          matches: Array.from({ length: 40 }, (_, index) => ({ path: { exact: `/${index}` } })),
          split: [{ cluster: "blue" }, { cluster: "green" }],
        },
      ],
    },
    owner,
  );

/** A small one of the same name. */
const small = (text: string): object => ({ ...large({ text }), hostnames: ["one.large.example"] });

const canary = (more: object = {}): object => ({
  name: "roll",
  route: "large",
  rule: "main",
  stable: "blue",
  canary: "green",
  steps: [{ weight: 5 }, { weight: 20 }, { weight: 50 }],
  ...more,
});
const narrow = (hostname: string): object => ({
  name: "narrow",
  fleets: ["edge"],
  port: 8080,
  protocol: "HTTP",
  hostname,
});
const shop = (host: string): object => ({
  name: "shop",
  listeners: ["web"],
  hostnames: [host],
  rules: [{ matches: [{ path: { exact: "/1" } }], split: [{ cluster: "red" }] }],
});
const base = (hasLarge: boolean): object => ({
  fleets: [
    { name: "edge", proxy: "envoy" },
    { name: "legacy", proxy: "nginx" },
  ],
  listeners: [{ name: "web", fleets: ["edge", "legacy"], port: 8080, protocol: "HTTP" }],
  routes: hasLarge ? [small("first")] : [],
  clusters: [clusterOf("blue"), clusterOf("green"), owned(clusterOf("red"), "a"), owned(clusterOf("old"), "a")],
  canaries: hasLarge ? [canary()] : [],
});

const owner = fc.constantFrom(undefined, "a", "b");
const query = fc.constantFrom("", "?force=true", "?owner=a", "?owner=b", "?owner=a&force=true");
const text = fc.constantFrom("x", "y");
const name = fc.constantFrom("blue", "green", "red", "old", "new");
const host = fc.constantFrom("h1.large.example", "shop.example");
const hostname = fc.constantFrom("*.large.example", "h2.large.example", "*.example");

const smallWrite: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ name, owner, query, text }).map(({ name: one, owner: as, query: more, text: description }) => ({
    method: "PUT" as const,
    url: `/v1/clusters/${one}${more}`,
    body: owned({ ...clusterOf(one), description }, as),
  })),
  fc.record({ name, owner: fc.constantFrom("a", "b", null), query }).map(({ name: one, owner: as, query: more }) => ({
    method: "PATCH" as const,
    url: `/v1/clusters/${one}${more}`,
    body: { labels: { [OWNER]: as } },
  })),
  fc.record({ name, query }).map(({ name: one, query: more }) => ({
    method: "DELETE" as const,
    url: `/v1/clusters/${one}${more}`,
  })),
  fc.record({ step: fc.integer({ min: 0, max: 2 }), query }).map(({ step, query: more }) => ({
    method: "PUT" as const,
    url: `/v1/canaries/roll/state${more}`,
    body: { step },
  })),
  fc
    .constantFrom({}, { steps: [{ weight: 7 }] }, { stable: "green", canary: "blue" }, { labels: { [OWNER]: "b" } })
    .map((more) => ({ method: "PUT" as const, url: "/v1/canaries/roll?force=true", body: canary(more) })),
  fc.constant({ method: "DELETE" as const, url: "/v1/canaries/roll?force=true" }),
  hostname.map((one) => ({ method: "PUT" as const, url: "/v1/listeners/narrow", body: narrow(one) })),
  fc.constant({ method: "DELETE" as const, url: "/v1/listeners/narrow" }),
  fc.constantFrom("1.22.1", "1.28.0").map((version) => ({
    method: "PUT" as const,
    url: "/v1/fleets/legacy",
    body: { name: "legacy", proxy: "nginx", version },
  })),
  host.map((one) => ({ method: "PUT" as const, url: "/v1/routes/shop", body: shop(one) })),
  fc.record({ owner, query }).map(({ owner: as, query: more }) => ({
    method: "PUT" as const,
    url: `/v1/routes/large${more}`,
    body: owned(small("small"), as),
  })),
  fc.constant({ method: "DELETE" as const, url: "/v1/routes/large?force=true" }),
  fc.record({ text, query }).map(({ text: description, query: more }) => ({
    method: "POST" as const,
    url: `/v1/config/apply${more}`,
    body: { clusters: [{ ...clusterOf("new"), description }] },
  })),
);

const parts = fc.record({
  owner,
  text: fc.constantFrom("first", "x"),
  rule: fc.constantFrom("main", "other"),
  canary: fc.constantFrom(undefined, {}, { state: { step: 2 } }, { steps: [{ weight: 5 }, { weight: 9 }] }),
  cluster: fc.option(fc.record({ name, text, owner }), { nil: undefined }),
  narrow: fc.option(hostname, { nil: undefined }),
});

function documentOf({
  cluster,
  canary: more,
  narrow: one,
  ...route
}: typeof parts extends fc.Arbitrary<infer V> ? V : never) {
  const body = cluster && owned({ ...clusterOf(cluster.name), description: cluster.text }, cluster.owner);
  return {
    routes: [large(route)],
    clusters: body === undefined ? [] : [body],
    canaries: more === undefined ? [] : [canary({ rule: route.rule, ...more })],
    listeners: one === undefined ? [] : [narrow(one)],
  };
}

const conditions = fc.constantFrom({}, {}, {}, { "if-match": '"3"' });
const largeWrite: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ parts, query, headers: conditions }).map(({ parts: some, query: more, headers }) => ({
    method: "POST" as const,
    url: `/v1/config/apply${more}`,
    body: documentOf(some),
    headers,
  })),
  fc.record({ parts, query }).map(({ parts: some, query: more }) => {
    const [all, sent] = [base(false) as Record<string, object[]>, documentOf(some) as Record<string, object[]>];
    const nameOf = (body: object): unknown => (body as { readonly name: unknown }).name;
    const lists = Object.entries(all).map(([collection, list]) => {
      const mine = sent[collection] ?? [];
      return [collection, [...list.filter((one) => !mine.some((other) => nameOf(other) === nameOf(one))), ...mine]];
    });
    return { method: "PUT" as const, url: `/v1/config${more}`, body: Object.fromEntries(lists) };
  }),
  fc.record({ owner, text, query }).map(({ query: more, ...some }) => ({
    method: "PUT" as const,
    url: `/v1/routes/large${more}`,
    body: large(some),
  })),
  fc.record({ text, query }).map(({ text: description, query: more }) => ({
    method: "PATCH" as const,
    url: `/v1/routes/large${more}`,
    body: { ...large({ text: description }), name: undefined },
  })),
  query.map((more) => ({ method: "POST" as const, url: `/v1/revisions/1/restore${more}` })),
);

const send = (t: TestApi, { method, url, ...more }: Write): Promise<Answer> => t.call(method, url, more);
const told = ({ status, headers, body }: Answer): unknown => ({ status, etag: headers.etag, body });

/** The first revision, which may be restored, has the large route. */
async function prepared(hasLarge: boolean, then: readonly Write[]): Promise<Plane> {
  const t = await start();
  const first = { ...base(true), routes: [large({ text: "old" })] };
  for (const body of [first, base(hasLarge)])
    expect(await t.call("PUT", "/v1/config?force=true", { body })).toMatchObject({ status: 200 });
  for (const write of then) await send(t, write);
  return t;
}

interface Ran {
  readonly answers: readonly unknown[];
  readonly head: unknown;
}

/** The answers in their order, and what is stored afterwards. */
async function inOrder(t: Plane, writes: readonly Write[]): Promise<Ran> {
  const answers: unknown[] = [];
  for (const write of writes) answers.push(told(await send(t, write)));
  return { answers, head: await stored(t) };
}

const ending = ({ answers, head }: Ran): unknown => ({ last: answers.at(-1), others: answers.slice(0, -1), head });
const beginning = ({ answers, head }: Ran): unknown => ({ last: answers[0], others: answers.slice(1), head });

async function stored(t: Plane): Promise<unknown> {
  const { text } = await t.call("GET", "/v1/config");
  return { revision: t.store.head().revision, text };
}

const race = fc.record({
  hasLarge: fc.boolean(),
  before: fc.array(smallWrite, { maxLength: 2 }),
  write: largeWrite,
  meanwhile: fc.array(smallWrite, { minLength: 1, maxLength: MEANWHILE }),
});

test(
  "a large write that others race with ends as if it came after them",
  async () => {
    let races = 0;
    await fc.assert(
      fc.asyncProperty(race, async ({ hasLarge, before, write, meanwhile }) => {
        const planes = await Promise.all([1, 2, 3].map(() => prepared(hasLarge, before)));
        const [t, serial, spare] = planes as [Plane, Plane, Plane];
        try {
          const held = t.held();
          const answer = send(t, write);
          const isHeld = await Promise.race([held.then(() => true), answer.then(() => false)]);
          if (!isHeld) return;
          races += 1;
          const others: unknown[] = [];
          for (const one of meanwhile) others.push(told(await send(t, one)));
          t.release();
          const last = await answer;
          const head = await stored(t);
          const raced = { last: told(last), others, head };
          const after = await inOrder(serial, [...meanwhile, write]);
          // What stores nothing needs no turn: it may be answered as it was before the others.
          const isStored = last.body.changed?.length > 0;
          if (isStored || isDeepStrictEqual(raced, ending(after))) expect(raced).toEqual(ending(after));
          else expect(raced).toEqual(beginning(await inOrder(spare, [write, ...meanwhile])));
        } finally {
          for (const plane of planes) plane.release();
          await Promise.all(planes.map((plane) => plane.close()));
        }
      }),
      { numRuns: RUNS, ...(process.env.TRIMTAB_SEED ? { seed: Number(process.env.TRIMTAB_SEED) } : {}) },
    );
    expect(races).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
