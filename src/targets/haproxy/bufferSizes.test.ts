import { expect, test } from "vitest";
import type { HeaderChangesIr, RewriteIr, RuleIr } from "../../ir/index.ts";
import { bufferSizes } from "./bufferSizes.ts";

const none = { rewrite: null, requestHeaders: null, timeouts: null, retry: null, responseHeaders: null };
const rule = (policies: Partial<RuleIr["policies"]>): RuleIr => ({
  id: "r.0.0",
  name: "r/0",
  route: "r",
  ruleName: null,
  pointer: "/rules/0",
  protocol: "http",
  path: { kind: "prefix", value: "/" },
  conditions: [],
  action: { kind: "forward", split: [{ cluster: "one", weight: 1 }] },
  policies: { ...none, ...policies },
});
const sets = (...sizes: number[]): HeaderChangesIr => ({
  set: sizes.map((size, index) => ({ name: `x-${index}`, value: "v".repeat(size) })),
  add: [],
  remove: [],
});
const longPath: RewriteIr = { path: { kind: "full", value: `/${"p".repeat(1023)}` }, hostname: null };

test.each<[string, RuleIr[], number]>([
  ["no rules", [], 4],
  ["rules that add little", [rule({}), rule({ requestHeaders: sets(100, 100), rewrite: longPath })], 4],
  ["a rule that adds much", [rule({}), rule({ responseHeaders: sets(1024, 1024, 1024) })], 12],
  ["a path and fields together", [rule({ requestHeaders: sets(1024, 1024), rewrite: longPath })], 12],
  ["requests and answers are not added up", [rule({ requestHeaders: sets(1500), responseHeaders: sets(1500) })], 4],
])("%s", (_, rules, room) => {
  expect(bufferSizes(rules)).toEqual({ bufferBytes: (60 + room) * 1024, rewriteBytes: room * 1024 });
});
