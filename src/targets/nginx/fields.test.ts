import { expect, it } from "vitest";
import type { ConditionIr } from "../../ir/index.ts";
import { describeCondition, testOf } from "./fields.ts";
import { header, method } from "./testIr.ts";

it.each<readonly [ConditionIr, string, string]>([
  [method("POST"), "$request_method = POST", "method = POST"],
  [header("x-a", "exact", "yes"), "$http_x_a = yes", "header x-a = yes"],
  [header("x-a", "exact", 'a "$b"'), '$http_x_a = "a \\"${dollar}b\\""', 'header x-a = a "$b"'],
  [header("x-a", "present"), '$http_x_a != ""', "header x-a present"],
  [header("x-a", "absent"), '$http_x_a = ""', "header x-a absent"],
  [header("x-a", "regex", "a+"), '$http_x_a ~ "^(?:a++)$"', "header x-a ~ a+"],
  [header("x-a", "regex", "a*"), '$http_x_a ~ "(?!$)^(?:a*+)$"', "header x-a ~ a*"],
])("%j", (condition, test, told) => {
  expect([testOf(condition).condition.text, testOf(condition).texts]).toEqual([test, []]);
  expect(describeCondition(condition)).toBe(told);
});

it("puts a value together that is longer than a parameter", () => {
  const { texts, condition } = testOf(header("x-a", "exact", "$".repeat(1024)));
  expect(condition.text).toBe("$http_x_a = $wanted");
  expect(texts.length).toBeGreaterThan(1);
  expect(texts.map(({ name }) => name.text)).toEqual(texts.map(() => "$wanted"));
});
