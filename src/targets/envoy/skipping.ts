/** Filters of a listener that are skipped for some requests. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { ExtensionWithMatcherSchema } from "../../gen/proto/envoy/extensions/common/matching/v3/extension_matcher_pb.js";
import { SkipFilterSchema } from "../../gen/proto/envoy/extensions/filters/common/matcher/action/v3/skip_action_pb.js";
import { HttpRequestHeaderMatchInputSchema } from "../../gen/proto/envoy/type/matcher/v3/http_inputs_pb.js";
import type { Matcher_MatcherList_PredicateSchema } from "../../gen/proto/xds/type/matcher/v3/matcher_pb.js";
import { StringMatcherSchema } from "../../gen/proto/xds/type/matcher/v3/string_pb.js";
import { pack } from "./types.ts";

/** What is asked of a request. */
export type Predicate = MessageInitShape<typeof Matcher_MatcherList_PredicateSchema>;

/** Whether the whole of a request's field matches (RE2); false without the field. */
export function fieldIs(headerName: string, regex: string): Predicate {
  return fieldHas(headerName, { case: "safeRegex", value: { engineType: { case: "googleRe2", value: {} }, regex } });
}

/** Whether a request's field has one of these values; the usual ones first: an expression would cost several of them. */
export function fieldIsOneOf(headerName: string, values: readonly string[]): Predicate {
  return anyOf(values.map((value) => fieldHas(headerName, { case: "exact", value })));
}

function fieldHas(
  headerName: string,
  matchPattern: NonNullable<MessageInitShape<typeof StringMatcherSchema>["matchPattern"]>,
): Predicate {
  const input = {
    name: "field",
    typedConfig: pack(HttpRequestHeaderMatchInputSchema, create(HttpRequestHeaderMatchInputSchema, { headerName })),
  };
  const matcher = { case: "valueMatch", value: create(StringMatcherSchema, { matchPattern }) } as const;
  return { matchType: { case: "singlePredicate", value: { input, matcher } } };
}

/** At least one of them holds. */
export function anyOf(predicate: Predicate[]): Predicate {
  return { matchType: { case: "orMatcher", value: { predicate } } };
}

/** It does not hold. */
export function not(predicate: Predicate): Predicate {
  return { matchType: { case: "notMatcher", value: predicate } };
}

const skip = { name: "skip", typedConfig: pack(SkipFilterSchema, create(SkipFilterSchema)) };

/** The filter, for requests of which this does not hold. */
export function skippedWhere(predicate: Predicate, filter: { readonly name: string; readonly typedConfig: Any }): Any {
  const matchers = [{ predicate, onMatch: { onMatch: { case: "action", value: skip } } as const }];
  const xdsMatcher = { matcherType: { case: "matcherList", value: { matchers } } } as const;
  return pack(ExtensionWithMatcherSchema, create(ExtensionWithMatcherSchema, { xdsMatcher, extensionConfig: filter }));
}
