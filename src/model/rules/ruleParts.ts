import { problem, type Rule, type RuleBody, rulesOf, touchedOf } from "./rule.ts";

const CODE = "MODEL-RULE";

/** Parts of a rule that need each other: prefix replacement needs prefix matches, forwarding settings need a split. */
export const ruleParts: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    const names = new Set<string>();
    for (const { rule, at } of rulesOf(route)) {
      if (rule.name !== undefined && names.has(rule.name)) {
        yield problem(CODE, route, {
          pointer: `${at}/name`,
          message: `an earlier rule of this route is named ${JSON.stringify(rule.name)}`,
        });
      }
      if (rule.name !== undefined) names.add(rule.name);
      if (!prefixOnly(rule)) {
        const message = "replaces the matched prefix, so every match of the rule needs a path prefix";
        if (rule.rewrite?.path?.prefix !== undefined)
          yield problem(CODE, route, { pointer: `${at}/rewrite/path/prefix`, message });
        if (rule.redirect?.path?.prefix !== undefined)
          yield problem(CODE, route, { pointer: `${at}/redirect/path/prefix`, message });
      }
      if (rule.split !== undefined) continue;
      for (const field of ["rewrite", "requestHeaders", "timeouts", "retry"] as const) {
        if (rule[field] !== undefined)
          yield problem(CODE, route, { pointer: `${at}/${field}`, message: "has a meaning only beside a split" });
      }
    }
  }
};

function prefixOnly(rule: RuleBody): boolean {
  return (rule.matches ?? []).every(({ path }) => path === undefined || path.prefix !== undefined);
}
