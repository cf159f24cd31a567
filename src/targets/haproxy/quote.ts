/**
 * The only way text reaches an HAProxy configuration or map file: one function per landing place, each named after what
 * HAProxy's parser reads there (measured on 2.6.12; see quote.test.ts, which asks the real binary).
 *
 * The schemas refuse control characters and cap lengths long before this. What arrives here and still does not fit is a
 * programmer's error and throws, so that nothing can be published.
 */
import { landingPlace, type Quoted } from "../../util/templates.ts";

declare const brand: unique symbol;
/** Maps are written without templates, line by line and 10 000 at a time: their brands cost nothing at run time. */
export type MapKey = string & { readonly [brand]: "mapKey" };
/** See MapKey. */
export type MapValue = string & { readonly [brand]: "mapValue" };

/** The landing places of HAProxy's templates: the helpers' names. */
export const PLACES = [
  "name",
  "rule",
  "number",
  "time",
  "word",
  "format",
  "text",
  "comment",
  "expression",
  "address",
  "header",
  "pattern",
  "file",
  "statuses",
  "base64",
] as const;

/** HAProxy reads a map line into its 16 KiB default buffer before `tune.bufsize` counts; the rest would be a second line. */
const MAX_MAP_LINE = 16_000;
/** `--` ends the flags of an ACL, but a word is still cut into 64 KiB at most; ours are regexes and paths of 2 KiB at most. */
const MAX_WORD = 8_192;
/** A comment is read by people: a list of 256 rules is not. */
const MAX_COMMENT = 400;
const PRINTABLE = /^[\x20-\x7e]*$/;

const asName = landingPlace("name");
const asRule = landingPlace("rule");
const asNumber = landingPlace("number");
const asTime = landingPlace("time");
const asWord = landingPlace("word");
const asFormat = landingPlace("format");
const asText = landingPlace("text");
const asComment = landingPlace("comment");
const asExpression = landingPlace("expression");
const asAddress = landingPlace("address");
const asHeader = landingPlace("header");
const asPattern = landingPlace("pattern");
const asFile = landingPlace("file");
const asStatuses = landingPlace("statuses");
const asBase64 = landingPlace("base64");

/** A bare identifier: proxy, server, ACL or class, also as argument of `concat()`. Three names of the model and a field's fit in. */
export function name(text: string): Quoted<"name"> {
  if (!/^[A-Za-z0-9_.:-]{1,400}$/.test(text)) refuse("name", text);
  return asName(text);
}

/** What `txn.rule` holds, `shop/home`, as argument of `str()` and as pattern of `-m str`. */
export function rule(text: string): Quoted<"rule"> {
  if (!/^[a-z0-9][a-z0-9_/.-]{0,254}$/.test(text)) refuse("rule", text);
  return asRule(text);
}

/** A whole number from 0. */
export function number(value: number): Quoted<"number"> {
  if (!Number.isSafeInteger(value) || value < 0) refuse("number", String(value));
  return asNumber(String(value));
}

/** A time in milliseconds; HAProxy refuses more than 2^31 - 1 of them. */
export function time(milliseconds: number): Quoted<"time"> {
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 1 || milliseconds > 0x7fff_ffff) {
    refuse("time", String(milliseconds));
  }
  return asTime(`${milliseconds}ms`);
}

/**
 * One literal word (regex, ACL data after `--`, content type, path): in strong quotes only `'` is special. Not for text of the
 * user's in an anonymous ACL: there a word that is `}` ends the ACL in spite of its quotes (seen). Write a named `acl` line.
 */
export function word(text: string): Quoted<"word"> {
  return asWord(strongQuoted("word", text));
}

/** One literal word where HAProxy reads a log-format: `%` begins an expression and is doubled. */
export function format(text: string): Quoted<"format"> {
  return asFormat(strongQuoted("format", text.replaceAll("%", "%%")));
}

/** Text between the expressions of a log-format that the template puts in strong quotes: `'/internal%[path]'`. */
export function text(value: string): Quoted<"text"> {
  if (!PRINTABLE.test(value) || value.length > MAX_WORD) refuse("text", value);
  return asText(value.replaceAll("%", "%%").replaceAll("'", "'\\''"));
}

/** A body between double quotes that is as plain as it looks. Null: it is not, and needs a file. */
export function plainBody(body: string): Quoted<"text"> | null {
  return /^[A-Za-z0-9 .,:;!?/()_-]{1,200}\n?$/.test(body) ? asText(body.replace("\n", "\\n")) : null;
}

/** The rest of a comment's line; what is too long to be read ends in dots. */
export function comment(value: string): Quoted<"comment"> {
  if (!PRINTABLE.test(value)) refuse("comment", value);
  return asComment(value.length > MAX_COMMENT ? `${value.slice(0, MAX_COMMENT)} ...` : value);
}

