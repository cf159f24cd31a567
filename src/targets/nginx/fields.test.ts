import { expect, it } from "vitest";
import type { ConditionIr } from "../../ir/index.ts";
import { describeCondition, readField, testOf } from "./fields.ts";
import { createNames } from "./names.ts";
import { header, method, rule } from "./testIr.ts";

const read = (condition: ConditionIr) =>
  readField(condition, rule("shop.r", "/"), { listener: "web", names: createNames() });
const tested = (condition: ConditionIr) => testOf(condition, read(condition));
const of = (field: ConditionIr["field"], test: ConditionIr["test"], value = ""): ConditionIr => ({
  field,
  test,
  value,
});
const query = { kind: "query", name: "a.b" } as const;
const cookie = { kind: "cookie", name: "C" } as const;

it.each<readonly [ConditionIr, string, string]>([
  [method("POST"), "$request_method = POST", "method = POST"],
  [header("x-a", "exact", "yes"), "$field_x_a = yes", "header x-a = yes"],
  [header("x-a", "exact", 'a "$b"'), '$field_x_a = "a \\"${dollar}b\\""', 'header x-a = a "$b"'],
  [header("x-a", "present"), '$field_x_a != ""', "header x-a present"],
  [header("x-a", "absent"), '$field_x_a = ""', "header x-a absent"],
  [header("x-a", "regex", "a+"), '$field_x_a ~ "^(?:a++)$"', "header x-a ~ a+"],
  [header("x-a", "regex", "a*"), '$field_x_a ~ "^(?!$)(?:a*+)$"', "header x-a ~ a*"],
  [of(query, "exact", "1"), "$query_web_a_b = =1", "query a.b = 1"],
  [of(query, "regex", "1*"), '$query_web_a_b ~ "^=(?!$)(?:1*+)$"', "query a.b ~ 1*"],
  [of(query, "present"), '$query_web_a_b != ""', "query a.b present"],
  [of(query, "absent"), '$query_web_a_b = ""', "query a.b absent"],
  [of(cookie, "exact", "1"), "$first_cookie_web__ = 1", "cookie C = 1"],
  [of({ kind: "source" }, "within", "10.0.0.0/8 ::1/128"), '$from_web_shop_r != ""', "source in 10.0.0.0/8 ::1/128"],
])("%j", (condition, test, description) => {
  expect([tested(condition).condition.text, tested(condition).texts]).toEqual([test, []]);
  expect(describeCondition(condition)).toBe(description);
});

it("takes parameters and cookies out of what nginx has, and ranges of addresses as they are", () => {
  expect(read(of(query, "present")).step?.block.text).toBe(
    '  map $args $query_web_a_b {\n    "~(?:^|&)a\\\\.b(?:=([^&]*)|(?=&|$))" =$1;\n    default "";\n  }\n',
  );
  expect(read(of(cookie, "present")).step?.block.text).toContain('"~(?:^|;)[ \\\\t]*C=([^;]*)" $1;');
  expect(read(of({ kind: "source" }, "within", "10.0.0.0/8 ::1/128")).step?.block.text).toBe(
    '  # shop/r\n  geo $from_web_shop_r {\n    default "";\n    10.0.0.0/8 1;\n    ::1/128 1;\n  }\n',
  );
});

it("puts a value together that is longer than a parameter", () => {
  const { texts, condition } = tested(header("x-a", "exact", "$".repeat(1024)));
  expect(condition.text).toBe("$field_x_a = $wanted");
  expect(texts.length).toBeGreaterThan(1);
  expect(texts.map(({ name }) => name.text)).toEqual(texts.map(() => "$wanted"));
});
