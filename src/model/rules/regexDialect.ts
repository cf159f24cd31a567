import { regexProblem } from "../../regex/index.ts";
import { type MatchBody, matchesOf, problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

/** Regular expressions use only what RE2 and PCRE2 read alike (l7.md 4.14). */
export const regexDialect: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    for (const { rule, at } of rulesOf(route)) {
      for (const { match, at: matchAt } of matchesOf(rule, at)) {
        for (const { pointer, regex } of regexesOf(match, matchAt)) {
          const message = regexProblem(regex);
          if (message !== null) yield problem("L7-REGEX-DIALECT", route, { pointer, message });
        }
      }
    }
  }
};

/** Of the path, and of each condition in whatever list of conditions the match has. */
function* regexesOf(match: MatchBody, at: string): Iterable<{ readonly pointer: string; readonly regex: string }> {
  if (match.path?.regex !== undefined) yield { pointer: `${at}/path/regex`, regex: match.path.regex };
  for (const [field, value] of Object.entries(match)) {
    for (const [index, condition] of (Array.isArray(value) ? value : []).entries()) {
      const { regex } = condition as { readonly regex?: string };
      if (regex !== undefined) yield { pointer: `${at}/${field}/${index}/regex`, regex };
    }
  }
}
