/**
 * The regular expressions that RE2 (Envoy) and PCRE2 (nginx, HAProxy) read alike: literals, classes, `.`, `* + ? {n,m}` (also
 * lazy), alternation, groups `( )` and `(?: )`, `^ $`, `\d \w \s \b` and their opposites, escaped punctuation.
 */

/** RE2 refuses a repeat above 1000, counting nested ones multiplied. */
const MAX_REPEAT = 1000;
/** Deeper nesting has no use and would only cost stack. */
const MAX_DEPTH = 32;

const CLASS_ESCAPES = new Set("dDwWsS");
const ASSERTION_ESCAPES = new Set("bB");
const QUANTIFIER = /^(?:[*+?]|\{(\d{1,6})(?:(,)(\d{0,6}))?\})/;

interface Parser {
  readonly text: string;
  at: number;
}

class DialectError extends Error {}

/** Why the expression cannot be used, as one sentence, or null. */
export function regexProblem(text: string): string | null {
  const parser: Parser = { text, at: 0 };
  try {
    const repeat = alternation(parser, 0);
    if (parser.at < text.length) fail(parser, "a `)` closes no group");
    if (repeat > MAX_REPEAT) return `repeats add up to ${repeat}; RE2 takes at most ${MAX_REPEAT}`;
    return null;
  } catch (error) {
    if (error instanceof DialectError) return error.message;
    throw error;
  }
}

function fail(parser: Parser, what: string): never {
  throw new DialectError(`at character ${parser.at + 1}: ${what}; RE2 and PCRE2 must read the expression alike`);
}

/** Parses up to `)` or the end; gives the largest product of nested repeats. */
function alternation(parser: Parser, depth: number): number {
  if (depth > MAX_DEPTH) fail(parser, `groups are nested more than ${MAX_DEPTH} deep`);
  let largest = 1;
  while (parser.at < parser.text.length && parser.text[parser.at] !== ")") {
    if (parser.text[parser.at] === "|") {
      parser.at++;
      continue;
    }
    const { repeat, quantifiable } = atom(parser, depth);
    largest = Math.max(largest, repeat * quantifier(parser, quantifiable));
  }
  return largest;
}

interface Atom {
  repeat: number;
  quantifiable: boolean;
}

function atom(parser: Parser, depth: number): Atom {
  const char = parser.text[parser.at] as string;
  if (char === "(") return group(parser, depth);
  if (char === "[") return characterClass(parser);
  if (char === "\\") return escapeSequence(parser);
  if ("*+?{".includes(char)) fail(parser, `\`${char}\` repeats nothing (write \`\\${char}\` for the character)`);
  if ("]}".includes(char)) fail(parser, `write \`\\${char}\` for the character`);
  parser.at++;
  return { repeat: 1, quantifiable: char !== "^" && char !== "$" };
}

function group(parser: Parser, depth: number): Atom {
  parser.at++;
  if (parser.text[parser.at] === "?") {
    if (!parser.text.startsWith("?:", parser.at))
      fail(parser, "only `(` and `(?:` open a group: no look-around, flags or names");
    parser.at += 2;
  } else if (parser.text[parser.at] === "*") fail(parser, "`(*` starts a PCRE verb");
  const repeat = alternation(parser, depth + 1);
  if (parser.text[parser.at] !== ")") fail(parser, "a group is not closed");
  parser.at++;
  return { repeat, quantifiable: true };
}

function escapeSequence(parser: Parser): Atom {
  const char = parser.text[parser.at + 1];
  if (char === undefined) fail(parser, "a `\\` escapes nothing");
  if (/[A-Za-z0-9 ]/.test(char) && !CLASS_ESCAPES.has(char) && !ASSERTION_ESCAPES.has(char)) {
    fail(parser, `\`\\${char}\` is not one of \\d \\w \\s \\b \\D \\W \\S \\B`);
  }
  parser.at += 2;
  return { repeat: 1, quantifiable: !ASSERTION_ESCAPES.has(char) };
}

function characterClass(parser: Parser): Atom {
  parser.at++;
  if (parser.text[parser.at] === "^") parser.at++;
  let members = 0;
  while (parser.text[parser.at] !== "]") {
    const low = classMember(parser);
    members++;
    if (
      parser.text[parser.at] !== "-" ||
      parser.text[parser.at + 1] === "]" ||
      parser.text[parser.at + 1] === undefined
    )
      continue;
    if (low === null) fail(parser, "a range starts with a class such as \\d");
    parser.at++;
    const high = classMember(parser);
    if (high === null || high < low) fail(parser, "a range runs downwards or ends with a class");
  }
  if (members === 0) fail(parser, "a class is empty");
  parser.at++;
  return { repeat: 1, quantifiable: true };
}

/** One character of a class, or null for a class escape such as `\d`. */
function classMember(parser: Parser): string | null {
  const char = parser.text[parser.at];
  if (char === undefined) fail(parser, "a class is not closed");
  if (char === "[") fail(parser, "write `\\[` inside a class (no `[:name:]`)");
  if (char !== "\\") {
    parser.at++;
    return char;
  }
  const escaped = parser.text[parser.at + 1];
  if (escaped === "b" || escaped === "B") fail(parser, "`\\b` has another meaning inside a class");
  escapeSequence(parser);
  return CLASS_ESCAPES.has(escaped as string) ? null : (escaped as string);
}

/** How often the atom before may repeat at most, for RE2's limit; unbounded repeats count by their lower bound. */
function quantifier(parser: Parser, quantifiable: boolean): number {
  const found = QUANTIFIER.exec(parser.text.slice(parser.at, parser.at + 20));
  if (found === null) {
    if (parser.text[parser.at] === "{") fail(parser, "`{` is neither a repeat {n}, {n,}, {n,m} nor escaped");
    return 1;
  }
  if (!quantifiable) fail(parser, "an anchor cannot be repeated");
  parser.at += found[0].length;
  if (parser.text[parser.at] === "?") parser.at++;
  else if (parser.text[parser.at] === "+") fail(parser, "possessive repeats exist in PCRE only");
  if ("*+?{".includes(parser.text[parser.at] ?? " ")) fail(parser, "a repeat is repeated; put it in a group");
  if (found[1] === undefined) return 1;
  const low = Number(found[1]);
  const high = found[2] === undefined ? low : found[3] === "" ? low : Number(found[3]);
  if (high < low) fail(parser, "a repeat runs downwards");
  return Math.max(1, high);
}
