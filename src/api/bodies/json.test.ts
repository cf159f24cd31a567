/** Bodies: what is no strict JSON is refused with its place, over the same paths as a client's. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { finish } from "../../util/steps.ts";
import { clusterOf, startApi, type TestApi } from "../apiHarness.ts";
import { build } from "./build.ts";
import { check } from "./checked.ts";
import { findFault, placeOf } from "./jsonFault.ts";

let t: TestApi;
beforeAll(async () => {
  t = await startApi();
});
afterAll(() => t.close());

const put = async (payload: string | Buffer, type = "application/json", url = "/v1/clusters/blue") => {
  const response = await t.app.inject({ method: "PUT", url, headers: { "content-type": type }, payload });
  return { status: response.statusCode, body: response.json() };
};

const endpoints = '"endpoints": [{"address": "10.0.0.1", "port": 80}]';

describe("a body that breaks is 400 and says where", () => {
  test.each([
    ["", "line 1, column 1: the text ends, but a value is expected"],
    ["{", "line 1, column 2: the text ends, but a key in double quotes or `}` is expected"],
    ['{\n  "name": "blue",\n}', "line 3, column 1: a key in double quotes is expected"],
    ['{"name" "blue"}', "line 1, column 9: `:` is expected"],
    ["{'name': 1}", "line 1, column 2: \"'name'\" is no JSON value"],
    ["{1: 1}", "line 1, column 2: a key in double quotes or `}` is expected"],
    ['{"a": [1 2]}', "line 1, column 10: `,` or the end of the list or object is expected"],
    ['{"a": [1}', "line 1, column 9: `,` or the end of the list or object is expected"],
    ['{"a": 01}', 'line 1, column 7: "01" is no JSON value'],
    ['{"a": "\t"}', "line 1, column 7: a string with a control character or an unknown escape"],
    ['{"a": "\\x"}', "line 1, column 7: a string with a control character or an unknown escape"],
    ['{"a": "\\"}', "line 1, column 7: a string does not end"],
    ["{} {}", "line 1, column 4: the document has ended before"],
    [
      `{"name": "blue", ${endpoints},\n "name": "green"}`,
      'line 2, column 2: the key "name" stands twice in one object',
    ],
    [
      `{"name": "blue", "endpoints": [{"address": "10.0.0.1", "port": 80, "p\\u006frt": 81}]}`,
      'line 1, column 68: the key "port" stands twice in one object',
    ],
  ])("%s", async (text, place) => {
    const { status, body } = await put(text);
    expect([status, body.code, body.detail]).toEqual([400, "API-BAD-REQUEST", `the body breaks at ${place}`]);
    const patch = await t.app.inject({
      method: "PATCH",
      url: "/v1/clusters/blue",
      headers: { "content-type": "application/merge-patch+json" },
      payload: text,
    });
    expect(patch.json().detail).toBe(body.detail);
  });

  test("what is no UTF-8, as JSON and as YAML; a replacement character that was sent is no fault", async () => {
    const text = `{"name": "blue", "description": "\ufffdä\n`.replace("\n", "");
    const bytes = Buffer.concat([Buffer.from(text), Buffer.from([0xc3, 0x28]), Buffer.from(`", ${endpoints}}`)]);
    const place = `the body breaks at line 1, column ${text.length + 1}: a byte that is no UTF-8`;
    expect(await put(bytes)).toMatchObject({ status: 400, body: { detail: place } });
    expect(await put(bytes, "application/yaml", "/v1/config")).toMatchObject({ status: 400, body: { detail: place } });
    expect((await put(`{"name": "blue", "description": "\ufffd", ${endpoints}}`)).status).toBe(201);
  });

  test("what nests without end", async () => {
    const detail = "the body nests deeper than 64 levels";
    for (const levels of [65, 150_000]) {
      const deep = `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
      expect(await put(deep, "application/json", "/v1/config")).toMatchObject({ status: 400, body: { detail } });
    }
    const shallow = `${'{"a":'.repeat(64)}1${"}".repeat(64)}`;
    expect(await put(shallow)).toMatchObject({ status: 422 });
  });
});

test("another character set than UTF-8 is 415", async () => {
  const text = JSON.stringify(clusterOf("blue"));
  for (const charset of ["utf-16", '"UTF-16"', "latin1"]) {
    const { status, body } = await put(text, `application/json; charset=${charset}`);
    expect([status, body.code]).toEqual([415, "API-UNSUPPORTED-MEDIA-TYPE"]);
    expect((await put("{}", `application/yaml; charset=${charset}`, "/v1/config")).status).toBe(415);
  }
  expect((await put(text, 'application/json; charset="UTF-8"')).status).toBe(200);
});

test("half a character and a key of a prototype are refused with their pointers", async () => {
  expect(await put(`{"name": "blue", "description": "\\ud800", ${endpoints}}`)).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: "/description", code: "SCHEMA-FORMAT" }] },
  });
  expect(await put(`{"name": "blue", ${endpoints}, "__proto__": {"x": 1}}`)).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: "/__proto__", code: "SCHEMA-UNKNOWN-FIELD" }] },
  });
});

/** JSON with things done to it: most of them break it. */
const damaged = fc
  .tuple(
    fc.json(),
    fc.nat(),
    fc.nat(3),
    fc.constantFrom("", "{", "}", "[", "]", ",", ":", '"', "\\", "0", "-", "e", " "),
  )
  .map(([text, at, length, put]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + put + text.slice(place + length);
  });

