/** Bodies that leave the event loop: what is said of them is what is said of small ones, and their bounds. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, clusterOf, model, startApi, type TestApi } from "../apiHarness.ts";
import { INLINE_BODY_BYTES, MAX_RESOURCE_VALUES, MAX_SCALAR_BYTES } from "../limits.ts";

let t: TestApi;
beforeAll(async () => {
  t = await startApi();
});
afterAll(() => t.close());

/** Blanks that send a body to a worker. */
const padding = " ".repeat(INLINE_BODY_BYTES) + "\t\r\n".repeat(MAX_SCALAR_BYTES / 3 + 1);
const YAML = { "content-type": "application/yaml" };

const apply = (body: string, headers = {}): Promise<Answer> =>
  t.call("POST", "/v1/config/apply?dryRun=true", { body, headers });

describe("a large body is told the same as a small one", () => {
  const wrong = {
    routes: [
      { name: "BAD", rules: [{}] },
      { name: "ok", listeners: ["nope"], rules: [] },
    ],
    nope: { x: [1] },
  };
  test.each([
    ["sound", JSON.stringify(model)],
    ["misshapen and dangling", JSON.stringify(wrong)],
    ["misshapen beyond judging", JSON.stringify({ clusters: Array(2000).fill({}) })],
    ["no object", "[]"],
    ["a key of a prototype", '{"__proto__": [], "routes": [{"__proto__": {}}]}'],
    ["broken", '{\n "routes": [1,\n }'],
    ["a key twice", '{"routes": [],\n "routes": []}'],
    ["deep", `${"[".repeat(65)}${"]".repeat(65)}`],
    ["null", "null"],
    ["nothing", ""],
  ])("%s", async (_name, text) => {
    const small = await apply(text);
    const large = await apply(`${text}${padding}`);
    // Where nothing is, the place is the end of the text.
    const place = /line \d+, column \d+/g;
    expect([large.status, large.text.replace(place, "")]).toEqual([small.status, small.text.replace(place, "")]);
    if (text !== "") expect(large.text).toBe(small.text);
  });

  test("a resource, by PUT and by PATCH", async () => {
    const blanks = " ".repeat(INLINE_BODY_BYTES);
    const body = `${JSON.stringify(clusterOf("blue"))}${blanks}`;
    expect((await t.call("PUT", "/v1/clusters/blue", { body })).status).toBe(201);
    const headers = { "content-type": "application/merge-patch+json" };
    const patch = `{"description": "large"}${blanks}`;
    expect((await t.call("PATCH", "/v1/clusters/blue", { body: patch, headers })).status).toBe(200);
    expect((await t.call("GET", "/v1/clusters/blue")).body.description).toBe("large");
  });

  test("what is no UTF-8", async () => {
    const payload = Buffer.concat([
      Buffer.from(`{"a":\n"${"ä".repeat(INLINE_BODY_BYTES)}`),
      Buffer.from([0xff, 0x22, 0x7d]),
    ]);
    const headers = { "content-type": "application/json" };
    const response = await t.app.inject({ method: "PUT", url: "/v1/config", headers, payload });
    const place = `line 2, column ${INLINE_BODY_BYTES + 2}`;
    expect([response.statusCode, response.json().detail]).toEqual([
      400,
      `the body breaks at ${place}: a byte that is no UTF-8`,
    ]);
  });
});

describe("bounds", () => {
  test("of the values of a resource", async () => {
    const body = `{"endpoints":[${"1,".repeat(MAX_RESOURCE_VALUES)}1]}`;
    const { status, body: problem } = await t.call("PUT", "/v1/clusters/blue", { body });
    expect([status, problem.code]).toEqual([413, "API-TOO-LARGE"]);
    const listed = `{"clusters":[{"name":"a"},${body}]}`;
    expect(await apply(listed)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "/clusters/1", code: "API-TOO-LARGE" }] },
    });
  });

  test.each([
    ["keys", `{${Array.from({ length: 10_001 }, (_, index) => `"k${index}":1`).join(",")}}`, 400],
    ["a string", `{"a":"${"x".repeat(2 * 1024 * 1024)}"}`, 400],
    ["a key", `{"${"x".repeat(2 * 1024 * 1024)}":[${"1,".repeat(10_000)}1]}`, 400],
    ["a number", `{"a":${"1".repeat(2 * 1024 * 1024 + 1)}}`, 400],
    ["all values", `{"clusters":[${"[[]],".repeat(1_800_000)}1]}`, 413],
  ])("of %s", async (_name, text, status) => {
    expect((await apply(text)).status).toBe(status);
  });

  test("packed bodies are 415", async () => {
    expect(await apply("{}", { "content-encoding": "gzip" })).toMatchObject({ status: 415 });
    expect(await apply("{}", { "content-encoding": "identity" })).toMatchObject({ status: 200 });
  });
});

describe("YAML", () => {
  test.each([
    ["brackets", "[".repeat(8000), "nesting exceeded maxDepth"],
    ["dashes", "- ".repeat(4000), "nesting exceeded maxDepth"],
    ["an alias of what holds it", "&a [*a]", "nests deeper than 64 levels"],
    [
      "aliases of a long text",
      `a: &a ${"x".repeat(100_000)}\nb: [${Array(900).fill("*a").join(", ")}]`,
      "aliases stand for is too large",
    ],
    ["many aliases", `- &a 1\n${"- *a\n".repeat(1001)}`, "aliases"],
    ["a tag of its own", "a: !x 1", "at line 1, column 4"],
    ["two documents", "{}\n---\n{}", "more than one document"],
    ["a key twice", "clusters: []\nclusters: []", "at line 2, column 1"],
  ])("%s is 400", async (_name, text, what) => {
    const { status, body } = await apply(text, YAML);
    expect([status, body.detail]).toEqual([400, expect.stringContaining("the body is no YAML: ")]);
    expect(body.detail).toContain(what);
  });

  test("anchors, numbers, texts and blocks mean what YAML 1.2 says", async () => {
    const text = [
      "clusters:",
      "- name: a",
      '  description: "\\u00e4 yes"',
      "  endpoints: &e",
      "  - {address: 10.0.0.1, port: 0x50, weight: 0o10}",
      "- name: b",
      "  description: yes",
      "  endpoints: *e",
    ].join("\n");
    const answer = await t.call("POST", "/v1/config/apply", { body: text, headers: YAML });
    expect(answer.status).toBe(200);
    const { endpoints, description } = (await t.call("GET", "/v1/clusters/b")).body;
    expect([description, endpoints]).toEqual(["yes", [{ address: "10.0.0.1", port: 80, weight: 8 }]]);
  });
});
