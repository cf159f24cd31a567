import { BlockList, isIPv4 } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cidrRegex } from "./cidrRegex.ts";

const ipv4 = fc.ipV4();
/** Few bits set, so that zeros run together and meet the ranges. */
const ipv6 = fc
  .array(fc.constantFrom("0", "0", "0", "1", "f", "db8", "2001", "ffff", "8000", "10"), { minLength: 8, maxLength: 8 })
  .map((groups) => canonical(groups.join(":")));

function canonical(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

function isIn(address: string, range: string): boolean {
  const [start = "", length] = range.split("/");
  const family = isIPv4(start) ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(start, Number(length), family);
  return list.check(address, family);
}

/** The range around an address, its other bits cleared. */
function rangeOf(address: string, length: number): string {
  if (isIPv4(address)) {
    const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    const kept = Math.floor(value / 2 ** (32 - length)) * 2 ** (32 - length);
    return `${[24, 16, 8, 0].map((shift) => Math.floor(kept / 2 ** shift) % 256).join(".")}/${length}`;
  }
  const bits = expanded(address)
    .map((group) => group.toString(2).padStart(16, "0"))
    .join("");
  const kept = bits.slice(0, length).padEnd(128, "0");
  const groups = Array.from({ length: 8 }, (_, index) => Number.parseInt(kept.slice(16 * index, 16 * index + 16), 2));
  return `${canonical(groups.map((group) => group.toString(16)).join(":"))}/${length}`;
}

function expanded(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const side = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const [left, right] = [side(head), side(tail ?? "")];
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function expectAgrees(range: string, address: string): void {
  expect([range, address, new RegExp(`^(?:${cidrRegex(range)})$`).test(address)]).toEqual([
    range,
    address,
    isIn(address, range),
  ]);
}

test("IPv4: an address matches exactly when it lies in the range", () => {
  fc.assert(
    fc.property(fc.tuple(ipv4, ipv4), fc.nat(32), fc.nat(32), ([base, other], length, shared) => {
      const range = rangeOf(base, length);
      expectAgrees(range, base);
      expectAgrees(range, other);
      // An address that shares its beginning with the range.
      expectAgrees(range, rangeOf(base, shared).split("/")[0] as string);
    }),
    { numRuns: 2000 },
  );
});

test("IPv6: the same, whatever `::` stands for", () => {
  fc.assert(
    fc.property(fc.tuple(ipv6, ipv6), fc.nat(128), fc.nat(128), ([base, other], length, shared) => {
      const range = rangeOf(base, length);
      expectAgrees(range, base);
      expectAgrees(range, other);
      expectAgrees(range, rangeOf(base, shared).split("/")[0] as string);
    }),
    { numRuns: 3000 },
  );
});

test.each([
  ["10.0.0.0/8", "10\\.[0-9]+\\.[0-9]+\\.[0-9]+"],
  ["192.0.2.1/32", "192\\.0\\.2\\.1"],
  ["127.0.16.0/20", "127\\.0\\.(?:1[6-9]|2[0-9]|3[0-1])\\.[0-9]+"],
])("%s reads well", (range, regex) => expect(cidrRegex(range)).toBe(regex));
