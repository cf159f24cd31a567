import { regexProblem } from "../../regex/index.ts";
import type { Resource } from "../types.ts";
import { type MatchBody, matchesOf, problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

/** Regular expressions use only what RE2 and PCRE2 read alike (l7.md 4.14). */
export const regexDialect: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    for (const { pointer, regex } of regexesOfRoute(route)) {
      const message = regexProblem(regex);
      if (message !== null) yield problem("L7-REGEX-DIALECT", route, { pointer, message });
    }
  }
};

interface Place {
  readonly pointer: string;
  readonly regex: string;
}

/** Every regular expression of a route. */
export function* regexesOfRoute(route: Resource<"route">): Iterable<Place> {
  for (const { rule, at } of rulesOf(route)) {
    for (const { match, at: matchAt } of matchesOf(rule, at)) yield* regexesOf(match, matchAt);
  }
}

/** Of each condition of the match, whether it stands by itself, as `path`, or in a list. */
function* regexesOf(match: MatchBody, at: string): Iterable<Place> {
  for (const [field, value] of Object.entries(match)) {
    for (const [index, condition] of [value].flat().entries()) {
      const { regex } = condition as { readonly regex?: string };
      const place = Array.isArray(value) ? `${field}/${index}` : field;
      if (regex !== undefined) yield { pointer: `${at}/${place}/regex`, regex };
    }
  }
  for (const field of ["serviceRegex", "methodRegex"] as const) {
    const regex = match.grpc?.[field];
    if (regex !== undefined) yield { pointer: `${at}/grpc/${field}`, regex };
  }
}
