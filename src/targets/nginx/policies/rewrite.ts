/** `rewrite`: the path and Host that the endpoint sees in place of those that were asked for. */
import type { RewriteIr, RuleIr } from "../../../ir/index.ts";
import { block } from "../blocks.ts";
import { PLAIN_TEXT } from "../paths.ts";
import { param, regex, variable } from "../quote.ts";
import { replacedPrefix } from "../replacedPrefix.ts";
import { placeText } from "../texts.ts";
import type { PathChange, Policy } from "./policy.ts";

/** The new path and the query, as the endpoint gets them. */
const PATH = variable("path");

/** The query, with its `?`. */
const QUERY = variable("query");

/** The policy. */
export const rewrite = {
  name: "rewrite",
  capabilities: {
    "route.rules[].rewrite.path.prefix": "exact",
    "route.rules[].rewrite.path.full": "exact",
    "route.rules[].rewrite.hostname": "exact",
  },
  lower: ({ path, hostname }, rule) => ({
    ...(path === null ? {} : { path: changeOf(path, rule) }),
    ...(hostname === null ? {} : { host: hostname }),
  }),
} as const satisfies Policy<"rewrite">;

function changeOf({ kind, value }: NonNullable<RewriteIr["path"]>, rule: RuleIr): PathChange {
  if (kind === "prefix") return replacePrefix(value, rule);
  const { texts, part } = placeText("new_path", value);
  const lines = block("policies/fullPath", { texts, path: param(part, QUERY) });
  return { lines, uri: PATH, native: null };
}

function replacePrefix(replacement: string, rule: RuleIr): PathChange {
  const { pattern, texts, parts } = replacedPrefix(rule.path.value, replacement);
  return {
    lines: block("policies/rewrite", { texts, pattern: regex(pattern), path: param(...parts) }),
    uri: PATH,
    native: PLAIN_TEXT.test(replacement) ? replacement : null,
  };
}
