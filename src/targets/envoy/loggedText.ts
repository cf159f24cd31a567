/**
 * Which texts of a client's the access log may tell: bytes that are no UTF-8 would be written as if they were Latin-1, where other proxies
 * can write nothing, and a text is cut in the middle of a character. Filters that keep a field's text are skipped for such.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { ExtensionWithMatcherSchema } from "../../gen/proto/envoy/extensions/common/matching/v3/extension_matcher_pb.js";
import { SkipFilterSchema } from "../../gen/proto/envoy/extensions/filters/common/matcher/action/v3/skip_action_pb.js";
import { HttpRequestHeaderMatchInputSchema } from "../../gen/proto/envoy/type/matcher/v3/http_inputs_pb.js";
import type { Matcher_MatcherList_PredicateSchema } from "../../gen/proto/xds/type/matcher/v3/matcher_pb.js";
import { MAX_LOGGED_BYTES, WIDE_CHARACTER } from "../../ir/index.ts";
import { pack } from "./types.ts";

type Predicate = MessageInitShape<typeof Matcher_MatcherList_PredicateSchema>;

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

const skip = { name: "skip", typedConfig: pack(SkipFilterSchema, create(SkipFilterSchema)) };

/** The filter, for requests whose field of this name can be told. */
export function whereTold(headerName: string, filter: { readonly name: string; readonly typedConfig: Any }): Any {
  const input = {
    name: "field",
    typedConfig: pack(HttpRequestHeaderMatchInputSchema, create(HttpRequestHeaderMatchInputSchema, { headerName })),
  };
  const is = (regex: string): Predicate => {
    const pattern = { case: "safeRegex", value: { engineType: { case: "googleRe2", value: {} }, regex } } as const;
    const matcher = { case: "valueMatch", value: { matchPattern: pattern } } as const;
    return { matchType: { case: "singlePredicate", value: { input, matcher } } };
  };
  const whole: Predicate = { matchType: { case: "andMatcher", value: { predicate: [is(UTF8), is(NOT_CUT)] } } };
  const told: Predicate = {
    matchType: { case: "orMatcher", value: { predicate: [is(PLAIN), is(PLAIN_START), whole] } },
  };
  const predicate: Predicate = { matchType: { case: "notMatcher", value: told } };
  const matchers = [{ predicate, onMatch: { onMatch: { case: "action", value: skip } } as const }];
  const xdsMatcher = { matcherType: { case: "matcherList", value: { matchers } } } as const;
  return pack(ExtensionWithMatcherSchema, create(ExtensionWithMatcherSchema, { xdsMatcher, extensionConfig: filter }));
}
