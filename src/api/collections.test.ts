import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clusterOf, model, startApi, type TestApi } from "./apiHarness.ts";

let t: TestApi;

beforeEach(async () => {
  t = await startApi();
});
afterEach(() => t.close());

const blue = clusterOf("blue");

describe("one resource", () => {
  test("create, read, replace, delete; each write is a revision", async () => {
    const created = await t.call("PUT", "/v1/clusters/blue", { body: blue });
    expect(created).toMatchObject({
      status: 201,
      body: { revision: 1, changed: [{ resource: "clusters/blue", change: "created" }], warnings: [] },
      headers: { location: "/v1/clusters/blue" },
    });
    const read = await t.call("GET", "/v1/clusters/blue");
    expect(read).toMatchObject({ status: 200, body: blue, headers: { etag: created.headers.etag } });
    const replaced = await t.call("PUT", "/v1/clusters/blue", { body: { ...blue, description: "new" } });
    expect(replaced).toMatchObject({ status: 200, body: { revision: 2, changed: [{ change: "updated" }] } });
    expect(replaced.headers.etag).not.toBe(created.headers.etag);
    const same = await t.call("PUT", "/v1/clusters/blue", { body: { ...blue, description: "new" } });
    expect(same).toMatchObject({
      status: 200,
      body: { revision: 2, changed: [] },
      headers: { etag: replaced.headers.etag },
    });
    expect(await t.call("DELETE", "/v1/clusters/blue")).toMatchObject({
      status: 200,
      body: { revision: 3, changed: [{ change: "deleted" }] },
    });
    expect(await t.call("GET", "/v1/clusters/blue")).toMatchObject({ status: 404, body: { code: "API-NOT-FOUND" } });
    expect(await t.call("DELETE", "/v1/clusters/blue")).toMatchObject({ status: 404 });
  });

  test("every kind is served by the same code", async () => {
    await t.call("PUT", "/v1/config", { body: model });
    const canary = { name: "roll", route: "split", rule: 0, stable: "blue", canary: "green", steps: [{ weight: 5 }] };
    const split = {
      name: "split",
      listeners: ["web"],
      hostnames: ["s.example"],
      rules: [{ split: [{ cluster: "blue" }, { cluster: "green" }] }],
    };
    const more = {
      "routes/split": split,
      "canaries/roll": canary,
      "healthChecks/alive": { name: "alive", type: "tcp" },
      "listeners/raw": { name: "raw", fleets: ["edge"], port: 9000, protocol: "TCP" },
      "fleets/third": { name: "third", proxy: "haproxy" },
    };
    for (const [path, body] of Object.entries(more)) {
      expect(await t.call("PUT", `/v1/${path}`, { body })).toMatchObject({
        status: 201,
        body: { changed: [{ resource: path }] },
      });
      expect((await t.call("GET", `/v1/${path}`)).body).toEqual(body);
    }
  });

  test("author and message are remembered; malformed ones are refused", async () => {
    const headers = { "trimtab-author": "Zoë", "trimtab-message": "because" };
    const latin1 = { ...headers, "trimtab-author": Buffer.from("Zoë").toString("latin1") };
    await t.call("PUT", "/v1/clusters/blue", { body: blue, headers: latin1 });
    expect(t.store.revision(1)).toMatchObject({ author: "Zoë", message: "because" });
    await t.call("DELETE", "/v1/clusters/blue");
    expect(t.store.revision(2)).toMatchObject({ author: "anonymous", message: "" });
    const long = await t.call("PUT", "/v1/clusters/blue", {
      body: blue,
      headers: { "trimtab-author": "x".repeat(129) },
    });
    expect(long).toMatchObject({ status: 400, body: { code: "API-BAD-HEADER" } });
  });

  test("the name in the document must be the name in the path", async () => {
    expect(await t.call("PUT", "/v1/clusters/red", { body: blue })).toMatchObject({
      status: 422,
      body: { code: "API-INVALID", errors: [{ pointer: "/name", code: "API-NAME-MISMATCH" }] },
    });
  });
});

