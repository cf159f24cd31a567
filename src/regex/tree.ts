/** Regular expressions of the common dialect (`src/regex/dialect.ts` says which those are) as trees over bytes. */

/** A set of bytes: bit n for byte n. */
export type ByteSet = bigint;

/** One node. `text` is the source of a set or an assertion. Groups are gone: a sequence or choice stands for each. */
export type RegexNode =
  | { readonly kind: "set"; readonly set: ByteSet; readonly text: string }
  | { readonly kind: "assertion"; readonly text: string }
  | { readonly kind: "sequence"; readonly items: readonly RegexNode[] }
  | { readonly kind: "choice"; readonly branches: readonly RegexNode[] }
  | { readonly kind: "repeat"; readonly body: RegexNode; readonly min: number; readonly max: number };

const QUANTIFIER = /([*+?]|\{(\d+)(,?)(\d*)\})\??/y;

/** No path and no field value holds these: what sets say of them does not count. */
const NEVER_THERE = (1n << 0x00n) | (1n << 0x0an) | (1n << 0x0dn);
/** Every byte that a path or a field value can hold. */
export const ANY_BYTE: ByteSet = ((1n << 256n) - 1n) & ~NEVER_THERE;

const BYTES: readonly ByteSet[] = Array.from({ length: 128 }, (_, code) => 1n << BigInt(code));

/** What `\d` stands for. */
export const DIGIT: ByteSet = range(0x30, 0x39);
/** What `\w` stands for. */
export const WORD: ByteSet = DIGIT | range(0x41, 0x5a) | range(0x61, 0x7a) | range(0x5f, 0x5f);
const SPACE = range(0x09, 0x0d) | range(0x20, 0x20);
const CLASS_ESCAPES: Readonly<Record<string, ByteSet>> = {
  d: DIGIT,
  D: ~DIGIT,
  w: WORD,
  W: ~WORD,
  s: SPACE,
  S: ~SPACE,
};

/** The expression is not of the common dialect. */
export class NotOfDialectError extends Error {}

interface Reader {
  readonly text: string;
  at: number;
}

/** The tree of a valid expression. Throws NotOfDialectError: the gate has refused such a one. */
export function parseRegex(text: string): RegexNode {
  const reader = { text, at: 0 };
  const tree = choice(reader);
  if (reader.at < text.length) throw new NotOfDialectError(text);
  return tree;
}

function choice(reader: Reader): RegexNode {
  const branches: RegexNode[] = [];
  do {
    if (reader.text[reader.at] === "|") reader.at++;
    branches.push(sequence(reader));
  } while (reader.text[reader.at] === "|");
  return branches.length === 1 ? (branches[0] as RegexNode) : { kind: "choice", branches };
}

function sequence(reader: Reader): RegexNode {
  const items: RegexNode[] = [];
  for (let next = reader.text[reader.at]; next !== undefined && !"|)".includes(next); next = reader.text[reader.at]) {
    const node = quantified(reader, atom(reader));
    if (node.kind === "sequence") items.push(...node.items);
    else items.push(node);
  }
  return items.length === 1 ? (items[0] as RegexNode) : { kind: "sequence", items };
}

/** Lazy or greedy is one: only whether the whole text matches is asked. */
function quantified(reader: Reader, body: RegexNode): RegexNode {
  QUANTIFIER.lastIndex = reader.at;
  const found = QUANTIFIER.exec(reader.text);
  if (found === null) return body;
  reader.at += found[0].length;
  if (found[1] === "*") return { kind: "repeat", body, min: 0, max: Number.POSITIVE_INFINITY };
  if (found[1] === "+") return { kind: "repeat", body, min: 1, max: Number.POSITIVE_INFINITY };
  if (found[1] === "?") return { kind: "repeat", body, min: 0, max: 1 };
  const min = Number(found[2]);
  const max = found[3] === "" ? min : found[4] === "" ? Number.POSITIVE_INFINITY : Number(found[4]);
  return { kind: "repeat", body, min, max };
}

function atom(reader: Reader): RegexNode {
  const start = reader.at;
  const char = reader.text[reader.at] as string;
  if ("*+?{".includes(char)) throw new NotOfDialectError(reader.text);
  if (char === "(") {
    reader.at += reader.text.startsWith("(?:", start) ? 3 : 1;
    const body = choice(reader);
    if (reader.text[reader.at] !== ")") throw new NotOfDialectError(reader.text);
    reader.at++;
    return body;
  }
  let set: ByteSet;
  if (char === "[") set = characterClass(reader);
  else if (char === "\\") {
    const escaped = reader.text[start + 1] as string;
    reader.at += 2;
    if (escaped === "b" || escaped === "B") return { kind: "assertion", text: `\\${escaped}` };
    set = CLASS_ESCAPES[escaped] ?? byte(escaped);
  } else {
    reader.at++;
    if (char === "^" || char === "$") return { kind: "assertion", text: char };
    set = char === "." ? ANY_BYTE : byte(char);
  }
  return { kind: "set", set: set & ANY_BYTE, text: reader.text.slice(start, reader.at) };
}

function characterClass(reader: Reader): ByteSet {
  reader.at++;
  const inverted = reader.text[reader.at] === "^";
  if (inverted) reader.at++;
  let set = 0n;
  while (reader.text[reader.at] !== "]") {
    const low = classMember(reader);
    const isRange = reader.text[reader.at] === "-" && reader.text[reader.at + 1] !== "]";
    if (typeof low !== "string" || !isRange) {
      set |= typeof low === "string" ? byte(low) : low;
      continue;
    }
    reader.at++;
    const high = classMember(reader);
    if (typeof high !== "string") throw new NotOfDialectError(reader.text);
    set |= range(low.charCodeAt(0), high.charCodeAt(0));
  }
  reader.at++;
  return inverted ? ~set : set;
}

/** A character, or the set of a class escape. */
function classMember(reader: Reader): string | ByteSet {
  const char = reader.text[reader.at];
  if (char === undefined) throw new NotOfDialectError(reader.text);
  const escaped = reader.text[reader.at + 1];
  reader.at += char === "\\" ? 2 : 1;
  if (char !== "\\" || escaped === undefined) return char;
  return CLASS_ESCAPES[escaped] ?? escaped;
}

function byte(char: string): ByteSet {
  return BYTES[char.charCodeAt(0)] as ByteSet;
}

function range(low: number, high: number): ByteSet {
  return ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
}
