/**
 * The only way text reaches an nginx configuration: one function per landing place, each tied to the helper of the same name
 * in `templates/nginx/`. The rules were measured on the real binary (fuzzed in `quote.test.ts`): inside `"..."` only `"`, `\`
 * and, where variables are evaluated, `$` mean something; a parameter of more than 4096 bytes is refused.
 */
import { landingPlace, type Quoted } from "../../util/templates.ts";

/** nginx's NGX_CONF_BUFFER: a longer parameter ends with "too long parameter". Two bytes are the quotes. */
const PARAMETER_BYTES = 4096;
/** nginx keeps the length of a location's name in one byte: longer names are accepted and never match (seen on 1.22.1). */
const LOCATION_NAME_BYTES = 255;
/** Below the limit by more than what may stand around a chunk: scheme, a host name of 253 bytes, port, variables. */
const CHUNK_BYTES = 3600;

/** What one UTF-16 unit can cost quoted: `${dollar}`. */
const DEAREST_CHARACTER_BYTES = 9;

/** A comment is for the eye: what is longer is cut. */
const COMMENT_CHARACTERS = 110;

const asWord = landingPlace("word");
const asVariable = landingPlace("variable");
const asParam = landingPlace("param");
const asLiteral = landingPlace("literal");
const asRegex = landingPlace("regex");
const asMapEntries = landingPlace("mapEntries");
const asLocation = landingPlace("location");
const asComment = landingPlace("comment");
const asCondition = landingPlace("condition");
const asLogLine = landingPlace("logLine");

declare const brand: unique symbol;
/** No template takes a key or a single line, and there are ten thousands: their brands cost nothing at run time. */
export type MapKey = string & { readonly [brand]: "mapKey" };
/** See MapKey. */
export type MapEntry = string & { readonly [brand]: "mapEntry" };

/** Text quoted for the landing place of the same name; what each is, says the function below that makes it. */
export type Word = Quoted<"word">;
export type Variable = Quoted<"variable">;
export type Param = Quoted<"param">;
export type Literal = Quoted<"literal">;
export type Regex = Quoted<"regex">;
export type MapEntries = Quoted<"mapEntries">;
export type Location = Quoted<"location">;
export type Comment = Quoted<"comment">;
export type Condition = Quoted<"condition">;
export type LogLine = Quoted<"logLine">;

/** Helpers of the templates. `block` is text that a template of ours has rendered (see `render.ts`). */
export const places = [
  "word",
  "variable",
  "param",
  "literal",
  "regex",
  "mapEntries",
  "location",
  "comment",
  "condition",
  "logLine",
  "block",
] as const;

/** A bare token that we made: names, numbers, addresses. Throws on anything that could end or change a token. */
export function word(text: string | number): Word {
  const token = String(text);
  if (!/^[A-Za-z0-9_.:/[\]%*@=-]+$/.test(token)) throw new Error(`not a bare nginx token: ${JSON.stringify(token)}`);
  return asWord(token);
}

/** A duration in milliseconds, as nginx writes it. */
export function milliseconds(count: number): Word {
  return word(`${count}ms`);
}

/** A variable of ours or nginx's, with its `$`. */
export function variable(name: string): Variable {
  const known = knownVariables.get(name);
  if (known !== undefined) return known;
  if (!/^[a-z][A-Za-z0-9_]*$/.test(name)) throw new Error(`not an nginx variable name: ${JSON.stringify(name)}`);
  const made = asVariable(`$${name}`);
  if (knownVariables.size >= MAX_KNOWN_VARIABLES) knownVariables.clear();
  knownVariables.set(name, made);
  return made;
}

/** The same few names stand in every rule. */
const knownVariables = new Map<string, Variable>();
const MAX_KNOWN_VARIABLES = 4096;

/** What the first group of the latest regular expression matched. nginx knows no `${1}`. */
export const FIRST_CAPTURE: Variable = asVariable("$1");

/** Those of its second and third group. */
export const SECOND_CAPTURE: Variable = asVariable("$2");
export const THIRD_CAPTURE: Variable = asVariable("$3");

/** Text in which variables are expanded. */
export type Part = string | Variable;