/** A sample expression: words of the caller's own around quoted arguments, as expression`req.fhdr(${header(field)},1)`. */
export function expression(
  words: TemplateStringsArray,
  ...parts: readonly Quoted<"header" | "pattern" | "expression" | "name" | "number" | "file">[]
): Quoted<"expression"> {
  return asExpression(String.raw(words, ...parts.map((part) => part.text)));
}

/** An IP address and a port, as `bind` and `server` take them. */
export function address(ip: string, port: number): Quoted<"address"> {
  if (!/^[0-9A-Fa-f:.]{2,45}$/.test(ip)) refuse("address", ip);
  return asAddress(`${ip.includes(":") ? `[${ip}]` : ip}:${number(port).text}`);
}

/** A header field name, in directives and as argument of `req.fhdr()`. */
export function header(text: string): Quoted<"header"> {
  if (!/^[a-z0-9][a-z0-9-]{0,126}$/.test(text)) refuse("header name", text);
  return asHeader(text);
}

/** The name of a query parameter or cookie in a regular expression that is an argument in double quotes, the whole in strong ones. */
export function pattern(text: string): Quoted<"pattern"> {
  if (!/^[A-Za-z0-9_.~-]{1,127}$/.test(text)) refuse("name in a pattern", text);
  return asPattern(text.replaceAll(".", "\\."));
}

/** A relative file of this rendering, in directives and as argument of `map_str()` and its kin. */
export function file(path: string): Quoted<"file"> {
  if (!/^(?:[a-z0-9][a-z0-9_.-]{0,250}\/){0,3}[a-z0-9][a-z0-9_.-]{0,250}$/.test(path)) refuse("file", path);
  return asFile(path);
}

/** Status ranges as `http-check expect status` takes them: `200-299,404`. */
export function statuses(ranges: readonly { readonly low: number; readonly high: number }[]): Quoted<"statuses"> {
  const text = ranges.map(({ low, high }) => (low === high ? `${low}` : `${low}-${high}`)).join(",");
  if (!/^[1-5][0-9]{2}(?:[-,][1-5][0-9]{2})*$/.test(text)) refuse("statuses", text);
  return asStatuses(text);
}

/** A bare word: nothing in base64 means anything to HAProxy. */
export function base64(text: string): Quoted<"base64"> {
  if (!/^[A-Za-z0-9+/]{1,200}={0,2}$/.test(text)) refuse("base64", text);
  return asBase64(text);
}

/** A literal map key: ends at the first blank, must not begin like a comment. */
export function mapKey(text: string): MapKey {
  if (!/^[\x21-\x22\x24-\x7e][\x21-\x7e]*$/.test(text)) refuse("map key", text);
  return text as MapKey;
}

/**
 * A full-match regex of a site's paths as key of a `map_reg` file that all sites share: what is looked up is host and path.
 */
export function mapSiteRegexKey(site: string, regex: string): MapKey {
  return mapRegexKey(`${site.replace(/[.*]/g, "\\$&")}(?:${regex})`);
}

/**
 * A map key whose last part is any text: `<scope>|<upper-case hex of text>`, looked up behind HAProxy's `hex` converter,
 * because a key cannot hold blanks.
 */
export function mapHexKey(scope: string, text: string): MapKey {
  return mapKey(`${scope}|${Buffer.from(text, "utf8").toString("hex").toUpperCase()}`);
}

/** A full-match regex as key of a `map_reg` file: blanks, which would end the key, become `\x20`. */
export function mapRegexKey(regex: string): MapKey {
  if (!PRINTABLE.test(regex)) refuse("regex", regex);
  // "\ " is an escaped blank: both characters go, or the backslash would be doubled
  const blankless = regex.replace(/\\[^ ]|\\? /g, (part) => (part.endsWith(" ") ? "\\x20" : part));
  return mapKey(`^(?:${blankless})$`);
}

/** A map value: the rest of the line, blanks at both ends lost; so it must have none, and not be empty. */
export function mapValue(text: string): MapValue {
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) refuse("map value", text);
  return text as MapValue;
}

/** A comment in a map file, newline included. */
export function mapComment(value: string): string {
  return `# ${comment(value).text}\n`;
}

/** One line of a map file, newline included. */
export function mapLine(key: MapKey, value: MapValue): string {
  const line = `${key} ${value}\n`;
  if (line.length > MAX_MAP_LINE) refuse("map line", line);
  return line;
}

function strongQuoted(place: string, text: string): string {
  if (!PRINTABLE.test(text) || text.length > MAX_WORD) refuse(place, text);
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function refuse(place: string, text: string): never {
  throw new Error(`not an HAProxy ${place}: ${JSON.stringify(text.slice(0, 200))}`);
}
