/** Address ranges as ACLs take them: each of its own family only. */
import { disjointRanges } from "../../util/disjointRanges.ts";
import { toNumber } from "../../util/ipNumbers.ts";
import { finish } from "../../util/steps.ts";

/** Addresses of IPv4 as HAProxy looks for them among ranges of IPv6, when no range of IPv4 has them. */
const MAPPED = "::ffff:0:0/96";
/** Bits of an address of IPv6. */
const BITS = 128;

/** The range; one that has the IPv4-mapped addresses in it, such as `::/0`, as up to 96 ranges without them. */
export function ownFamily(cidr: string): readonly string[] {
  if (!holdsMapped(cidr)) return [cidr];
  const ranges = [
    { cidr, label: "own" },
    { cidr: MAPPED, label: "mapped" },
  ];
  const parts = finish(disjointRanges(ranges, { rest: null, limit: BITS })) ?? [];
  return parts.filter(({ label }) => label === "own").map(({ address, length }) => `${address}/${length}`);
}

function holdsMapped(cidr: string): boolean {
  const [address = "", length] = cidr.split("/");
  const [mapped = "", mappedLength] = MAPPED.split("/");
  if (!address.includes(":") || Number(length) >= Number(mappedLength)) return false;
  const free = BigInt(BITS - Number(length));
  return toNumber(address) >> free === toNumber(mapped) >> free;
}
