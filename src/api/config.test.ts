import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { clusterOf, model, startApi, type TestApi } from "./apiHarness.ts";
import { MAX_YAML_BYTES } from "./limits.ts";

let t: TestApi;

beforeEach(async () => {
  t = await startApi();
});
afterEach(() => t.close());

const YAML = { "content-type": "application/yaml" };

describe("/v1/config", () => {
  test("is replaced in one revision and read back, as JSON and as YAML", async () => {
    const put = await t.call("PUT", "/v1/config", { body: stringify(model), headers: YAML });
    expect(put).toMatchObject({ status: 200, body: { revision: 1 }, headers: { etag: '"1"' } });
    expect(put.body.changed.length).toBe(7);
    expect((await t.call("GET", "/v1/config")).body).toEqual(model);
    const yaml = await t.call("GET", "/v1/config", { headers: { accept: "application/yaml" } });
    expect(yaml.headers["content-type"]).toContain("application/yaml");
    expect(parse(yaml.text)).toEqual(model);
    const smaller = {
      ...model,
      routes: model.routes.slice(0, 1),
      clusters: [{ ...clusterOf("blue"), description: "new" }],
    };
    const second = await t.call("PUT", "/v1/config", { body: smaller });
    expect(second.body).toEqual({
      revision: 2,
      changed: [
        { resource: "routes/shop", change: "deleted" },
        { resource: "clusters/blue", change: "updated" },
        { resource: "clusters/green", change: "deleted" },
      ],
      warnings: [],
    });
    expect(await t.call("PUT", "/v1/config", { body: smaller })).toMatchObject({ body: { revision: 2, changed: [] } });
  });

  test("If-Match takes the tag of either representation, and refuses an old one", async () => {
    await t.call("PUT", "/v1/config", { body: model });
    const { etag } = (await t.call("GET", "/v1/config", { headers: { accept: "application/yaml" } })).headers as {
      etag: string;
    };
    expect(etag).not.toBe((await t.call("GET", "/v1/config")).headers.etag);
    const body = { ...model, clusters: [...model.clusters, clusterOf("red")] };
    expect(await t.call("PUT", "/v1/config", { body, headers: { "if-match": etag } })).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
    });
    expect(await t.call("PUT", "/v1/config", { body: model, headers: { "if-match": etag } })).toMatchObject({
      status: 412,
    });
    expect(await t.call("POST", "/v1/config/apply", { body: model, headers: { "if-match": '"1"' } })).toMatchObject({
      status: 412,
    });
    expect(await t.call("POST", "/v1/revisions/1/restore", { headers: { "if-match": '"1"' } })).toMatchObject({
      status: 412,
    });
  });

  test("all problems at once, with pointers into the document; all or nothing", async () => {
    const shape = { ...model, routes: [{ name: "BAD", listeners: [], rules: [{}] }], nope: 1 };
    const first = await t.call("PUT", "/v1/config", { body: shape });
    expect(first.status).toBe(422);
    expect(first.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(
      expect.arrayContaining(["/nope", "/routes/0/name", "/routes/0/listeners"]),
    );
    const mixed = {
      listeners: [{ name: "web", fleets: ["zz"], port: 8080, protocol: "HTTP", q: 1 }],
      routes: [{ name: "a", listeners: ["web"], rules: [{ split: [{ cluster: "nope" }] }] }],
    };
    for (const [method, path] of [
      ["PUT", "/v1/config"],
      ["POST", "/v1/config/apply?owner=me"],
    ] as const) {
      const { body } = await t.call(method, path, { body: mixed });
      expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
        "/listeners/0/q",
        "/routes/0/rules/0/split/0/cluster",
        "/listeners/0/fleets/0",
      ]);
    }
    const dangling = { ...model, clusters: [], routes: [...model.routes].reverse() };
    const second = await t.call("PUT", "/v1/config", { body: dangling });
    expect(second.status).toBe(422);
    expect(second.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      "/routes/0/rules/0/split/0/cluster",
      "/routes/1/rules/0/split/0/cluster",
    ]);
    const twice = await t.call("PUT", "/v1/config", { body: { clusters: [clusterOf("a"), clusterOf("a")] } });
    expect(twice.body.errors).toMatchObject([{ pointer: "/clusters/1/name" }]);
    expect(t.store.head().revision).toBe(0);
    expect(t.publisher.admitted).toBe(0);
  });

  test("an empty body is no empty configuration", async () => {
    await t.call("PUT", "/v1/config", { body: model });
    for (const [body, headers] of [
      ["", YAML],
      ["# nothing\n", YAML],
      ["null", undefined],
      [undefined, undefined],
    ] as const) {
      const answer = await t.call("PUT", "/v1/config", { body, ...(headers === undefined ? {} : { headers }) });
      expect([body, answer.status]).toEqual([body, 400]);
    }
    expect(t.store.head().revision).toBe(1);
    expect(await t.call("PUT", "/v1/config", { body: {} })).toMatchObject({ status: 200, body: { revision: 2 } });
  });

  test("broken YAML, duplicate keys and alias bombs are 400", async () => {
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${"bcdefgh"
      .split("")
      .map((key, index) => `${key}: &${key} [${Array(10).fill(`*${"abcdefgh"[index]}`).join(", ")}]`)
      .join("\n")}\n`;
    for (const body of ["clusters: [", "clusters: []\nclusters: []", bomb]) {
      const { status, body: problem } = await t.call("PUT", "/v1/config", { body, headers: YAML });
      expect([status, problem.code]).toEqual([400, "API-BAD-REQUEST"]);
      expect(problem.detail).toMatch(/^the body is no YAML: /);
    }
  });

  test("YAML over its limit is 413", async () => {
    const answer = await t.call("PUT", "/v1/config", { body: `#${"x".repeat(MAX_YAML_BYTES)}\n{}`, headers: YAML });
    expect(answer).toMatchObject({ status: 413, body: { code: "API-TOO-LARGE" } });
  });

  test("large YAML is parsed beside the event loop and written in slices", async () => {
    const clusters = Array.from({ length: 2000 }, (_, index) => clusterOf(`c${index}`));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const { status } = await t.call("PUT", "/v1/config", { body: stringify({ clusters }), headers: YAML });
    clearInterval(timer);
    expect(status).toBe(200);
    // Parsed in place it would be about ten turns; the worker takes a few hundred milliseconds.
    expect(turns).toBeGreaterThan(30);
    const yaml = await t.call("GET", "/v1/config", { headers: { accept: "application/yaml" } });
    expect(parse(yaml.text).clusters.length).toBe(2000);
  });
});

