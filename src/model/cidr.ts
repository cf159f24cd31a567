/** Address ranges in CIDR notation: which ones the model takes, and the one spelling by which they are compared and rendered. */
import { BlockList, isIP } from "node:net";
import { ipv4, ipv6, toNumber } from "../util/ipNumbers.ts";
import { canonicalAddress, isAddress } from "./addresses.ts";

const BITS = { 4: 32, 6: 128 } as const;

/** `address` alone is a range of one. */
function parts(text: string): { readonly address: string; readonly length: number } | null {
  const [address = "", length, ...rest] = text.split("/");
  if (rest.length > 0 || !isAddress(address)) return null;
  const bits = BITS[isIP(address) as 4 | 6];
  if (length === undefined) return { address, length: bits };
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > bits) return null;
  return { address, length: Number(length) };
}

/** Whether it is an address or `address/length`. */
export function isCidr(text: string): boolean {
  return parts(text) !== null;
}

/** `address/length` with the bits behind the length cleared, the address as RFC 5952 spells it. */
export function canonicalCidr(text: string): string {
  const range = parts(text);
  if (range === null) throw new Error(`${JSON.stringify(text)} passed validation but is no range`);
  const { address, length } = range;
  const version = isIP(address) as 4 | 6;
  const free = BigInt(BITS[version] - length);
  const kept = (toNumber(canonicalAddress(address)) >> free) << free;
  return `${version === 4 ? ipv4(kept) : canonicalAddress(ipv6(kept))}/${length}`;
}

/** Whether the address lies in one of the canonical ranges. */
export function isWithin(address: string, ranges: readonly string[]): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const list = new BlockList();
  for (const range of ranges) {
    const [start = "", length] = range.split("/");
    const isIpv4 = isIP(start) === 4;
    // The list would take each address of IPv4 for an IPv4-mapped one, which `::/0` holds.
    if (version === 4 && !isIpv4) continue;
    list.addSubnet(start, Number(length), isIpv4 ? "ipv4" : "ipv6");
  }
  return list.check(address, version === 4 ? "ipv4" : "ipv6");
}
