import { BlockList } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type DisjointRange, disjointRanges, type LabelledRange } from "./disjointRanges.ts";
import { ipv4, ipv6, toNumber } from "./ipNumbers.ts";
import { finish } from "./steps.ts";

const NO_LIMIT = Number.POSITIVE_INFINITY;

/** Ranges that lie in each other often: few bits are drawn. */
function arbitraryRange(bits: 32 | 128): fc.Arbitrary<string> {
  const text = bits === 32 ? ipv4 : ipv6;
  return fc.tuple(fc.nat({ max: 2 ** 6 - 1 }), fc.nat({ max: 12 })).map(([high, length]) => {
    const start = ((BigInt(high) << BigInt(bits - 6)) >> BigInt(bits - length)) << BigInt(bits - length);
    return `${text(start)}/${length}`;
  });
}

const arbitraryRanges = fc
  .uniqueArray(fc.oneof(arbitraryRange(32), arbitraryRange(128)), { maxLength: 12 })
  .chain((cidrs) =>
    fc.tuple(...cidrs.map((cidr) => fc.constantFrom("a", "b", "c").map((label) => ({ cidr, label })))),
  ) as fc.Arbitrary<LabelledRange[]>;

function holds(range: { readonly address: string; readonly length: number }, address: string): boolean {
  const family = range.address.includes(":") ? "ipv6" : "ipv4";
  if (address.includes(":") !== range.address.includes(":")) return false;
  const list = new BlockList();
  list.addSubnet(range.address, range.length, family);
  return list.check(address, family);
}

/** The label of the narrowest range. */
function labelIn(ranges: readonly LabelledRange[], rest: string | null, address: string): string | null {
  const own = ranges
    .map(({ cidr, label }) => ({ address: cidr.split("/")[0] as string, length: Number(cidr.split("/")[1]), label }))
    .filter((range) => holds(range, address));
  return own.sort((a, b) => b.length - a.length)[0]?.label ?? rest;
}

test("each address has one range at most, with the label of the narrowest that held it", () => {
  const rest = fc.constantFrom("rest", null);
  const high = fc.array(fc.tuple(fc.nat({ max: 2 ** 12 - 1 }), fc.boolean()), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(arbitraryRanges, rest, high, (ranges, label, addresses) => {
      const disjoint = finish(disjointRanges(ranges, { rest: label, limit: NO_LIMIT })) as readonly DisjointRange[];
      for (const [bits, isOld] of addresses) {
        const address = isOld ? ipv4(BigInt(bits) << 20n) : ipv6(BigInt(bits) << 116n);
        const found = disjoint.filter((range) => holds(range, address)).map((range) => range.label);
        expect(found).toEqual([labelIn(ranges, label, address) ?? []].flat());
      }
    }),
  );
});

test("more than the limit are not made", () => {
  const inner = [{ cidr: "10.0.0.1/32", label: "one" }];
  expect(finish(disjointRanges(inner, { rest: null, limit: 1 }))).toEqual([
    { address: "10.0.0.1", length: 32, label: "one" },
  ]);
  // 32 of IPv4 around it, and all of IPv6.
  expect(finish(disjointRanges(inner, { rest: "rest", limit: 34 }))).toHaveLength(34);
  expect(finish(disjointRanges(inner, { rest: "rest", limit: 33 }))).toBeNull();
});

test.each(["0.0.0.0", "10.1.255.3", "255.255.255.255"])("%s as a number and back", (address) => {
  expect(ipv4(toNumber(address))).toBe(address);
});

test.each([
  ["::", "0:0:0:0:0:0:0:0"],
  ["2001:db8::1", "2001:db8:0:0:0:0:0:1"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["ff00::", "ff00:0:0:0:0:0:0:0"],
])("%s as a number and back", (address, all) => {
  expect(ipv6(toNumber(address))).toBe(all);
});