describe("/v1/config/apply", () => {
  test("merges: what is not listed stays", async () => {
    await t.call("PUT", "/v1/config", { body: model });
    const { body } = await t.call("POST", "/v1/config/apply", {
      body: { clusters: [clusterOf("red"), model.clusters[0]] },
    });
    expect(body).toMatchObject({ revision: 2, changed: [{ resource: "clusters/red", change: "created" }] });
    expect(t.store.head().snapshot.route.size).toBe(2);
  });

  test("with an owner it labels, prunes what that owner no longer lists, and touches nobody else's", async () => {
    await t.call("PUT", "/v1/config", { body: model });
    const apply = (owner: string, ...names: string[]): ReturnType<TestApi["call"]> =>
      t.call("POST", `/v1/config/apply?owner=${owner}`, { body: { clusters: names.map(clusterOf) } });
    await apply("team-a", "a1", "a2");
    await apply("team-b", "b1");
    expect(t.store.head().snapshot.cluster.get("a1")?.body.labels).toEqual({ "trimtab.io/owner": "team-a" });
    const { body } = await apply("team-a", "a2", "a3");
    expect(body.changed).toEqual([
      { resource: "clusters/a3", change: "created" },
      { resource: "clusters/a1", change: "deleted" },
    ]);
    expect([...t.store.head().snapshot.cluster.keys()].sort()).toEqual(["a2", "a3", "b1", "blue", "green"]);
    expect(await apply("team-a", "b1")).toMatchObject({
      status: 409,
      body: { code: "API-OWNED-BY-OTHER", errors: [{ pointer: "/clusters/0" }] },
    });
    const labelled = { ...clusterOf("x"), labels: { "trimtab.io/owner": "team-b" } };
    const foreign = await t.call("POST", "/v1/config/apply?owner=team-a", { body: { clusters: [labelled] } });
    expect(foreign).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "/clusters/0/labels/trimtab.io~1owner", code: "API-OWNER-LABEL" }] },
    });
    expect(await apply("", "x")).toMatchObject({ status: 400 });
  });

  test("without that owner an owned resource is a conflict; force writes it and the owner stays", async () => {
    const owner = { "trimtab.io/owner": "team-a" };
    await t.call("PUT", "/v1/config", { body: { clusters: [{ ...clusterOf("a1"), labels: owner }] } });
    const apply = (query: string, labels?: object): ReturnType<TestApi["call"]> =>
      t.call("POST", `/v1/config/apply${query}`, { body: { clusters: [{ ...clusterOf("a1"), labels }] } });
    const labels = (): object | undefined => t.store.head().snapshot.cluster.get("a1")?.body.labels;
    const conflict = { status: 409, body: { code: "API-OWNED-BY-OTHER", errors: [{ pointer: "/clusters/0" }] } };
    expect(await apply("", { x: "1" })).toMatchObject(conflict);
    expect(await apply("?dryRun=true", { x: "1" })).toMatchObject(conflict);
    expect(await apply("", { "trimtab.io/owner": "team-b" })).toMatchObject(conflict);
    expect(await apply("", { x: "1", ...owner })).toMatchObject({ status: 200 });
    expect(await apply("?force=true", { x: "2" })).toMatchObject({ status: 200 });
    expect(labels()).toEqual({ x: "2", ...owner });
    const many = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`l${index}`, "x"]));
    expect(await apply("?force=true", many)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "/clusters/0/labels", code: "SCHEMA-LIMIT" }] },
    });
    expect(await apply("?force=true", { "trimtab.io/owner": "team-b" })).toMatchObject({ status: 200 });
    expect(labels()).toEqual({ "trimtab.io/owner": "team-b" });
    expect(await apply("?force=maybe")).toMatchObject({ status: 400 });
  });
});

