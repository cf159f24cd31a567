/** Regular expressions that a proxy with PCRE2 would not match as RE2 does. */
import type { RuleIr } from "../ir/index.ts";
import { linearRegex } from "../regex/index.ts";
import { type Finding, foundByInspection, type Support } from "./target.ts";

/** As a capability table says it of each leaf that is a regular expression. */
export const backtracking = {
  refused: "cannot be matched in linear time by PCRE2 when it is ambiguous in ways that no other spelling mends",
  code: "L7-REGEX-BACKTRACKING",
  when: foundByInspection,
} as const satisfies Support;

/** Refuses the rule's expressions that PCRE2 cannot match in linear time. `proxy` as its users write it. */
export function backtrackingRegexes(rule: RuleIr, proxy: string): readonly Finding[] {
  const found: Finding[] = [];
  const tests = [{ test: rule.path.kind, value: rule.path.value }, ...rule.conditions];
  for (const { test, value } of tests) {
    const problem = test === "regex" ? linearRegex(value).problem : null;
    if (problem === null) continue;
    found.push({
      code: backtracking.code,
      severity: "error",
      message: `${proxy} (PCRE2) cannot match ${JSON.stringify(value)} of rule ${rule.name} in linear time: ${problem}`,
      resource: { kind: "route", name: rule.route },
      pointer: rule.pointer,
    });
  }
  return found;
}
