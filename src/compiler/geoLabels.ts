/** What a geo table says of an address: the reference meaning, as `explain` gives it. */
import { isIP } from "node:net";
import type { GeoTableIr } from "../ir/index.ts";
import { canonicalAddress, canonicalCidr } from "../model/index.ts";
import { ipv4, toNumber } from "../util/ipNumbers.ts";

/** A table to look ranges up in. */
interface Ranges {
  readonly labels: ReadonlyMap<string, string>;
  /** Lengths of the table's ranges, the narrowest first: those of IPv6 are told apart by the range itself. */
  readonly lengths: readonly number[];
}

/** Labels of an address by table, each looked for once; undefined: the address is not known, and has none. */
export function labelsOf(tables: readonly GeoTableIr[], address: string | undefined): (table: string) => string {
  const found = new Map<string, string>();
  return (name) => {
    const table = tables.find((other) => other.name === name);
    if (address === undefined || isIP(address) === 0 || table === undefined) return "";
    const label = found.get(name) ?? labelIn(table, plainAddress(address));
    found.set(name, label);
    return label;
  };
}

const IPV4_MAPPED = /^::ffff:[0-9a-f]+:[0-9a-f]+$/;

/** Without a zone; an IPv4-mapped one is that of IPv4, as proxies take it. */
function plainAddress(address: string): string {
  const canonical = canonicalAddress(address.replace(/%.*$/, ""));
  return IPV4_MAPPED.test(canonical) ? ipv4(toNumber(canonical) & 0xffff_ffffn) : canonical;
}

function labelIn(table: GeoTableIr, address: string): string {
  const { labels, lengths } = rangesOf(table);
  const bits = address.includes(":") ? 128 : 32;
  for (const length of lengths) {
    const label = length <= bits ? labels.get(canonicalCidr(`${address}/${length}`)) : undefined;
    if (label !== undefined) return label;
  }
  return table.defaultLabel ?? "";
}

function rangesOf({ entries }: GeoTableIr): Ranges {
  const labels = new Map(entries.map(({ cidr, label }) => [cidr, label]));
  const lengths = [...new Set(entries.map(({ cidr }) => Number(cidr.slice(cidr.indexOf("/") + 1))))];
  return { labels, lengths: lengths.sort((a, b) => b - a) };
}
