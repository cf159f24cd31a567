/** Locations of a host in runs: a changed rule costs its run, and the text of all others is one piece each. */
import type { PathGroupIr, RuleIr } from "../../ir/index.ts";
import { createRuns } from "../../util/runs.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { block } from "./blocks.ts";
import type { NamedBody } from "./body.ts";
import type { Candidate } from "./choice.ts";
import { type Group, type LocationsPlace, lowerGroup } from "./locations.ts";
import { holdAgain } from "./names.ts";
import { type Parts, partsOf } from "./parts.ts";
import type { LoweredRule } from "./rule.ts";
import type { Step } from "./step.ts";
import type { Block, PathView } from "./views.ts";

/** Near the square root of the largest number of paths that is usual (10 000). */
const LOCATIONS_IN_RUN = 64;

/**
 * What a run is made of. A changed host's groups are new objects. Where one rule takes all of a path, the locations depend on it alone,
 * so it stands for the group; what else there is to know of other groups is kept by their path.
 */
export type RunItem = RuleIr | KeptGroup;

/** A group with a choice. */
export interface KeptGroup extends Group {
  readonly id: string;
}

/** What some groups give, joined. */
export interface LocationRun {
  readonly early: Block | null;
  readonly usual: Block | null;
  readonly late: readonly { readonly length: number; readonly block: Block }[];
  /** Some of its locations are expressions. */
  readonly hasExpressions: boolean;
  readonly parts: Parts;
}

/** What is kept of a host's locations. One for each place. */
export interface LocationMemory {
  readonly runs: (items: readonly RunItem[], place: LocationsPlace) => Steps<readonly LocationRun[]>;
  /** By kind and value of the path. */
  groups: ReadonlyMap<string, KeptGroup>;
}

/** Nothing is known yet. */
export function createLocationMemory(): LocationMemory {
  const runs = createRuns<RunItem, LocationsPlace, LocationRun>({
    idOf: ({ id }) => id,
    length: LOCATIONS_IN_RUN,
    make: lowerRun,
    holds: ({ parts }, { names }) => holdAgain(parts.claims, names),
  });
  return { runs, groups: new Map() };
}

/** The locations of all groups, run by run. */
export function* lowerGroups(
  groups: readonly PathGroupIr[],
  rules: readonly RuleIr[],
  { place, memory }: { readonly place: LocationsPlace; readonly memory: LocationMemory },
): Steps<readonly LocationRun[]> {
  const kept = new Map<string, KeptGroup>();
  const items: RunItem[] = [];
  for (const group of groups) {
    const only = onlyRule(group, rules);
    if (only !== null) {
      items.push(only);
      continue;
    }
    const id = `${group.path.kind} ${group.path.value}`;
    const old = memory.groups.get(id);
    const own = old !== undefined && isSameGroup(old, group, rules) ? old : keep(id, group, rules);
    kept.set(id, own);
    items.push(own);
    if (shouldYield(kept.size)) yield;
  }
  memory.groups = kept;
  return yield* memory.runs(items, place);
}

/** The rule that takes all requests to the group's path; null: there is a choice, or an exact rule stands beside a prefix. */
function onlyRule({ path, candidates, bare }: PathGroupIr, rules: readonly RuleIr[]): RuleIr | null {
  const [only] = candidates;
  if (only === undefined || candidates.length > 1 || only.pathRegex !== null) return null;
  if (path.kind === "prefix" && path.value !== "/") {
    const [exact] = bare ?? [];
    if (exact?.rule !== only.rule || exact.pathRegex !== null) return null;
  }
  const rule = rules[only.rule];
  if (rule === undefined || rule.conditions.length > 0) return null;
  return rule.path.value === path.value && rule.path.kind === path.kind ? rule : null;
}

function keep(id: string, { path, candidates, bare }: PathGroupIr, rules: readonly RuleIr[]): KeptGroup {
  const resolve = (list: PathGroupIr["candidates"]): readonly Candidate[] =>
    list.map(({ rule, pathRegex }) => ({ rule: rules[rule] as RuleIr, pathRegex }));
  const own = resolve(candidates);
  return { id, path, candidates: own, bare: bare === candidates ? own : bare && resolve(bare) };
}

function isSameGroup({ candidates, bare }: KeptGroup, group: PathGroupIr, rules: readonly RuleIr[]): boolean {
  if (!isSame(candidates, group.candidates, rules)) return false;
  return bare === null || group.bare === null ? bare === group.bare : isSame(bare, group.bare, rules);
}

function isSame(old: readonly Candidate[], candidates: PathGroupIr["candidates"], rules: readonly RuleIr[]): boolean {
  return (
    old.length === candidates.length &&
    candidates.every(({ rule, pathRegex }, index) => {
      const other = old[index] as Candidate;
      return other.rule === rules[rule] && other.pathRegex === pathRegex;
    })
  );
}

/** Candidates that are written between two rests: about a millisecond. */
const WORK_PER_STEP = 32;

function* lowerRun(items: readonly RunItem[], place: LocationsPlace): Steps<LocationRun> {
  const [early, usual]: [PathView[], PathView[]] = [[], []];
  const late: LocationRun["late"][number][] = [];
  const needs = {
    steps: [] as Step[],
    rules: new Set<LoweredRule>(),
    jumped: new Set<LoweredRule>(),
    named: [] as NamedBody[],
  };
  let work = 0;
  for (let index = 0; index < items.length; index++) {
    const item = items[index] as RunItem;
    const group = lowerGroup("candidates" in item ? item : groupOf(item), place);
    if (group.early !== null) early.push(group.early);
    if (group.usual !== null) usual.push(group.usual);
    if (group.late !== null)
      late.push({ length: group.late.length, block: block("locations", { paths: [group.late.path] }) });
    for (const step of group.steps) needs.steps.push(step);
    for (const named of group.named) needs.named.push(named);
    for (const rule of group.rules) needs.rules.add(rule);
    for (const rule of group.jumped) needs.jumped.add(rule);
    work += "candidates" in item ? 1 + item.candidates.length : 1;
    if (work < WORK_PER_STEP) continue;
    work = 0;
    yield;
  }
  return {
    early: joined(early),
    usual: joined(usual),
    late,
    hasExpressions: early.length > 0 || late.length > 0 || items.some(isExpression),
    parts: partsOf(needs, place.jumps),
  };
}

function isExpression({ path }: RunItem): boolean {
  return path.kind === "regex";
}

/** All requests to the rule's path are its own. */
function groupOf(rule: RuleIr): Group {
  const { path } = rule;
  const candidates = [{ rule, pathRegex: null }];
  return { path, candidates, bare: path.kind === "prefix" && path.value !== "/" ? candidates : null };
}

function joined(paths: readonly PathView[]): Block | null {
  return paths.length === 0 ? null : block("locations", { paths });
}