test("finds a fault exactly where JSON.parse does, and keys that stand twice", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), damaged), (text) => {
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      const fault = finish(findFault(text));
      if (fault !== null && valid) expect(fault.what).toContain("stands twice");
      else expect(fault === null).toBe(valid);
    }),
    { numRuns: 3000 },
  );
});

/** The value of a text that is cut into runs of so few bytes, or what is wrong with it. */
function parse(text: string, runBytes: number): unknown {
  const bytes = Buffer.from(text);
  const found = check(bytes, { itemBytes: 1e6, itemValues: 1e6, runBytes });
  return found.kind === "unsound" ? found : finish(build({ ...found, bytes, frame: found.value }));
}

test("takes what JSON.parse takes when no key stands twice, however it is cut", () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 6 }),
      fc.integer({ min: 0, max: 40 }),
      fc.nat(3),
      (value, runBytes, indent) => {
        const text = ` ${JSON.stringify(value, null, indent)}\n`;
        expect(parse(text, runBytes)).toEqual(JSON.parse(text));
      },
    ),
    { numRuns: 3000 },
  );
});

test("refuses what JSON.parse refuses, and what has a key twice, however it is cut", () => {
  fc.assert(
    fc.property(damaged, fc.integer({ min: 0, max: 20 }), (text, runBytes) => {
      const fault = finish(findFault(text));
      const found = parse(text, runBytes) as { kind?: unknown } | null;
      if (fault === null) expect(found).toEqual(JSON.parse(text));
      else expect(found).toMatchObject({ kind: "unsound", detail: expect.stringContaining(fault.what) });
    }),
    { numRuns: 5000 },
  );
});

test("a key that stands twice is found across the places where its object is cut", () => {
  const text = `{${Array.from({ length: 20 }, (_, index) => `"k${index}":[1,2,3,4,5,6]`).join(",")},"k0":1}`;
  expect(parse(text, 12)).toMatchObject({ detail: expect.stringContaining('the key "k0" stands twice') });
});

test("places count lines and columns from 1", () => {
  expect([0, 2, 3, 4].map((at) => finish(placeOf("ab\n\nc", at)))).toEqual([
    { line: 1, column: 1 },
    { line: 1, column: 3 },
    { line: 2, column: 1 },
    { line: 3, column: 1 },
  ]);
});
