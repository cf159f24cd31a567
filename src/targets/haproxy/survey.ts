/** One look at all paths of a host, for everything that asks about all of them: each change of a host costs it. */
import type { CandidateIr, PathGroupIr, PathMatchIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";

/** What a path's line depends on: the rule that takes it, or its path alone where there is a choice. */
export type PathItem = RuleIr | PathMatchIr;

/** What was seen. */
export interface HostSurvey {
  /** What the lines of the maps of paths depend on, in order. */
  readonly items: readonly PathItem[];
  /** Expressions, and paths with a choice. */
  readonly choices: readonly PathGroupIr[];
  /** Whether one look-up finds the first expression that matches: all are taken unconditionally, and none minds what stands before it. */
  readonly mapsRegexes: boolean;
  /** How many rules have a split. */
  readonly splits: number;
}

/** Looks at a host, or remembers. */
export type Surveyor = (host: VirtualHostIr) => Steps<HostSurvey>;

/** A surveyor with a memory of its own. */
export function createSurveyor(): Surveyor {
  const known = new WeakMap<VirtualHostIr, HostSurvey>();
  return function* survey(host) {
    const found = known.get(host) ?? (yield* surveyOf(host));
    known.set(host, found);
    return found;
  };
}

function* surveyOf(host: VirtualHostIr): Steps<HostSurvey> {
  const { rules, groups } = host;
  if (groups === null) throw new Error(`${host.hostnames[0]}: HAProxy needs path groups`);
  const items: PathItem[] = [];
  const choices: PathGroupIr[] = [];
  let mapsRegexes = true;
  for (let index = 0; index < groups.length; index++) {
    const group = groups[index] as PathGroupIr;
    const certain = certainRule(rules, group);
    if (group.path.kind === "regex") {
      choices.push(group);
      mapsRegexes &&= certain !== null && !hasAnchor(group.path.value);
    } else {
      items.push(certain ?? group.path);
      if (certain === null) choices.push(group);
    }
    if (shouldYield(index >> 2)) yield;
  }
  let splits = 0;
  for (const { action } of rules) if (action.kind === "forward" && action.split.length > 1) splits++;
  return { items, choices, mapsRegexes, splits };
}

function hasAnchor(regex: string): boolean {
  const withoutEscapes = regex.replace(/\\(.)/g, (_, escaped: string) => (/[bBAzZG]/.test(escaped) ? "^" : ""));
  return /[\^$]/.test(withoutEscapes.replace(/\[\^?[^\]]*\]/g, ""));
}

/** The rule that takes all requests of a group; null: there is a choice. */
function certainRule(rules: readonly RuleIr[], { candidates }: PathGroupIr): RuleIr | null {
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
