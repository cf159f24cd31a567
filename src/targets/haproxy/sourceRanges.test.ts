import { BlockList } from "node:net";
import { expect, test } from "vitest";
import { ownFamily } from "./sourceRanges.ts";

test.each(["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::/96", "::1/128", "::8000:0:0/97"])(
  "%s stays as it is",
  (cidr) => {
    expect(ownFamily(cidr)).toEqual([cidr]);
  },
);

test.each(["::/0", "::/1", "::/80", "::8000:0:0/81"])("%s has no address of IPv4 any more, and all others", (cidr) => {
  const parts = ownFamily(cidr);
  expect(parts).toHaveLength(96 - Number(cidr.split("/")[1]));
  const list = new BlockList();
  for (const part of parts) {
    const [address = "", length] = part.split("/");
    list.addSubnet(address, Number(length), "ipv6");
  }
  expect(
    ["::ffff:a00:1", "::ffff:ffff:ffff", "::fffe:0:1", "::ffef:0:1"].map((one) => list.check(one, "ipv6")),
  ).toEqual([false, false, true, true]);
});