/** A parameter that evaluates variables: strings are literal text, variables are expanded. Quoted where it has to be. */
export function param(...parts: readonly Part[]): Param {
  let body = "";
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as Part;
    if (typeof part === "string") body += evaluatedText(part);
    else body += needsBraces(part, parts[index + 1]) ? `\${${part.text.slice(1)}}` : part.text;
  }
  return asParam(token(body));
}

const CAPTURE = /^\$[0-9]$/;

/** nginx knows no `${1}`: what a group matched ends at the next character whatever it is. */
function needsBraces(part: Variable, next: Part | undefined): boolean {
  return (
    !CAPTURE.test(part.text) && next !== undefined && /^[A-Za-z0-9_]/.test(typeof next === "string" ? next : next.text)
  );
}

/**
 * The line of a `log_format`: our own text and variables in single quotes. No text of a user's but names of the model: nothing here has a
 * quote, a backslash or a `$`.
 */
export function logLine(...parts: readonly Part[]): LogLine {
  const body = parts.map((part) => {
    if (typeof part !== "string") return part.text;
    if (!/^[A-Za-z0-9_{}":, -]*$/.test(part)) throw new Error(`not a part of a log line: ${JSON.stringify(part)}`);
    return part;
  });
  return asLogLine(`'${body.join("")}'`);
}

/** A parameter in which nginx evaluates nothing (`default_type`). */
export function literal(text: string): Literal {
  return asLiteral(token(escapeToken(text)));
}

/** One line behind a `#`. Only a line feed ends a comment of nginx; no control character gets into one. */
export function comment(text: string): Comment {
  const line = UNPRINTABLE.test(text) ? text.replace(/[^\x20-\x7e]/g, "?") : text;
  return asComment(line.length > COMMENT_CHARACTERS ? `${line.slice(0, COMMENT_CHARACTERS)}...` : line);
}

/**
 * A regular expression, as the argument of `rewrite` and `location ~` or, with its leading `~`, as a map key. nginx removes
 * one level of backslashes before PCRE sees it.
 */
export function regex(pattern: string): Regex {
  return asRegex(quotedToken(escapeToken(pattern)));
}

/**
 * What stands behind `location`. `prefix` matches the name and everything that begins with it, `exact` the name alone. Names
 * begin with a slash, so none can read as a modifier.
 */
export function location(kind: "exact" | "prefix", name: string): Location {
  if (isLongLocation(name)) return regexLocation(`^${literalPattern(name)}${kind === "exact" ? "\\z" : ""}`);
  return asLocation(`${kind === "exact" ? "= " : ""}${token(escapeToken(name))}`);
}

/** The pattern should end with `\z`: the path that locations see may end with a line feed, and `$` would match before it. */
export function regexLocation(pattern: string): Location {
  return asLocation(`~ ${regex(pattern).text}`);
}

/** What an `if` asks; strings are compared with their case. */
export function condition(source: Variable, operator: "=" | "!=" | "~", operand: Param | Regex): Condition {
  return asCondition(`${source.text} ${operator} ${operand.text}`);
}

/** A location that only our own directives jump to: what jumps reads variables in its name, so it has none. */
export function namedLocation(name: string): Location {
  if (!/^@[a-z0-9_:/.*-]+$/.test(name)) throw new Error(`not a named location: ${JSON.stringify(name)}`);
  return asLocation(name);
}

/** Whether `location` has to write a regular expression (nginx tries these in order, before all prefixes) for this name and `moreBytes`. */
export function isLongLocation(name: string, moreBytes = 0): boolean {
  const room = LOCATION_NAME_BYTES - moreBytes;
  // A UTF-16 unit takes at most three bytes, so the exact count is needed for long names only.
  return name.length * 3 > room && Buffer.byteLength(name) > room;
}

/** A map key that is compared as a string, without regard to case (nginx lower-cases keys and values). */
export function mapKey(text: string): MapKey {
  return token(escapeToken(isSpecialKey(text) ? `\\${text}` : text)) as MapKey;
}

/** Keys of hash tables are shorter than a bucket (`map_hash_bucket_size`), and what is found by them fits a parameter. */
const HASHED_KEY_BYTES = 200;

/** Whether a plain key is short enough for a map's hash table. */
export function isHashedKey(text: string): boolean {
  return Buffer.byteLength(text) <= HASHED_KEY_BYTES;
}

/** A map key that is a case-sensitive regular expression. */
export function mapRegexKey(pattern: string): MapKey {
  return quotedToken(escapeToken(`~${pattern}`)) as MapKey;
}

/** One line of a map. */
export function mapEntry(key: MapKey, result: Param): MapEntry {
  return `    ${key} ${result.text};\n` as MapEntry;
}

/** Lines of a map, one after the other. */
export function mapEntries(lines: readonly MapEntry[]): MapEntries {
  return asMapEntries(lines.join(""));
}

/** Literal text cut so that each piece, quoted, is a parameter that nginx accepts. Never empty. */
export function chunks(text: string): readonly string[] {
  if (text.length * DEAREST_CHARACTER_BYTES <= CHUNK_BYTES) return [text];
  if (Buffer.byteLength(evaluatedText(text)) <= CHUNK_BYTES) return [text];
  const pieces: string[] = [];
  let start = 0;
  let end = 0;
  let bytes = 0;
  while (end < text.length) {
    const code = text.codePointAt(end) as number;
    const size = evaluatedBytes(code);
    if (bytes + size > CHUNK_BYTES) {
      pieces.push(text.slice(start, end));
      start = end;
      bytes = 0;
    }
    end += code < 0x10000 ? 1 : 2;
    bytes += size;
  }
  pieces.push(text.slice(start));
  return pieces;
}

/** What one character costs in a parameter: texts may be long, so it is not written to be measured. */
function evaluatedBytes(code: number): number {
  if (code === DOLLAR) return DEAREST_CHARACTER_BYTES;
  if (code === QUOTE || code === BACKSLASH) return 2;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

const [QUOTE, DOLLAR, BACKSLASH] = [0x22, 0x24, 0x5c];

/** Pattern that matches exactly this text. A run of backslashes is counted, because each would cost four bytes. */
export function literalPattern(text: string): string {
  return text.replace(/\\{3,}|[^A-Za-z0-9_/-]/g, (found) => {
    if (found.length > 2) return `\\\\{${found.length}}`;
    return SELF.test(found) ? found : `\\${found}`;
  });
}

/** Characters besides letters and digits that PCRE reads as themselves; everything else gets a backslash. */
const SELF = /^[ !"#%&',:;<=>@`~]$|^[^\x20-\x7e]$/u;
const KEYWORD = /^(?:default|hostnames|include|volatile)$/;

/** Longer ones are quoted for the sake of one check of their length. */
const LONGEST_BARE = 1024;

const UNPRINTABLE = /[^\x20-\x7e]/;
const NEEDS_CARE = /["\\$]/;
const NEEDS_ESCAPE = /["\\]/;

function isSpecialKey(text: string): boolean {
  return text.startsWith("~") || text.startsWith("\\") || KEYWORD.test(text);
}

function escapeToken(text: string): string {
  return NEEDS_ESCAPE.test(text) ? text.replace(/[\\"]/g, "\\$&") : text;
}

/** `$` cannot be escaped; `${dollar}` is a `geo` variable of the http block. */
function evaluatedText(text: string): string {
  if (!NEEDS_CARE.test(text)) return text;
  return escapeToken(text).replaceAll("$", `\${dollar}`);
}

/** What nginx reads as one token without quotes. */
const BARE = /^[A-Za-z0-9_.:/@$*+,=-]+$/;

function token(body: string): string {
  return body.length < LONGEST_BARE && BARE.test(body) ? body : quotedToken(body);
}

function quotedToken(body: string): string {
  if (body.includes("\0")) throw new Error("NUL cannot stand in an nginx parameter");
  // A byte takes at least one UTF-16 unit's third, so the exact count is needed for long texts only.
  if (body.length * 3 > PARAMETER_BYTES - 2 && Buffer.byteLength(body) > PARAMETER_BYTES - 2) {
    throw new Error(`nginx parameter over ${PARAMETER_BYTES} bytes: ${body.slice(0, 40)}…`);
  }
  return `"${body}"`;
}
