/** A rule that redirects. */
import type { RedirectIr, RuleIr } from "../../ir/index.ts";
import { block, inline } from "./blocks.ts";
import { type Body, bodyOf } from "./body.ts";
import { type Part, param, regex, variable, word } from "./quote.ts";
import { replacedPrefix } from "./replacedPrefix.ts";
import { placeText } from "./texts.ts";
import type { Block } from "./views.ts";

/** To the path and query as they came, to a path of the rule's with the query, or to the path with its prefix replaced. */
export function lowerRedirect(
  { path: match }: RuleIr,
  action: RedirectIr,
  { lines, isTls }: { readonly lines: readonly Block[]; readonly isTls: boolean },
): Body {
  const { path } = action;
  const status = word(action.status);
  const base = redirectBase(action, isTls);
  if (path === null) {
    const target = param(...base, variable("request_uri"));
    return bodyOf(lines, inline("redirect", { status, target, pattern: null }));
  }
  if (path.kind === "full") {
    const { texts, part } = placeText("new_path", path.value);
    const target = param(...base, part, variable("query"));
    const before = texts.length === 0 ? lines : [...lines, block("texts", { texts })];
    return bodyOf(before, inline("redirect", { status, target, pattern: null }));
  }
  const { pattern, texts, parts } = replacedPrefix(match.value, path.value);
  const before = texts.length === 0 ? lines : [...lines, block("texts", { texts })];
  const target = param(...base, ...parts);
  return bodyOf(before, inline("redirect", { status, target, pattern: regex(pattern) }));
}

/** Scheme, host and port of a redirect's target. */
function redirectBase({ scheme, hostname, port }: RedirectIr, isTls: boolean): readonly Part[] {
  const isHttps = scheme === null ? isTls : scheme === "https";
  const start = [scheme ?? variable("scheme"), "://", hostname ?? variable("host")];
  if (port === null || port === (isHttps ? 443 : 80)) return start;
  if (port === "listener") return [...start, variable(isHttps ? "port_https" : "port_http")];
  return [...start, `:${port}`];
}
