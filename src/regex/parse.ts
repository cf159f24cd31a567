/** The one reader of regular expressions. What it refuses, RE2 and PCRE2 would read differently. */
import { ANY_BYTE, type ByteSet, byteSet, CLASS_ESCAPES, rangeSet, type WrittenRegex } from "./tree.ts";

/** Deeper nesting has no use and would only cost stack. */
const MAX_DEPTH = 32;
/** No quantifier is longer than `{123456,123456}`. */
const MAX_QUANTIFIER = 20;

const ASSERTION_ESCAPES = "bB";
const QUANTIFIER = /^(?:[*+?]|\{(\d{1,6})(?:(,)(\d{0,6}))?\})/;

/** The expression is not of the common dialect; the message says where and why. */
export class NotOfDialectError extends Error {}

interface Reader {
  readonly text: string;
  at: number;
}

/** The expression as a tree. Throws NotOfDialectError. */
export function parseRegex(text: string): WrittenRegex {
  const odd = text.search(/[^ -~]/);
  if (odd >= 0) fail({ text, at: odd }, "write printable ASCII only");
  const reader = { text, at: 0 };
  const tree = alternation(reader, 0);
  if (reader.at < text.length) fail(reader, "a `)` closes no group");
  return tree;
}

function fail(reader: Reader, what: string): never {
  throw new NotOfDialectError(`at character ${reader.at + 1}: ${what}; RE2 and PCRE2 must read the expression alike`);
}

/** Up to `)` or the end. */
function alternation(reader: Reader, depth: number): WrittenRegex {
  if (depth > MAX_DEPTH) fail(reader, `groups are nested more than ${MAX_DEPTH} deep`);
  const branches = [sequence(reader, depth)];
  while (reader.text[reader.at] === "|") {
    reader.at++;
    branches.push(sequence(reader, depth));
  }
  return branches.length === 1 ? (branches[0] as WrittenRegex) : { kind: "choice", branches };
}

function sequence(reader: Reader, depth: number): WrittenRegex {
  const items: WrittenRegex[] = [];
  for (let next = reader.text[reader.at]; next !== undefined && !"|)".includes(next); next = reader.text[reader.at]) {
    items.push(quantified(reader, atom(reader, depth)));
  }
  return items.length === 1 ? (items[0] as WrittenRegex) : { kind: "sequence", items };
}

function atom(reader: Reader, depth: number): WrittenRegex {
  const start = reader.at;
  const char = reader.text[start] as string;
  if (char === "(") return group(reader, depth);
  if (char === "[") return setFrom(reader, start, characterClass(reader));
  if (char === "\\") {
    const escaped = escapeSequence(reader);
    if (ASSERTION_ESCAPES.includes(escaped)) return { kind: "assertion", text: `\\${escaped}` };
    return setFrom(reader, start, CLASS_ESCAPES.get(escaped) ?? byteSet(escaped));
  }
  if ("*+?{".includes(char)) fail(reader, `\`${char}\` repeats nothing (write \`\\${char}\` for the character)`);
  if ("]}".includes(char)) fail(reader, `write \`\\${char}\` for the character`);
  reader.at++;
  if ("^$".includes(char)) return { kind: "assertion", text: char };
  return setFrom(reader, start, char === "." ? ANY_BYTE : byteSet(char));
}

function setFrom(reader: Reader, start: number, set: ByteSet): WrittenRegex {
  return { kind: "set", set: set & ANY_BYTE, text: reader.text.slice(start, reader.at) };
}

function group(reader: Reader, depth: number): WrittenRegex {
  reader.at++;
  if (reader.text[reader.at] === "?") {
    if (!reader.text.startsWith("?:", reader.at))
      fail(reader, "only `(` and `(?:` open a group: no look-around, flags or names");
    reader.at += 2;
  } else if (reader.text[reader.at] === "*") fail(reader, "`(*` starts a PCRE verb");
  const body = alternation(reader, depth + 1);
  if (reader.text[reader.at] !== ")") fail(reader, "a group is not closed");
  reader.at++;
  return { kind: "group", body };
}

/** The character behind the `\`. */
function escapeSequence(reader: Reader): string {
  const char = reader.text[reader.at + 1];
  if (char === undefined) fail(reader, "a `\\` escapes nothing");
  if (/[A-Za-z0-9 ]/.test(char) && !CLASS_ESCAPES.has(char) && !ASSERTION_ESCAPES.includes(char)) {
    fail(reader, `\`\\${char}\` is not one of \\d \\w \\s \\b \\D \\W \\S \\B`);
  }
  reader.at += 2;
  return char;
}

function characterClass(reader: Reader): ByteSet {
  reader.at++;
  const isInverted = reader.text[reader.at] === "^";
  if (isInverted) reader.at++;
  const start = reader.at;
  let set = 0n;
  while (reader.text[reader.at] !== "]") set |= classPart(reader);
  if (reader.at === start) fail(reader, "a class is empty");
  reader.at++;
  return isInverted ? ~set : set;
}

/** A range or a single member. */
function classPart(reader: Reader): ByteSet {
  const low = classMember(reader);
  const afterDash = reader.text[reader.at] === "-" ? reader.text[reader.at + 1] : undefined;
  if (afterDash === undefined || afterDash === "]") return typeof low === "string" ? byteSet(low) : low;
  if (typeof low !== "string") fail(reader, "a range starts with a class such as \\d");
  reader.at++;
  const high = classMember(reader);
  if (typeof high !== "string" || high < low) fail(reader, "a range runs downwards or ends with a class");
  return rangeSet(low, high);
}

/** One character of a class, or the set of a class escape such as `\d`. */
function classMember(reader: Reader): string | ByteSet {
  const char = reader.text[reader.at];
  if (char === undefined) fail(reader, "a class is not closed");
  if (char === "[") fail(reader, "write `\\[` inside a class (no `[:name:]`)");
  if (char !== "\\") {
    reader.at++;
    return char;
  }
  if (ASSERTION_ESCAPES.includes(reader.text[reader.at + 1] ?? " "))
    fail(reader, "`\\b` has another meaning inside a class");
  const escaped = escapeSequence(reader);
  return CLASS_ESCAPES.get(escaped) ?? escaped;
}

function quantified(reader: Reader, body: WrittenRegex): WrittenRegex {
  const found = QUANTIFIER.exec(reader.text.slice(reader.at, reader.at + MAX_QUANTIFIER));
  if (found === null) {
    if (reader.text[reader.at] === "{") fail(reader, "`{` is neither a repeat {n}, {n,}, {n,m} nor escaped");
    return body;
  }
  if (body.kind === "assertion") fail(reader, "an anchor cannot be repeated");
  reader.at += found[0].length;
  if (reader.text[reader.at] === "?") reader.at++;
  else if (reader.text[reader.at] === "+") fail(reader, "possessive repeats exist in PCRE only");
  if ("*+?{".includes(reader.text[reader.at] ?? " ")) fail(reader, "a repeat is repeated; put it in a group");
  const { min, max } = bounds(found);
  if (max < min) fail(reader, "a repeat runs downwards");
  return { kind: "repeat", body, min, max };
}

function bounds([text, low, comma, high]: RegExpExecArray): { min: number; max: number } {
  if (low === undefined) return { min: text === "+" ? 1 : 0, max: text === "?" ? 1 : Number.POSITIVE_INFINITY };
  const min = Number(low);
  if (comma === undefined) return { min, max: min };
  return { min, max: high === "" ? Number.POSITIVE_INFINITY : Number(high) };
}
