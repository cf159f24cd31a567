/** The place where a text is no JSON, for people: JSON.parse is faster, but names it only sometimes. */
import { type Steps, shouldYield } from "../../util/steps.ts";

/** What is wrong and where it begins. */
export interface Fault {
  /** In UTF-16 units from the start of the text. */
  readonly at: number;
  readonly what: string;
}

/** What may stand at a place, and how it is called when something else does. */
const expectations = {
  value: "a value is expected",
  itemOrEnd: "a value or `]` is expected",
  key: "a key in double quotes is expected",
  keyOrEnd: "a key in double quotes or `}` is expected",
  colon: "`:` is expected",
  next: "`,` or the end of the list or object is expected",
} as const;

type Expected = keyof typeof expectations;

const SPACE = /[ \t\r\n]*/y;
const SCALAR = /[^ \t\r\n,:[\]{}"]+/y;

/** The first fault of RFC 8259, or the first key that stands twice in its object; null: none. */
export function* findFault(text: string): Steps<Fault | null> {
  /** Around the place, from the outside in: keys of objects, null for lists. */
  const around: (Set<string> | null)[] = [];
  let expected: Expected = "value";
  const take = (token: string): Expected | string => {
    const level = around.at(-1);
    const wantsValue = expected === "value" || expected === "itemOrEnd";
    switch (token[0]) {
      case "{":
      case "[":
        if (!wantsValue) return expectations[expected];
        around.push(token === "{" ? new Set() : null);
        return token === "{" ? "keyOrEnd" : "itemOrEnd";
      case "}":
      case "]": {
        const ends = expected === "next" || expected === (token === "}" ? "keyOrEnd" : "itemOrEnd");
        if (!ends || level === undefined || (level === null) !== (token === "]")) return expectations[expected];
        around.pop();
        return "next";
      }
      case ",":
        if (expected !== "next" || level === undefined) return expectations[expected];
        return level === null ? "value" : "key";
      case ":":
        return expected === "colon" ? "value" : expectations[expected];
    }
    if (expected === "colon" || expected === "next") return expectations[expected];
    const value = scalarOf(token);
    if (value === undefined) return notScalar(token);
    if (wantsValue) return "next";
    if (typeof value !== "string" || !level) return expectations[expected];
    if (level.has(value)) return `the key ${JSON.stringify(value)} stands twice in one object`;
    level.add(value);
    return "colon";
  };
  let at = skip(SPACE, text, 0);
  for (let index = 0; at < text.length; index++) {
    if (shouldYield(index)) yield;
    if (expected === "next" && around.length === 0) return { at, what: "the document has ended before" };
    const end = tokenEnd(text, at);
    const taken = take(text.slice(at, end));
    if (!Object.hasOwn(expectations, taken)) return { at, what: taken };
    expected = taken as Expected;
    at = skip(SPACE, text, end);
  }
  if (expected === "next" && around.length === 0) return null;
  return { at: text.length, what: `the text ends, but ${expectations[expected]}` };
}

function skip(what: RegExp, text: string, from: number): number {
  what.lastIndex = from;
  return from + (what.exec(text)?.[0].length ?? 0);
}

/** Behind the string, punctuation, number or word that begins at `from`. */
function tokenEnd(text: string, from: number): number {
  if (text[from] !== '"') return Math.max(skip(SCALAR, text, from), from + 1);
  for (let quote = text.indexOf('"', from + 1); quote > 0; quote = text.indexOf('"', quote + 1)) {
    let start = quote;
    while (text[start - 1] === "\\") start--;
    if ((quote - start) % 2 === 0) return quote + 1;
  }
  return text.length;
}

function scalarOf(token: string): unknown {
  try {
    return JSON.parse(token);
  } catch {
    return undefined;
  }
}

/** Enough of a word to recognise it. */
const PREVIEW_CHARACTERS = 30;

function notScalar(token: string): string {
  if (!token.startsWith('"')) return `${JSON.stringify(token.slice(0, PREVIEW_CHARACTERS))} is no JSON value`;
  const ends = token.length > 1 && token.endsWith('"');
  return ends ? "a string with a control character or an unknown escape" : "a string does not end";
}

/** Line and column, from 1, of an offset. */
export function* placeOf(text: string, at: number): Steps<{ readonly line: number; readonly column: number }> {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf("\n"); end >= 0 && end < at; end = text.indexOf("\n", start)) {
    line++;
    start = end + 1;
    if (shouldYield(line)) yield;
  }
  return { line, column: at - start + 1 };
}