describe("/v1/revisions", () => {
  test("lists newest first, pages, shows each with its configuration, restores as a new revision", async () => {
    await t.call("PUT", "/v1/config", { body: model, headers: { "trimtab-author": "ann" } });
    await t.call("DELETE", "/v1/routes/shop");
    await t.call("DELETE", "/v1/clusters/green");
    const page = await t.call("GET", "/v1/revisions?limit=2");
    expect(page.body).toMatchObject({
      items: [{ revision: 3, changes: [{ resource: "clusters/green", change: "deleted" }] }, { revision: 2 }],
      nextCursor: 2,
    });
    const rest = await t.call("GET", "/v1/revisions?limit=2&cursor=2");
    expect(rest.body.items.map(({ revision }: { revision: number }) => revision)).toEqual([1]);
    expect(rest.body.nextCursor).toBeUndefined();
    const first = await t.call("GET", "/v1/revisions/1");
    expect(first.body).toMatchObject({ revision: 1, author: "ann", time: "2026-01-02T03:04:05.000Z", config: model });
    expect((await t.call("GET", "/v1/revisions/2")).body.config.routes.length).toBe(1);
    const restored = await t.call("POST", "/v1/revisions/1/restore");
    expect(restored).toMatchObject({
      status: 200,
      body: { revision: 4, changed: [{ change: "created" }, { change: "created" }] },
    });
    expect(t.store.revision(4)).toMatchObject({ message: "restore revision 1" });
    expect((await t.call("GET", "/v1/config")).body).toEqual(model);
    for (const bad of ["/v1/revisions/9", "/v1/revisions/0"]) expect((await t.call("GET", bad)).status).toBe(404);
    expect((await t.call("GET", "/v1/revisions/x")).status).toBe(400);
    expect((await t.call("POST", "/v1/revisions/9/restore")).status).toBe(404);
  });
});
