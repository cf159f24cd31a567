/** Which form a listener's rules are written in: line by line, or in maps where there are many. */
import type { CandidateIr, PathGroupIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";

/**
 * More lines of rules that share a path than this, and those that a table can choose from are looked up (table.ts). Such a line
 * costs 0.6 thousand instructions, for requests to paths with a choice only; a table of two fields 9 (HAProxy 2.6, callgrind;
 * a plain request costs 64).
 */
const MAX_CHOICE_LINES = 50;
/**
 * More regular expressions than this, and those of sites without conditions on them stand in one map. A line costs every request
 * that no exact path took 0.9 thousand instructions (0.25 for another site's); an entry of `map_reg` 0.2.
 */
const MAX_REGEX_LINES = 10;
/** More rules with a split than this, and their shares stand in tables: a line costs all requests that are not done before it 0.6. */
const MAX_SPLIT_LINES = 30;

/** What is looked up in tables and maps instead of being tried line by line. */
export interface ListenerShape {
  readonly choiceTables: boolean;
  readonly regexMap: boolean;
  readonly splitTables: boolean;
}

/** How many lines a virtual host adds. */
export interface HostLines {
  readonly choices: number;
  readonly regexes: number;
  readonly splits: number;
}

/** Counts a host's lines. */
export function* countLines({ rules, groups }: VirtualHostIr): Steps<HostLines> {
  let [choices, regexes, splits] = [0, 0, 0];
  for (const [index, group] of (groups ?? []).entries()) {
    if (group.path.kind === "regex") regexes += group.candidates.length;
    else if (certainRule(rules, group) === null) choices += group.candidates.length;
    if (shouldYield(index >> 4)) yield;
  }
  for (const { action } of rules) if (action.kind === "forward" && action.split.length > 1) splits++;
  return { choices, regexes, splits };
}

/** The form for all hosts of a listener. */
export function shapeOf(hosts: readonly HostLines[]): ListenerShape {
  const sum = (part: keyof HostLines): number => hosts.reduce((total, lines) => total + lines[part], 0);
  return {
    choiceTables: sum("choices") > MAX_CHOICE_LINES,
    regexMap: sum("regexes") > MAX_REGEX_LINES,
    splitTables: sum("splits") > MAX_SPLIT_LINES,
  };
}

/** Whether two shapes are the same. */
export function isSameShape(a: ListenerShape, b: ListenerShape): boolean {
  return a.choiceTables === b.choiceTables && a.regexMap === b.regexMap && a.splitTables === b.splitTables;
}

/** The rule that takes all requests of a group; null: there is a choice. */
export function certainRule(rules: readonly RuleIr[], { candidates }: PathGroupIr): RuleIr | null {
  const [first] = candidates;
  if (first === undefined) throw new Error("a path group without candidates");
  const rule = ruleOf(rules, first);
  return first.pathRegex === null && rule.conditions.length === 0 ? rule : null;
}

/** A candidate's rule. */
export function ruleOf(rules: readonly RuleIr[], { rule }: CandidateIr): RuleIr {
  const found = rules[rule];
  if (found === undefined) throw new Error(`no rule at ${rule}`);
  return found;
}
