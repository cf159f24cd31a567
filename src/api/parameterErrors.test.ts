import { afterAll, beforeAll, expect, test } from "vitest";
import { model, startApi, type TestApi } from "./apiHarness.ts";

let t: TestApi;
beforeAll(async () => {
  t = await startApi();
  await t.call("PUT", "/v1/config", { body: model });
});
afterAll(() => t.close());

test.each([
  [
    "PUT /v1/clusters/blue?dryrun=true",
    'unknown query parameter "dryrun"; did you mean "dryRun"?; known here: dryRun, owner, force',
  ],
  ["GET /v1/clusters?limit=0", 'query parameter "limit" must be >= 1, but is 0'],
  ["GET /v1/clusters?limit=ten", 'query parameter "limit" must be integer, but is "ten"'],
  ["GET /v1/clusters/blue?x=1", 'unknown query parameter "x"; this path takes none'],
  [
    "GET /v1/fleets/legacy/files?format=tarr",
    'query parameter "format" must be one of json, tar, but is "tarr"; did you mean "tar"?',
  ],
  ["GET /readyz?verbose=yes", 'query parameter "verbose" must be boolean, but is "yes"'],
  ["GET /v1/revisions/first", 'path parameter "revision" must be integer, but is "first"'],
  [
    "GET /v1/revisions?limit=x&cursr=1",
    'query parameter "limit" must be integer, but is "x"; unknown query parameter "cursr"; did you mean "cursor"?; known here: limit, cursor',
  ],
])("%s: %s", async (line, detail) => {
  const [method = "", url = ""] = line.split(" ");
  const answer = await t.call(method as "GET", url, method === "PUT" ? { body: {} } : {});
  expect(answer).toMatchObject({ status: 400, body: { code: "API-BAD-PARAMETER" } });
  expect(answer.body.detail.split("; ").sort()).toEqual(detail.split("; ").sort());
});

test("very many unknown ones are cut, with the count", async () => {
  const names = Array.from({ length: 40 }, (_, index) => `p${index}=1`).join("&");
  const { body } = await t.call("GET", `/v1/clusters/blue?${names}`);
  expect(body.detail).toMatch(/; and 30 more$/);
});

test("a path that is not there, and a field of a request to explain: the nearest one", async () => {
  expect((await t.call("GET", "/v1/cluster/blue")).body.detail).toBe(
    'there is no /v1/cluster/blue; did you mean "clusters"?',
  );
  expect((await t.call("GET", "/v2/cluster")).body.detail).toBe("there is no /v2/cluster");
  const { body } = await t.call("POST", "/v1/explain", {
    body: { fleeet: "legacy", method: "GET", host: "a", path: "/", headers: [] },
  });
  expect(body.errors).toContainEqual({
    pointer: "/fleeet",
    code: "API-INVALID",
    message: expect.stringMatching(/^unknown field; did you mean "fleet"\?; known here: .*port/),
  });
});

test("a fleet that is not there, explained: the nearest one", async () => {
  const { body } = await t.call("POST", "/v1/explain", {
    body: { fleet: "legcay", method: "GET", host: "a", path: "/", headers: [] },
  });
  expect(body.detail).toBe('there is no fleet named "legcay"; did you mean "legacy"?');
});
