/** Address ranges of which the narrowest counts, as ranges that do not overlap. */
import { ipv4, ipv6, toNumber } from "./ipNumbers.ts";
import { type Steps, shouldYield } from "./steps.ts";

/** A range in canonical CIDR notation, and what it is called. */
export interface LabelledRange {
  readonly cidr: string;
  readonly label: string;
}

/** One that overlaps no other. */
export interface DisjointRange {
  readonly address: string;
  readonly length: number;
  readonly label: string;
}

/** A range as numbers. */
interface Span {
  readonly start: bigint;
  readonly length: number;
  readonly label: string;
}

/** A part of the address space that is looked at: its span, and the ranges inside of it. */
interface Part {
  readonly start: bigint;
  readonly length: number;
  readonly from: number;
  readonly to: number;
  /** Of what is around it; null: it has none. */
  readonly label: string | null;
}

/**
 * The same labels for the same addresses; neighbours of one label stay apart. `rest` is the label of what no range has; null: none.
 * Distinct ranges, in any order; IPv4 first, ascending. It gives null as soon as there are more than `limit`.
 */
export function* disjointRanges(
  ranges: readonly LabelledRange[],
  { rest, limit }: { readonly rest: string | null; readonly limit: number },
): Steps<readonly DisjointRange[] | null> {
  const found: DisjointRange[] = [];
  for (const [bits, text] of [
    [32, ipv4],
    [128, ipv6],
  ] as const) {
    const spans = yield* spansOf(ranges, bits);
    // Parts that are still to be looked at, the next one last.
    const open: Part[] = [{ start: 0n, length: 0, from: 0, to: spans.length, label: rest }];
    let looks = 0;
    for (let part = open.pop(); part !== undefined; part = open.pop()) {
      if (shouldYield(looks++)) yield;
      const own = spans[part.from];
      const isNamed = part.from < part.to && own?.length === part.length;
      const [from, label] = isNamed ? [part.from + 1, own.label] : [part.from, part.label];
      if (from < part.to) {
        open.push(...halves({ ...part, from, label }, spans, bits).reverse());
      } else if (label !== null) {
        if (found.length === limit) return null;
        found.push({ address: text(part.start), length: part.length, label });
      }
    }
  }
  return found;
}

/** Ascending; of two that begin at the same place the wider first. */
function* spansOf(ranges: readonly LabelledRange[], bits: 32 | 128): Steps<readonly Span[]> {
  const spans: Span[] = [];
  for (const [index, { cidr, label }] of ranges.entries()) {
    if (shouldYield(index)) yield;
    const [address = "", length] = cidr.split("/");
    if (address.includes(":") === (bits === 128))
      spans.push({ start: toNumber(address), length: Number(length), label });
  }
  return spans.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : a.length - b.length));
}

function halves({ start, length, from, to, label }: Part, spans: readonly Span[], bits: number): [Part, Part] {
  const middle = start + (1n << BigInt(bits - length - 1));
  const cut = firstFrom(spans, middle, [from, to]);
  return [
    { start, length: length + 1, from, to: cut, label },
    { start: middle, length: length + 1, from: cut, to, label },
  ];
}

/** The first of the spans from one place to another that begins at `start` or behind it. */
function firstFrom(spans: readonly Span[], start: bigint, [from, to]: readonly [number, number]): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle] as Span).start < start) low = middle + 1;
    else high = middle;
  }
  return low;
}
