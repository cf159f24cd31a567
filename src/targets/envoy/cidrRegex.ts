/**
 * Address ranges as regular expressions over the text of an address: Envoy's routes look at fields, not at addresses. The text
 * is what Envoy prints: IPv4 as four numbers, IPv6 as RFC 5952 spells it, where a prefix can end in, before or behind `::`.
 */
import { isIPv4 } from "node:net";

const GROUP = "[0-9a-f]{1,4}";

/** Full match of the texts of the addresses in the range, which is `address/length` in canonical spelling. */
export function cidrRegex(range: string): string {
  const [address = "", length = ""] = range.split("/");
  if (isIPv4(address)) return ipv4Regex(address, Number(length));
  return length === "128" ? address : ipv6Regex(groupsOf(address), Number(length));
}

function ipv4Regex(address: string, length: number): string {
  const parts = address.split(".").map((text, index) => {
    const fixed = Math.min(8, Math.max(0, length - 8 * index));
    const [low, high] = [Number(text), Number(text) + 2 ** (8 - fixed) - 1];
    return high - low === 255 ? "[0-9]+" : numbersRegex(low, high);
  });
  return parts.join("\\.");
}

/** The numbers of an octet from `low` to `high`: they differ in few digits, but to list them all is plain and short enough. */
function numbersRegex(low: number, high: number): string {
  const byTens = new Map<string, string[]>();
  for (let value = low; value <= high; value++) {
    const text = String(value);
    const tens = text.slice(0, -1);
    byTens.set(tens, [...(byTens.get(tens) ?? []), text.slice(-1)]);
  }
  const options = [...byTens].map(([tens, units]) => tens + digitClass(units));
  return options.length === 1 ? (options[0] as string) : `(?:${options.join("|")})`;
}

function digitClass(digits: readonly string[]): string {
  if (digits.length === 1) return digits[0] as string;
  return `[${digits[0]}-${digits.at(-1)}]`;
}

/** The eight groups as numbers. */
function groupsOf(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const side = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const [left, right] = [side(head), side(tail ?? "")];
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/**
 * What is fixed, and then anything; and one alternative for each place where `::` can begin within what is fixed: what it stands
 * for is zero, so all that the range fixes there must be able to be zero.
 */
function ipv6Regex(groups: readonly number[], length: number): string {
  if (length === 0) return ".*:.*";
  const fixed = Math.ceil(length / 16);
  const texts = groups.slice(0, fixed).map((group, index) => groupRegex(group, Math.min(16, length - 16 * index)));
  const options = [texts.join(":") + (fixed === 8 ? "" : ":.*")];
  for (let begin = 0; begin < fixed; begin++) {
    const head = `${texts.slice(0, begin).join(":")}::`;
    for (let end = begin + 2; end <= 8; end++) {
      if (groups.slice(begin, Math.min(end, fixed)).some((group) => group !== 0)) break;
      if (end >= fixed) {
        options.push(head + upTo(8 - end));
        break;
      }
      options.push(head + [...texts.slice(end), ...Array<string>(8 - fixed).fill(GROUP)].join(":"));
    }
  }
  return options.length === 1 ? (options[0] as string) : `(?:${options.join("|")})`;
}

/** At most so many groups. */
function upTo(count: number): string {
  return count === 0 ? "" : `(?:${GROUP}(?::${GROUP}){0,${count - 1}})?`;
}

/** A group whose first `bits` bits are those of `group`. */
function groupRegex(group: number, bits: number): string {
  if (bits === 16) return group.toString(16);
  const high = group + 2 ** (16 - bits) - 1;
  return hexRange(group, high);
}

/** Hexadecimal numbers without leading zeros from `low` to `high`, which is an aligned block of a power of two. */
function hexRange(low: number, high: number): string {
  const options: string[] = [];
  for (let digits = 1; digits <= 4; digits++) {
    const [first, last] = [Math.max(low, digits === 1 ? 0 : 16 ** (digits - 1)), Math.min(high, 16 ** digits - 1)];
    if (first <= last) options.push(...hexOfLength(first, last, digits));
  }
  return options.length === 1 ? (options[0] as string) : `(?:${options.join("|")})`;
}

/** Numbers of equal length: by leading digit where the block spans several, else one digit further in. */
function hexOfLength(first: number, last: number, digits: number): string[] {
  if (digits === 0) return [""];
  const unit = 16 ** (digits - 1);
  const [from, to] = [Math.floor(first / unit), Math.floor(last / unit)];
  if (first === from * unit && last === (to + 1) * unit - 1) return [hexClass(from, to) + anyHex(digits - 1)];
  if (from === to)
    return hexOfLength(first - from * unit, last - from * unit, digits - 1).map((rest) => from.toString(16) + rest);
  const inner = from + 1 <= to - 1 ? [hexClass(from + 1, to - 1) + anyHex(digits - 1)] : [];
  return [
    ...hexOfLength(first - from * unit, unit - 1, digits - 1).map((rest) => from.toString(16) + rest),
    ...inner,
    ...hexOfLength(0, last - to * unit, digits - 1).map((rest) => to.toString(16) + rest),
  ];
}

function hexClass(from: number, to: number): string {
  const text = "0123456789abcdef".slice(from, to + 1);
  if (text.length === 1) return text;
  return text.length === 16 ? "[0-9a-f]" : `[${text}]`;
}

function anyHex(count: number): string {
  return "[0-9a-f]".repeat(count);
}
