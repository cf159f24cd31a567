/** The small functions that implement an RFC, against its own examples and edges. */
import { describe, expect, test } from "vitest";
import { isLoopback, splitAddress } from "../util/address.ts";
import { negotiate } from "./accept.ts";
import { checkConditions, readConditions } from "./conditions.ts";
import { mergePatch } from "./mergePatch.ts";

// RFC 7396, appendix A, all of it.
test.each([
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])("merge patch %j with %j is %j", (target, patch, result) => {
  expect(mergePatch(target, patch)).toEqual(result);
});

test("a merge patch cannot reach a prototype", () => {
  const result = mergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}'));
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
});

describe("negotiation", () => {
  const offers = ["application/json", "application/yaml"] as const;

  test.each([
    [undefined, "application/json"],
    ["", "application/json"],
    ["*/*", "application/json"],
    ["application/yaml", "application/yaml"],
    ["application/json;q=0.5, application/yaml;q=0.9", "application/yaml"],
    ["application/*;q=0.1, application/yaml;q=0", "application/json"],
    ["text/html, */*;q=0.1", "application/json"],
    ["Application/YAML; charset=utf-8", "application/yaml"],
  ])("%s gives %s", (accept, type) => {
    expect(negotiate(accept, offers)).toBe(type);
  });

  test.each(["text/html", "application/json;q=0, application/yaml;q=0", "application/json;q=x"])(
    "%s gives nothing",
    (accept) => {
      expect(() => negotiate(accept, offers)).toThrow("this path can give application/json, application/yaml");
    },
  );
});

describe("conditions", () => {
  const check = (headers: Record<string, string>, current: string[] | null): number | undefined =>
    checkConditions(readConditions({ headers } as unknown as Parameters<typeof readConditions>[0]), current)?.status;

  test.each([
    [{}, ['"a"'], undefined],
    [{}, null, undefined],
    [{ "if-match": '"a"' }, ['"a"'], undefined],
    [{ "if-match": '"b", "a"' }, ['"a"'], undefined],
    [{ "if-match": 'W/"a"' }, ['"a"'], 412],
    [{ "if-match": '"b"' }, ['"a"'], 412],
    [{ "if-match": ',,"b" ,\t, "a",' }, ['"a"'], undefined],
    [{ "if-match": '"b,",W/"a",' }, ['"a"'], 412],
    [{ "if-match": '"a,b"' }, ['"a,b"'], undefined],
    [{ "if-match": "*" }, ['"a"'], undefined],
    [{ "if-match": "*" }, null, 412],
    [{ "if-none-match": "*" }, null, undefined],
    [{ "if-none-match": "*" }, ['"a"'], 412],
    [{ "if-none-match": '"a"' }, ['"a"'], 412],
    [{ "if-none-match": 'W/"a"' }, ['"a"'], 412],
    [{ "if-none-match": '"b"' }, ['"a"'], undefined],
  ])("%j on %j: %s", (headers, current, status) => {
    expect(check(headers as Record<string, string>, current)).toBe(status);
  });

  test.each(["abc", '"a', 'w/"a"', '"a" "b"', '"a",b', "", " , ,", Array(65).fill('"a"').join(",")])(
    "%s is malformed",
    (value) => {
      expect(() => check({ "if-match": value }, null)).toThrow("If-Match must be * or at most 64 entity tags");
    },
  );
});

test("addresses", () => {
  expect(["127.0.0.1", "127.255.0.3", "::1", "localhost", "::ffff:127.0.0.1"].map(isLoopback)).toEqual([
    true,
    true,
    true,
    true,
    true,
  ]);
  expect(["0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "localhost.evil.example", "", "127.1"].map(isLoopback)).toEqual(
    Array(7).fill(false),
  );
  expect(splitAddress("[::1]:8400")).toEqual({ host: "::1", port: 8400 });
  expect(splitAddress("127.0.0.1")).toEqual({ host: "127.0.0.1", port: 0 });
  expect(["::1:80", "a:b", "1.2.3.4:65536", ":80", "a b:1"].map(splitAddress)).toEqual(Array(5).fill(null));
});
