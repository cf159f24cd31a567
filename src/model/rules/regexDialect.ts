import { regexProblem } from "../../regex/index.ts";
import { matchesOf, problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

/** Regular expressions use only what RE2 and PCRE2 read alike (l7.md 4.14). */
export const regexDialect: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    for (const { rule, at } of rulesOf(route)) {
      for (const { match, at: matchAt } of matchesOf(rule, at)) {
        const found = [{ pointer: `${matchAt}/path/regex`, regex: match.path?.regex }];
        for (const [index, header] of (match.headers ?? []).entries())
          found.push({ pointer: `${matchAt}/headers/${index}/regex`, regex: header.regex });
        for (const { pointer, regex } of found) {
          const message = regex === undefined ? null : regexProblem(regex);
          if (message !== null) yield problem("L7-REGEX-DIALECT", route, { pointer, message });
        }
      }
    }
  }
};