test("all problems of one document at once: its shape, its name, what it names", async () => {
  await t.call("PUT", "/v1/config", { body: model });
  const body = { name: "b", listeners: ["web", "nope"], rules: [{ split: [{ cluster: "blue" }, { cluster: "no" }] }] };
  const expected = ["/name", "/q", "/listeners/1", "/rules/0/split/1/cluster"];
  const put = await t.call("PUT", "/v1/routes/shop", { body: { ...body, q: 1 } });
  const headers = { "content-type": "application/merge-patch+json" };
  const patch = await t.call("PATCH", "/v1/routes/shop", { body: JSON.stringify({ ...body, q: 1 }), headers });
  for (const { status, body: problem } of [put, patch]) {
    expect(status).toBe(422);
    expect(problem.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(expected);
  }
  expect(put.body).toMatchObject({ code: "API-INVALID", detail: "4 problems; nothing was stored" });
});

describe("preconditions", () => {
  test("If-None-Match: * creates only", async () => {
    const headers = { "if-none-match": "*" };
    expect(await t.call("PUT", "/v1/clusters/blue", { body: blue, headers })).toMatchObject({ status: 201 });
    const again = await t.call("PUT", "/v1/clusters/blue", { body: { ...blue, description: "x" }, headers });
    expect(again).toMatchObject({ status: 412, body: { code: "API-PRECONDITION-FAILED" } });
    expect(t.store.head().revision).toBe(1);
  });

  test("If-Match writes only on what the client saw", async () => {
    const { etag } = (await t.call("PUT", "/v1/clusters/blue", { body: blue })).headers as { etag: string };
    const body = { ...blue, description: "mine" };
    expect(await t.call("PUT", "/v1/clusters/blue", { body, headers: { "if-match": etag } })).toMatchObject({
      status: 200,
    });
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const late = await t.call(method as "PUT", "/v1/clusters/blue", {
        ...(method === "DELETE" ? {} : { body: blue }),
        headers: { "if-match": etag },
      });
      expect([method, late.status]).toEqual([method, 412]);
    }
    expect(
      await t.call("PUT", "/v1/clusters/new", { body: clusterOf("new"), headers: { "if-match": "*" } }),
    ).toMatchObject({ status: 412 });
    expect(await t.call("DELETE", "/v1/clusters/blue", { headers: { "if-match": `W/${etag}, "x", *` } })).toMatchObject(
      { status: 400, body: { code: "API-BAD-HEADER" } },
    );
    expect(await t.call("DELETE", "/v1/clusters/blue", { headers: { "if-match": "*" } })).toMatchObject({
      status: 200,
    });
  });

  test("of many writers with the same ETag exactly one wins", async () => {
    const { etag } = (await t.call("PUT", "/v1/clusters/blue", { body: blue })).headers as { etag: string };
    const writes = Array.from({ length: 20 }, (_, index) =>
      t.call("PUT", "/v1/clusters/blue", { body: { ...blue, description: `${index}` }, headers: { "if-match": etag } }),
    );
    const statuses = (await Promise.all(writes)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array(19).fill(412)]);
    expect(t.store.head().revision).toBe(2);
  });

  test("If-None-Match on reads answers 304", async () => {
    await t.call("PUT", "/v1/config", { body: model });
    for (const url of [
      "/v1/clusters/blue",
      "/v1/clusters",
      "/v1/config",
      "/v1/revisions",
      "/v1/revisions/1",
      "/v1/fleets/edge/proxies",
    ]) {
      const { status, headers } = await t.call("GET", url);
      expect([url, status, typeof headers.etag]).toEqual([url, 200, "string"]);
      const again = await t.call("GET", url, { headers: { "if-none-match": `"other", W/${headers.etag}` } });
      expect([url, again.status, again.text, again.headers.etag]).toEqual([url, 304, "", headers.etag]);
      expect((await t.call("GET", url, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
    }
  });
});

describe("PATCH", () => {
  test("merges by RFC 7396, with either content type", async () => {
    await t.call("PUT", "/v1/clusters/blue", { body: { ...blue, description: "old", labels: { a: "1", b: "2" } } });
    const patch = { description: null, labels: { a: null, c: "3" } };
    const type = { "content-type": "application/merge-patch+json" };
    expect(await t.call("PATCH", "/v1/clusters/blue", { body: patch, headers: type })).toMatchObject({
      status: 200,
      body: { revision: 2 },
    });
    expect((await t.call("GET", "/v1/clusters/blue")).body).toEqual({ ...blue, labels: { b: "2", c: "3" } });
    expect(await t.call("PATCH", "/v1/clusters/blue", { body: { description: "x" } })).toMatchObject({ status: 200 });
  });

  test("the result is judged like a whole document; a missing resource is 404", async () => {
    await t.call("PUT", "/v1/clusters/blue", { body: blue });
    expect(
      await t.call("PATCH", "/v1/clusters/blue", { body: { endpoints: [{ address: "x", port: 0 }], nope: 1 } }),
    ).toMatchObject({
      status: 422,
      body: {
        errors: expect.arrayContaining(
          ["/nope", "/endpoints/0/port", "/endpoints/0/address"].map((pointer) => expect.objectContaining({ pointer })),
        ),
      },
    });
    expect(await t.call("PATCH", "/v1/clusters/blue", { body: { name: "red" } })).toMatchObject({
      status: 422,
      body: { errors: [{ code: "API-NAME-MISMATCH" }] },
    });
    expect(await t.call("PATCH", "/v1/clusters/red", { body: {} })).toMatchObject({ status: 404 });
    expect(await t.call("PATCH", "/v1/clusters/blue", { body: "[]" })).toMatchObject({ status: 422 });
    expect(t.store.head().revision).toBe(1);
  });
});

describe("verdicts", () => {
  test("a dangling reference, a broken referrer and the publisher's refusal are 422 with pointers; nothing is stored", async () => {
    await t.call("PUT", "/v1/config", { body: model });
    const dangling = {
      name: "x",
      listeners: ["web"],
      hostnames: ["x.example"],
      rules: [{ split: [{ cluster: "gone" }] }],
    };
    const one = await t.call("PUT", "/v1/routes/x", { body: dangling });
    expect(one).toMatchObject({
      status: 422,
      headers: { "content-type": expect.stringContaining("application/problem+json") },
    });
    expect(one.body.errors).toMatchObject([{ pointer: "/rules/0/split/0/cluster" }]);
    expect(one.body.errors[0].resource).toBeUndefined();

    const broken = await t.call("DELETE", "/v1/clusters/blue");
    expect(broken.body.errors).toMatchObject([{ resource: "routes/api", pointer: "/rules/0/split/0/cluster" }]);
    expect(broken.body.errors[0].message).toBe('this write deletes cluster "blue", which is in use here');
    expect(broken.body.detail).toBe('cluster "blue" is in use by routes/api (rule 0); 1 problem; nothing was stored');

    t.publisher.say = () => [
      {
        code: "TARGET-REFUSED",
        severity: "error",
        message: "no",
        resource: { kind: "listener", name: "web" },
        pointer: "/port",
        fleet: "legacy",
        proxy: "nginx",
      },
    ];
    const refused = await t.call("PUT", "/v1/clusters/green", { body: { ...clusterOf("green"), description: "x" } });
    expect(refused.body).toEqual({
      type: "urn:trimtab:error:API-INVALID",
      title: "Invalid",
      status: 422,
      code: "API-INVALID",
      detail: "1 problem; nothing was stored",
      errors: [
        {
          pointer: "/port",
          code: "TARGET-REFUSED",
          message: "no",
          resource: "listeners/web",
          fleet: "legacy",
          proxy: "nginx",
        },
      ],
    });
    expect(t.store.head().revision).toBe(1);
  });

  test("warnings come back with the write", async () => {
    t.publisher.say = () => [
      {
        code: "TARGET-APPROXIMATED",
        severity: "warning",
        message: "nearly",
        resource: { kind: "cluster", name: "blue" },
        pointer: "/balance",
      },
    ];
    const { status, body } = await t.call("PUT", "/v1/clusters/blue", { body: blue });
    expect([status, body.warnings]).toEqual([
      201,
      [{ code: "TARGET-APPROXIMATED", message: "nearly", pointer: "/balance" }],
    ]);
  });

  test("warnings are about what was written and what names it; the others are counted", async () => {
    await t.call("PUT", "/v1/config", { body: model });
    const named = ["fleet/edge", "listener/web", "route/api", "route/shop", "cluster/blue", "cluster/green"];
    t.publisher.say = () =>
      named.map((key) => {
        const [kind = "", name = ""] = key.split("/");
        return { code: "W", severity: "warning", message: key, resource: { kind, name }, pointer: "" };
      });
    const warningsOf = async (method: string, url: string, body?: unknown): Promise<unknown> => {
      const answer = (await t.call(method as "PUT", url, { body })).body;
      return [answer.warnings.map(({ message }: { message: string }) => message), answer.warningsOmitted ?? 0];
    };
    const api = { ...model.routes[0], description: "new" };
    expect(await warningsOf("PUT", "/v1/routes/api", api)).toEqual([["route/api"], 5]);
    expect(await warningsOf("PUT", "/v1/routes/api", api)).toEqual([["route/api"], 5]);
    expect(await warningsOf("PATCH", "/v1/clusters/green", { description: "new" })).toEqual([
      ["route/shop", "cluster/green"],
      4,
    ]);
    expect(await warningsOf("PATCH", "/v1/fleets/edge", { description: "new" })).toEqual([named.slice(0, 4), 2]);
    expect(await warningsOf("DELETE", "/v1/routes/shop")).toEqual([["route/shop"], 5]);
    expect(await warningsOf("POST", "/v1/config/apply", { routes: [model.routes[1]] })).toEqual([["route/shop"], 5]);
    expect(await warningsOf("PUT", "/v1/config", model)).toEqual([named, 0]);
    expect(await warningsOf("POST", "/v1/revisions/0/restore")).toEqual([named, 0]);
  });

  test("dryRun tells the same and stores nothing, on every write", async () => {
    await t.call("PUT", "/v1/config", { body: model });
    t.publisher.say = () => [{ code: "W", severity: "warning", message: "m", pointer: "" }];
    const green = { ...clusterOf("green"), description: "x" };
    const tries = [
      await t.call("PUT", "/v1/clusters/green?dryRun=true", { body: green }),
      await t.call("PATCH", "/v1/clusters/green?dryRun=true", { body: { description: "x" } }),
      await t.call("DELETE", "/v1/routes/shop?dryRun=true"),
      await t.call("PUT", "/v1/config?dryRun=true", { body: {} }),
      await t.call("POST", "/v1/config/apply?dryRun=true", { body: { clusters: [green] } }),
      await t.call("POST", "/v1/revisions/0/restore?dryRun=true"),
    ];
    for (const { status, body } of tries)
      expect([status, body]).toEqual([
        200,
        expect.objectContaining({ dryRun: true, revision: 1, warnings: [expect.anything()] }),
      ]);
    expect(tries.map(({ body }) => body.changed.length)).toEqual([1, 1, 1, 7, 1, 7]);
    expect(t.store.head().revision).toBe(1);
    expect(await t.call("DELETE", "/v1/clusters/green?dryRun=true")).toMatchObject({ status: 422 });
  });

  test("an unknown parameter is refused, so that a misspelt dryRun writes nothing", async () => {
    expect(await t.call("PUT", "/v1/clusters/blue?dryrun=true", { body: blue })).toMatchObject({
      status: 400,
      body: { code: "API-BAD-PARAMETER" },
    });
    expect(await t.call("PUT", "/v1/clusters/blue?dryRun=yes", { body: blue })).toMatchObject({ status: 400 });
    expect(t.store.head().revision).toBe(0);
  });
});

describe("lists", () => {
  test("pages join without gap or overlap, also when something is written between them", async () => {
    const names = ["a", "b", "c", "d", "e"];
    await t.call("PUT", "/v1/config", { body: { clusters: names.toReversed().map(clusterOf) } });
    const first = await t.call("GET", "/v1/clusters?limit=2");
    expect(first.body).toMatchObject({ items: [{ name: "a" }, { name: "b" }], nextCursor: "b" });
    await t.call("DELETE", "/v1/clusters/b");
    const second = await t.call("GET", `/v1/clusters?limit=2&cursor=${first.body.nextCursor}`);
    expect(second.body).toMatchObject({ items: [{ name: "c" }, { name: "d" }], nextCursor: "d" });
    const third = await t.call("GET", "/v1/clusters?limit=2&cursor=d");
    expect(third.body).toEqual({ items: [clusterOf("e")] });
    expect((await t.call("GET", "/v1/clusters?limit=4")).body.nextCursor).toBeUndefined();
  });

  test("labels filter; several must all hold", async () => {
    const labelled = (name: string, labels: object): object => ({ ...clusterOf(name), labels });
    const clusters = [
      labelled("a", { tier: "1", zone: "x" }),
      labelled("b", { tier: "1" }),
      labelled("c", { zone: "x" }),
      clusterOf("d"),
    ];
    await t.call("PUT", "/v1/config", { body: { clusters } });
    const names = async (query: string): Promise<string[]> =>
      (await t.call("GET", `/v1/clusters?${query}`)).body.items.map(({ name }: { name: string }) => name);
    expect(await names("label=tier=1")).toEqual(["a", "b"]);
    expect(await names("label=zone")).toEqual(["a", "c"]);
    expect(await names("label=tier=1&label=zone=x")).toEqual(["a"]);
    expect(await names("label=constructor")).toEqual([]);
    expect(await names("label=tier=1&limit=1&cursor=a")).toEqual(["b"]);
  });

  test.each(["limit=0", "limit=1001", "limit=x", "label==x", "nope=1"])("?%s is refused", async (query) => {
    expect(await t.call("GET", `/v1/clusters?${query}`)).toMatchObject({
      status: 400,
      body: { code: "API-BAD-PARAMETER" },
    });
  });
});
