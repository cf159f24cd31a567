/** `rewrite`: the path that the endpoint sees in place of the one that was asked for. */
import type { RewriteIr, RuleIr } from "../../../ir/index.ts";
import { block } from "../blocks.ts";
import { PLAIN_TEXT } from "../paths.ts";
import { param, regex, variable } from "../quote.ts";
import { replacedPrefix } from "../replacedPrefix.ts";
import type { PathChange, Policy } from "./policy.ts";

/** The new path and the query, as the endpoint gets them. */
const PATH = variable("path");

export const rewrite = {
  name: "rewrite",
  capabilities: { "route.rules[].rewrite.path.prefix": "exact" },
  lower: ({ path }, rule) => (path === null ? {} : { path: replacePrefix(path.value, rule) }),
} as const satisfies Policy<"rewrite">;

function replacePrefix(replacement: NonNullable<RewriteIr["path"]>["value"], rule: RuleIr): PathChange {
  const { pattern, texts, parts } = replacedPrefix(rule.path.value, replacement);
  return {
    lines: block("policies/rewrite", { texts, pattern: regex(pattern), path: param(...parts) }),
    uri: PATH,
    native: PLAIN_TEXT.test(replacement) ? replacement : null,
  };
}
