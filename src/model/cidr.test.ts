import { expect, test } from "vitest";
import { canonicalCidr, isCidr, isWithin } from "./cidr.ts";

test.each([
  ["10.1.2.3/8", "10.0.0.0/8"],
  ["10.1.2.3", "10.1.2.3/32"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["10.1.255.3/20", "10.1.240.0/20"],
  ["2001:DB8:0:0:1::1/64", "2001:db8::/64"],
  ["2001:db8:ffff::/33", "2001:db8:8000::/33"],
  ["::1", "::1/128"],
  ["::/0", "::/0"],
  ["1:2:3:4:5:6:7:8/127", "1:2:3:4:5:6:7:8/127"],
])("%s is %s", (text, canonical) => {
  expect(isCidr(text)).toBe(true);
  expect(canonicalCidr(text)).toBe(canonical);
  expect(canonicalCidr(canonical)).toBe(canonical);
});

test.each([
  "",
  "10.0.0.0/33",
  "10.0.0/8",
  "10.0.0.0/08",
  "10.0.0.0/",
  "::1/129",
  "::ffff:1.2.3.4/96",
  "fe80::1%lo/64",
  "a/8",
  "1.2.3.4/8/8",
])("%s is none", (text) => expect(isCidr(text)).toBe(false));

test.each([
  ["10.9.9.9", true],
  ["11.0.0.0", false],
  ["192.0.2.1", true],
  ["192.0.2.2", false],
  ["2001:db8::9", true],
  ["2001:db9::", false],
  ["no address", false],
])("%s lies within: %s", (address, isInside) => {
  expect(isWithin(address, ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"])).toBe(isInside);
});

test.each([
  ["10.0.0.1", false],
  ["::1", true],
])("%s lies within all of IPv6: %s", (address, isInside) => expect(isWithin(address, ["::/0"])).toBe(isInside));
