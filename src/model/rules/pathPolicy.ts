import { BAD_PATH } from "../../ir/requestPolicy.ts";
import { matchesOf, problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

/** What is answered 400 on every proxy: such a path never reaches a rule. */
const REJECTED = new RegExp([...BAD_PATH.anywhere, ...BAD_PATH.atEnd.map((end) => `(?:${end})$`)].join("|"));

/** A path that no request can have, or that would make the backend see one, is refused. */
export const pathPolicy: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    for (const { rule, at } of rulesOf(route)) {
      const paths: [string, string][] = [];
      for (const part of ["rewrite", "redirect"] as const) {
        for (const [kind, path] of Object.entries<string>({ ...rule[part]?.path }))
          paths.push([`${at}/${part}/path/${kind}`, path]);
      }
      for (const { match, at: matchAt } of matchesOf(rule, at)) {
        for (const kind of ["exact", "prefix"] as const) {
          const path = match.path?.[kind];
          if (path !== undefined) paths.push([`${matchAt}/path/${kind}`, path]);
        }
      }
      for (const [pointer, path] of paths) {
        if (!REJECTED.test(path)) continue;
        const message =
          "has `//`, a dot segment, or an encoded slash, backslash, letter, digit, `-`, `.`, `_` or `~`; requests with such a path are answered 400";
        yield problem("MODEL-PATH", route, { pointer, message });
      }
    }
  }
};
