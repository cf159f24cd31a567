import { BlockList, SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalAddress, isAddress } from "./addresses.ts";

describe("isAddress", () => {
  test.each(["0.0.0.0", "127.0.0.1", "::", "::1", "2001:DB8::a", "::127.0.0.1", "64:ff9b::1.2.3.4", "::ffff:1"])(
    "takes %s",
    (text) => expect(isAddress(text)).toBe(true),
  );
  test.each([
    ...["", "1.2.3", "1.2.3.04", "1.2.3.4:80", "[::1]", "localhost", "1::2::3", "fe80::1%lo", "::1%"],
    ...["::ffff:127.0.0.1", "::FFFF:7f00:1", "0:0:0:0:0:ffff:1.2.3.4", "::ffff:0:0", "0::ffff:0.0.0.0"],
  ])("refuses %j", (text) => expect(isAddress(text)).toBe(false));
});

describe("canonicalAddress", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["0::0", "::"],
    ["2001:0DB8::A", "2001:db8::a"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
  ])("%s is %s", (text, canonical) => expect(canonicalAddress(text)).toBe(canonical));

  const words = fc.array(fc.constantFrom(0, 0, 0, 1, 0xab, 0x0db8, 0xffff), { minLength: 8, maxLength: 8 });
  /** One group as people write it. */
  const written = (word: number, how: number): string => {
    const hex = how % 2 === 0 ? word.toString(16) : word.toString(16).padStart(4, "0");
    return how < 2 ? hex : hex.toUpperCase();
  };

  test("one address has one spelling, which names the same address", () => {
    fc.assert(
      fc.property(words, fc.array(fc.nat(3), { minLength: 8, maxLength: 8 }), (groups, how) => {
        const plain = groups.map((word) => word.toString(16)).join(":");
        const other = groups.map((word, index) => written(word, how[index] as number)).join(":");
        const canonical = canonicalAddress(other);
        expect(canonical).toBe(canonicalAddress(plain));
        expect(canonicalAddress(canonical)).toBe(canonical);
        const same = new BlockList();
        same.addAddress(new SocketAddress({ address: plain, family: "ipv6" }));
        expect(same.check(canonical, "ipv6")).toBe(true);
      }),
    );
  });
});
