import { matchesOf, problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

/** What the path policy `reject` answers 400 on every proxy (l7.md 4.2): such a path never reaches a rule. */
const REJECTED =
  /\/\/|%(?:2[fF]|5[cC]|00)|\/(?:\.|%2[eE]){1,2}(?:\/|$)|%(?:4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9Aa]|3[0-9]|2[dD])/;

/** A path that no request can have, or that would make the backend see one, is refused. */
export const pathPolicy: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    for (const { rule, at } of rulesOf(route)) {
      const paths: [string, string | undefined][] = [
        [`${at}/rewrite/path/prefix`, rule.rewrite?.path.prefix],
        [`${at}/redirect/path/prefix`, rule.redirect?.path?.prefix],
        [`${at}/redirect/path/full`, rule.redirect?.path?.full],
      ];
      for (const { match, at: matchAt } of matchesOf(rule, at)) {
        paths.push([`${matchAt}/path/exact`, match.path?.exact], [`${matchAt}/path/prefix`, match.path?.prefix]);
      }
      for (const [pointer, path] of paths) {
        if (path === undefined || !REJECTED.test(path)) continue;
        const message =
          "has `//`, a dot segment, or an encoded slash, backslash, letter, digit, `-` or `_`; requests with such a path are answered 400";
        yield problem("MODEL-PATH", route, { pointer, message });
      }
    }
  }
};
