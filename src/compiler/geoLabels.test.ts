import { expect, test } from "vitest";
import { labelsOf } from "./geoLabels.ts";

const entries = [
  { cidr: "10.0.0.0/8", label: "ten" },
  { cidr: "10.1.0.0/16", label: "inner" },
  { cidr: "10.1.2.3/32", label: "one" },
  { cidr: "2001:db8::/32", label: "six" },
  { cidr: "2001:db8::/128", label: "first" },
];
const tables = [
  { name: "with", entries, defaultLabel: "rest" },
  { name: "without", entries, defaultLabel: null },
];

test.each([
  ["10.1.2.3", "one"],
  ["10.1.2.4", "inner"],
  ["10.2.0.0", "ten"],
  ["11.0.0.0", undefined],
  ["2001:DB8:0::", "first"],
  ["2001:db8::1", "six"],
  ["2001:db9::", undefined],
  // As the proxies take them.
  ["::ffff:10.1.2.3", "one"],
  ["fe80::1%eth0", undefined],
])("%s", (address, label) => {
  expect([labelsOf(tables, address)("with"), labelsOf(tables, address)("without")]).toEqual([
    label ?? "rest",
    label ?? "",
  ]);
});

test("what is no address, or is not known, has no label", () => {
  expect([labelsOf(tables, "nobody")("with"), labelsOf(tables, undefined)("with")]).toEqual(["", ""]);
  expect(labelsOf(tables, "10.0.0.1")("other")).toBe("");
});
