/**
 * Which texts of a client's the access log may tell: bytes that are no UTF-8 would be written as if they were Latin-1, where other proxies
 * can write nothing, and a text is cut in the middle of a character. Filters that keep a field's text are skipped for such.
 */
import type { Any } from "@bufbuild/protobuf/wkt";
import { MAX_LOGGED_BYTES, WIDE_CHARACTER } from "../../ir/index.ts";
import { anyOf, fieldIs, not, type Predicate, skippedWhere } from "./skipping.ts";

/** Envoy's expressions are of bytes. */
const ASCII = "[\\x00-\\x7f]";
/** RE2 repeats nothing more than a thousand times, also not in steps. */
const HALF = MAX_LOGGED_BYTES / 2;

/** Nearly all texts. */
const PLAIN = `${ASCII}*`;
/** What is left of it when it is cut is ASCII. */
const PLAIN_START = `${ASCII}{${HALF}}${ASCII}{${HALF}}.*`;
const UTF8 = `(?:${ASCII}|${WIDE_CHARACTER})*`;
const NOT_CUT = `.{0,${HALF}}.{0,${HALF}}`;

/** The filter, for requests whose field of this name can be told. */
export function whereTold(headerName: string, filter: { readonly name: string; readonly typedConfig: Any }): Any {
  const is = (regex: string): Predicate => fieldIs(headerName, regex);
  const whole: Predicate = { matchType: { case: "andMatcher", value: { predicate: [is(UTF8), is(NOT_CUT)] } } };
  return skippedWhere(not(anyOf([is(PLAIN), is(PLAIN_START), whole])), filter);
}
