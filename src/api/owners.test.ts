/** Two teams, and every way in which one of them can write what is the other's. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, clusterOf, startApi, type TestApi } from "./apiHarness.ts";

let t: TestApi;
/** The revision that `start` builds on. */
let first: number;

beforeAll(async () => {
  t = await startApi();
});
afterAll(() => t.close());

const OWNER = "trimtab.io/owner";
const LABEL = "/labels/trimtab.io~1owner";

/** A cluster with a weight to change, and of whom. */
const cluster = (name: string, weight: number, owner?: string): Record<string, unknown> => ({
  ...clusterOf(name),
  endpoints: [{ address: "10.0.0.1", port: 80, weight }],
  ...(owner === undefined ? {} : { labels: { [OWNER]: owner } }),
});

const canaryModel = {
  fleets: [{ name: "edge", proxy: "envoy" }],
  listeners: [{ name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" }],
  routes: [
    {
      name: "shop",
      listeners: ["web"],
      rules: [{ name: "main", split: [{ cluster: "blue" }, { cluster: "green" }] }],
    },
  ],
  clusters: [clusterOf("blue"), clusterOf("green")],
  canaries: [
    {
      name: "roll",
      labels: { [OWNER]: "a" },
      route: "shop",
      rule: "main",
      stable: "blue",
      canary: "green",
      steps: [{ weight: 5 }, { weight: 50 }],
    },
  ],
};

/** The first revision has `a1` as it was, `a-gone`, and nobody's `free`; now `a1` is another one, and `a-gone` is gone. */
async function start(): Promise<void> {
  const old = { ...canaryModel, clusters: [...canaryModel.clusters, cluster("a1", 1, "a"), cluster("a-gone", 1, "a")] };
  await t.call("PUT", "/v1/config?force=true", { body: {} });
  await t.call("PUT", "/v1/config", { body: { ...old, clusters: [...old.clusters, cluster("free", 1)] } });
  first = t.store.head().revision;
  await t.call("PUT", "/v1/clusters/a1", { body: cluster("a1", 2, "a") });
  const { status } = await t.call("DELETE", "/v1/clusters/a-gone?owner=a");
  expect([status, t.store.head().revision]).toEqual([200, first + 2]);
}

const bodyOf = (name: string): unknown => t.store.head().snapshot.cluster.get(name)?.body;
const ownerOf = (name: string): string | undefined => t.store.head().snapshot.cluster.get(name)?.body.labels?.[OWNER];

/** What is read, with one list replaced. */
async function config(change: (clusters: object[]) => object[]): Promise<object> {
  const { body } = await t.call("GET", "/v1/config");
  return { ...body, clusters: change(body.clusters) };
}

interface Write {
  readonly name: string;
  readonly send: (query: string) => Promise<Answer>;
  /** Where the refusals stand. */
  readonly at: readonly string[];
}

const at = (place: string): Write["send"] => {
  const [method = "", url = ""] = place.split(" ");
  return (query) => t.call(method, `${url}?${query}`);
};
const sending =
  (place: string, body: object | (() => Promise<object>)): Write["send"] =>
  async (query) => {
    const [method = "", url = ""] = place.split(" ");
    return t.call(method, `${url}?${query}`, { body: typeof body === "function" ? await body() : body });
  };
const DELETED = "clusters/a1";

/** None of them names team a in what it sends. */
const WRITES: readonly Write[] = [
  { name: "PUT without a label", send: sending("PUT /v1/clusters/a1", cluster("a1", 9)), at: [""] },
  { name: "PATCH", send: sending("PATCH /v1/clusters/a1", { description: "b was here" }), at: [""] },
  { name: "PATCH of labels", send: sending("PATCH /v1/clusters/a1", { labels: { tier: "1" } }), at: [""] },
  {
    name: "PATCH that takes the label off",
    send: sending("PATCH /v1/clusters/a1", { labels: { [OWNER]: null } }),
    at: [""],
  },
  { name: "PATCH that takes all labels off", send: sending("PATCH /v1/clusters/a1", { labels: null }), at: [""] },
  { name: "DELETE", send: at("DELETE /v1/clusters/a1"), at: [DELETED] },
  { name: "PUT of a canary's state", send: sending("PUT /v1/canaries/roll/state", { step: 1 }), at: [""] },
  {
    name: "apply",
    send: sending("POST /v1/config/apply", { clusters: [cluster("a1", 9)] }),
    at: ["/clusters/0"],
  },
  {
    name: "PUT of the configuration that changes it",
    send: sending("PUT /v1/config", () =>
      config((clusters) => clusters.map((body) => ("name" in body && body.name === "a1" ? cluster("a1", 9) : body))),
    ),
    at: ["/clusters/0"],
  },
  {
    name: "PUT of the configuration that leaves it out",
    send: sending("PUT /v1/config", () => config((clusters) => clusters.filter((body) => !("labels" in body)))),
    at: [DELETED],
  },
  {
    name: "PUT of an empty configuration",
    send: sending("PUT /v1/config", {}),
    at: [DELETED, "canaries/roll"],
  },
  {
    name: "restore",
    send: (query) => t.call("POST", `/v1/revisions/${first}/restore?${query}`),
    at: ["clusters/a-gone", DELETED],
  },
  {
    name: "restore of nothing",
    send: at("POST /v1/revisions/0/restore"),
    at: [DELETED, "canaries/roll"],
  },
];

describe.each(WRITES)("$name", ({ send, at: places }) => {
  test("of another team is refused, and tells where, whose and what to do; also when it is a dry run", async () => {
    await start();
    const before = t.store.head();
    for (const query of ["", "owner=b", "dryRun=true", "owner=b&dryRun=true", "force=false"]) {
      const { status, body } = await send(query);
      expect([query, status, body.code]).toEqual([query, 409, "API-OWNED-BY-OTHER"]);
      const told = body.errors.filter(({ code }: { code: string }) => code === "API-OWNED-BY-OTHER");
      expect(told.map((item: Place) => item.resource ?? item.pointer)).toEqual(places);
      for (const { message } of told) expect(message).toMatch(/belongs? to "a": `owner` must say so, or `force` /);
    }
    expect(t.store.head()).toBe(before);
  });

  test("as its owner, or by force, it is done", async () => {
    for (const query of ["owner=a", "force=true"]) {
      await start();
      const dry = await send(`${query}&dryRun=true`);
      const done = await send(query);
      expect([query, done.status, done.body.changed]).toEqual([query, 200, dry.body.changed]);
      expect(done.body.changed.length).toBeGreaterThan(0);
    }
  });
});

interface Place {
  readonly pointer: string;
  readonly resource?: string;
}

test("every write of the API takes owner and force", async () => {
  const { paths } = (await t.call("GET", "/openapi.json")).body;
  const writes = Object.entries(paths as Record<string, Record<string, { parameters?: { name: string }[] }>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods)
        .filter(([method]) => method !== "get")
        .map(([method, { parameters = [] }]) => [`${method} ${path}`, parameters.map(({ name }) => name)] as const),
  );
  // Explaining changes nothing, and what proxies report is nobody's.
  const others = writes.filter(([, names]) => !["dryRun", "owner", "force"].every((name) => names.includes(name)));
  expect(others.map(([line]) => line)).toEqual([
    "put /v1/fleets/{name}/proxies/{node}",
    "delete /v1/fleets/{name}/proxies/{node}",
    "post /v1/explain",
  ]);
  expect(writes.length).toBeGreaterThan(20);
});

describe("the label in a document", () => {
  test("speaks for its resource, so that what was read can be sent again", async () => {
    await start();
    expect(await t.call("PUT", "/v1/clusters/a1", { body: cluster("a1", 7, "a") })).toMatchObject({ status: 200 });
    const patch = { description: "x", labels: { [OWNER]: "a" } };
    expect(await t.call("PATCH", "/v1/clusters/a1", { body: patch })).toMatchObject({ status: 200 });
    const body = await config((clusters) => clusters.map((one) => ({ ...one, description: "all" })));
    expect(await t.call("PUT", "/v1/config", { body })).toMatchObject({ status: 200 });
    expect(ownerOf("a1")).toBe("a");
  });

  test("of another one takes nothing over without force", async () => {
    await start();
    for (const [method, url, body] of [
      ["PUT", "/v1/clusters/a1", cluster("a1", 2, "b")],
      ["PATCH", "/v1/clusters/a1", { labels: { [OWNER]: "b" } }],
      ["POST", "/v1/config/apply", { clusters: [cluster("a1", 2, "b")] }],
      [
        "PUT",
        "/v1/config",
        await config((clusters) => clusters.map((one) => ("labels" in one ? cluster("a1", 2, "b") : one))),
      ],
    ] as const) {
      expect(await t.call(method, url, { body })).toMatchObject({ status: 409 });
      expect(await t.call(method, `${url}?force=true`, { body })).toMatchObject({ status: 200 });
      expect([url, ownerOf("a1")]).toEqual([url, "b"]);
      await t.call("PUT", "/v1/clusters/a1?force=true&owner=a", { body: cluster("a1", 2) });
      expect(ownerOf("a1")).toBe("a");
    }
  });

  test("that contradicts `owner` is told, with whose the stored one is", async () => {
    await start();
    const codes = ({ body }: Answer): unknown =>
      body.errors.map(({ code, pointer }: { code: string; pointer: string }) => [code, pointer]);
    for (const [method, url, body, place] of [
      ["PUT", "/v1/clusters/a1", cluster("a1", 9, "a"), ""],
      ["PATCH", "/v1/clusters/a1", { labels: { [OWNER]: "a" } }, ""],
      ["POST", "/v1/config/apply", { clusters: [cluster("a1", 9, "a")] }, "/clusters/0"],
    ] as const) {
      const answer = await t.call(method, `${url}?owner=b`, { body });
      expect([answer.status, codes(answer)]).toEqual([
        409,
        [
          ["API-OWNED-BY-OTHER", place],
          ["API-OWNER-LABEL", `${place}${LABEL}`],
        ],
      ]);
      const forced = await t.call(method, `${url}?owner=b&force=true`, { body });
      expect([forced.status, codes(forced)]).toEqual([422, [["API-OWNER-LABEL", `${place}${LABEL}`]]]);
    }
    const fresh = await t.call("PUT", "/v1/clusters/new?owner=b", { body: cluster("new", 1, "a") });
    expect([fresh.status, codes(fresh)]).toEqual([422, [["API-OWNER-LABEL", LABEL]]]);
  });
});

describe("what a write leaves behind", () => {
  test("a new or nobody's resource becomes the owner's", async () => {
    await start();
    await t.call("PUT", "/v1/clusters/b1?owner=b", { body: cluster("b1", 1) });
    await t.call("PATCH", "/v1/clusters/free?owner=b", { body: { description: "b's" } });
    expect(["b1", "free"].map(ownerOf)).toEqual(["b", "b"]);
    await t.call("PATCH", "/v1/clusters/blue", { body: { description: "nobody's" } });
    expect(ownerOf("blue")).toBeUndefined();
  });

  test("a configuration labels what it changes, and leaves the rest whose it is", async () => {
    await start();
    const body = await config((clusters) =>
      [...clusters, cluster("b1", 1)].map((one) => ("name" in one && one.name === "free" ? cluster("free", 5) : one)),
    );
    const { status, body: answer } = await t.call("PUT", "/v1/config?owner=b", { body });
    expect([status, answer.changed.length]).toEqual([200, 2]);
    expect(["a1", "b1", "free", "blue"].map(ownerOf)).toEqual(["a", "b", "b", undefined]);
  });

  test("force alone takes nothing away; only a patch or a restore takes the label off", async () => {
    await start();
    const all = await config((clusters) => clusters.map((one) => ("labels" in one ? cluster("a1", 6) : one)));
    for (const [method, url, body] of [
      ["PUT", "/v1/clusters/a1", cluster("a1", 3)],
      ["PATCH", "/v1/clusters/a1", { description: "night" }],
      ["POST", "/v1/config/apply", { clusters: [cluster("a1", 4)] }],
      ["PUT", "/v1/config", all],
    ] as const) {
      expect(await t.call(method, `${url}?force=true`, { body })).toMatchObject({ status: 200 });
      expect(ownerOf("a1")).toBe("a");
    }
    expect(bodyOf("a1")).toEqual(cluster("a1", 6, "a"));
    await t.call("PUT", "/v1/clusters/a1?owner=a", { body: cluster("a1", 8) });
    expect(ownerOf("a1")).toBe("a");
    expect(await t.call("PATCH", "/v1/clusters/a1?owner=a", { body: { labels: { [OWNER]: null } } })).toMatchObject({
      status: 200,
    });
    expect(ownerOf("a1")).toBeUndefined();
    expect(await t.call("DELETE", "/v1/clusters/a1")).toMatchObject({ status: 200 });
  });
});

test("what changes nothing is not refused", async () => {
  await start();
  const same = cluster("a1", 2, "a");
  for (const [method, url, body] of [
    ["PUT", "/v1/clusters/a1", same],
    ["PATCH", "/v1/clusters/a1", {}],
    ["PATCH", "/v1/clusters/a1", { endpoints: same.endpoints }],
    ["PUT", "/v1/config", await config((clusters) => clusters)],
    ["PUT", "/v1/config?owner=b", await config((clusters) => clusters)],
    ["POST", `/v1/revisions/${first + 2}/restore?owner=b`, undefined],
  ] as const)
    expect(await t.call(method, url, { body })).toMatchObject({
      status: 200,
      body: { revision: first + 2, changed: [] },
    });
});

test("all problems at once: owners, and what is wrong with the model", async () => {
  await start();
  const route = { name: "r", listeners: ["web"], hostnames: ["r.example"], rules: [{ split: [{ cluster: "none" }] }] };
  const body = {
    clusters: [cluster("a1", 9), cluster("b1", 1)],
    routes: [route],
  };
  const answer = await t.call("POST", "/v1/config/apply", { body });
  expect([
    answer.status,
    answer.body.errors.map(({ code, pointer }: { code: string; pointer: string }) => [code, pointer]),
  ]).toEqual([
    409,
    [
      ["API-OWNED-BY-OTHER", "/clusters/0"],
      ["MODEL-REFERENCE", "/routes/0/rules/0/split/0/cluster"],
    ],
  ]);
});

test("all problems at once: owners, and what is misshapen", async () => {
  await start();
  const bad = { ...cluster("a1", 9), colour: "red" };
  const seen = ({ status, body }: Answer): unknown => [status, body.errors.map((item: Place) => item.pointer)];
  for (const query of ["", "?owner=b"]) {
    expect(seen(await t.call("PUT", `/v1/clusters/a1${query}`, { body: bad }))).toEqual([409, ["", "/colour"]]);
    const patch = await t.call("PATCH", `/v1/clusters/a1${query}`, { body: { colour: "red" } });
    expect(seen(patch)).toEqual([409, ["", "/colour"]]);
    const body = { clusters: [clusterOf("blue"), bad, { name: 1 }] };
    const places = ["/clusters/1", "/clusters/1/colour", "/clusters/2/endpoints", "/clusters/2/name"];
    for (const line of ["POST /v1/config/apply", "PUT /v1/config"]) {
      const answer = await sending(line, body)(query.slice(1));
      expect(seen(answer)).toEqual([409, expect.arrayContaining(places)]);
    }
  }
  const whole = { ...(await config((clusters) => clusters)), nope: 1 };
  expect(seen(await t.call("PUT", "/v1/config?owner=b", { body: whole }))).toEqual([422, ["/nope"]]);
  expect(await t.call("PUT", "/v1/clusters/a1?owner=a", { body: bad })).toMatchObject({ status: 422 });
});

describe("restore", () => {
  test("with scope=owner brings back that owner's part alone", async () => {
    await start();
    await t.call("PUT", "/v1/clusters/b1?owner=b", { body: cluster("b1", 1) });
    await t.call("PUT", "/v1/clusters/free", { body: cluster("free", 2) });
    const { status, body } = await t.call("POST", `/v1/revisions/${first}/restore?owner=a&scope=owner`);
    expect([status, body.changed]).toEqual([
      200,
      [
        { resource: "clusters/a-gone", change: "created" },
        { resource: "clusters/a1", change: "updated" },
      ],
    ]);
    expect([bodyOf("a1"), bodyOf("free"), ownerOf("b1")]).toEqual([cluster("a1", 1, "a"), cluster("free", 2), "b"]);
    expect(await t.call("POST", `/v1/revisions/${first}/restore?scope=owner`)).toMatchObject({ status: 400 });
  });

  test("of a resource that has changed hands since is refused to both", async () => {
    await start();
    await t.call("PUT", "/v1/clusters/a1?owner=b&force=true", { body: cluster("a1", 3) });
    for (const [owner, whose] of [
      ["a", '"b"'],
      ["b", '"a"'],
    ])
      expect(await t.call("POST", `/v1/revisions/${first}/restore?scope=owner&owner=${owner}`)).toMatchObject({
        status: 409,
        body: {
          errors: expect.arrayContaining([expect.objectContaining({ message: expect.stringContaining(whose ?? "") })]),
        },
      });
    expect(await t.call("POST", `/v1/revisions/${first}/restore?force=true`)).toMatchObject({ status: 200 });
    expect(ownerOf("a1")).toBe("a");
  });
});

test("an empty label is nobody's", async () => {
  await t.call("PUT", "/v1/clusters/x", { body: cluster("x", 1, "") });
  expect(await t.call("PUT", "/v1/clusters/x", { body: cluster("x", 2) })).toMatchObject({ status: 200 });
});

test("a condition that does not hold is told before whose it is", async () => {
  await start();
  const headers = { "if-match": '"0"' };
  expect(await t.call("DELETE", "/v1/clusters/a1", { headers })).toMatchObject({ status: 412 });
});
