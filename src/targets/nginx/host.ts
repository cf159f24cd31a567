/**
 * The hosts that have the same rules: their locations, and the maps and splits that those need. What did not change in the IR
 * comes from the memory; of a changed host only the groups whose rules changed are lowered again.
 */
import type { PathGroupIr, PathMatchIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { due, type Steps } from "../../util/steps.ts";
import { block, inline, joinBlocks } from "./blocks.ts";
import { type Candidate, type Choice, choose, type Step } from "./choice.ts";
import { BELOW, type LocationsPlace, type LoweredGroup, lowerGroup, NOT_FOUND } from "./locations.ts";
import { type Claim, holdAgain, type Names } from "./names.ts";
import { isPlainPath } from "./paths.ts";
import { type AnswerField, inOrder } from "./policies/policy.ts";
import { location, namedLocation, param, variable } from "./quote.ts";
import { type LoweredRule, lowerRule, type NamedBody, placeNamed } from "./rule.ts";
import type { Block, MapView } from "./views.ts";

/** Where a host is lowered for. */
export interface HostPlace {
  readonly listener: string;
  /** What its locations' names begin with; empty: they stand in a server of their own. */
  readonly prefix: string;
  readonly names: Names;
  readonly connectTimeouts: ReadonlyMap<string, number>;
}

/** What the hosts give. */
export interface LoweredHost {
  /** Locations match the path as it was sent. */
  readonly isRaw: boolean;
  /** Maps of choices, then splits. */
  readonly maps: readonly Named[];
  readonly locations: Block;
  /** Locations that are jumped to. */
  readonly named: readonly Named[];
  readonly answerFields: readonly AnswerField[];
  /** Maps of the http block. */
  readonly sharedMaps: readonly MapView[];
  readonly clusters: ReadonlySet<string>;
  readonly claims: readonly Claim[];
}

/** The same name, the same block. */
export interface Named {
  readonly name: string;
  readonly block: Block;
}

interface KeptGroup {
  readonly path: PathMatchIr;
  readonly candidates: readonly Candidate[];
  readonly bare: readonly Candidate[] | null;
  readonly lowered: LoweredGroup;
}

/** What is kept of a host from one rendering to the next. */
export interface HostMemory {
  readonly host: VirtualHostIr;
  readonly lowered: LoweredHost;
  /** Where a request to a prefix goes first, as text; empty: the host's expressions have no conditions. */
  readonly first: string;
  readonly rules: WeakMap<RuleIr, LoweredRule>;
  /** By kind and value of the path. */
  readonly groups: ReadonlyMap<string, KeptGroup>;
}

/** Lowers a host, or finds it as it was. `memory` is of a place with the same listener and prefix. */
export function* lowerHost(host: VirtualHostIr, place: HostPlace, memory: HostMemory | undefined): Steps<HostMemory> {
  if (memory?.host === host && holdAgain(memory.lowered.claims, place.names)) return memory;
  const { groups } = host;
  if (groups === null) throw new Error(`virtual host ${host.hostnames[0]} has no path groups`);
  const key = `${place.listener} ${host.hostnames[0]}`;
  const expressionRules = conditionalExpressions(host, groups);
  const isRaw = place.prefix !== "" || !groups.every(({ path }) => isPlain(path, expressionRules !== null));
  const kept = memory?.lowered.isRaw === isRaw ? memory : undefined;
  const ruleOf = rulesOf(kept?.rules ?? new WeakMap(), { ...place, isRaw });
  const expressions = expressionRules === null ? null : chooseExpressions(expressionRules, { ...place, key, ruleOf });
  const first = expressions === null ? "" : param(expressions.choice.first).text;
  const known = kept?.first === first ? kept.groups : new Map<string, KeptGroup>();
  const locationsPlace = { ...place, key, expressions: expressions?.choice ?? null, ruleOf };
  const found = new Map<string, KeptGroup>();
  for (let index = 0; index < groups.length; index++) {
    const group = groups[index] as PathGroupIr;
    const name = `${group.path.kind} ${group.path.value}`;
    found.set(name, groupOf(group, { host, place: locationsPlace, old: known.get(name) }));
    if (due(index)) yield;
  }
  const lowered = yield* assemble([...found.values()], { host, place: locationsPlace, isRaw, expressions });
  return { host, lowered, first, rules: ruleOf.kept, groups: found };
}

/** Expressions that are no locations are matched with the path as it was sent anyway. */
function isPlain(path: PathMatchIr, expressionsAreMaps: boolean): boolean {
  return (expressionsAreMaps && path.kind === "regex") || isPlainPath(path);
}

type RuleOf = LocationsPlace["ruleOf"] & { readonly kept: WeakMap<RuleIr, LoweredRule> };

function rulesOf(kept: WeakMap<RuleIr, LoweredRule>, place: HostPlace & { readonly isRaw: boolean }): RuleOf {
  const ruleOf = (rule: RuleIr): LoweredRule => {
    const old = kept.get(rule);
    if (old !== undefined && (old.split === null || holdAgain([old.split.claim], place.names))) return old;
    const lowered = lowerRule(rule, place);
    kept.set(rule, lowered);
    return lowered;
  };
  return Object.assign(ruleOf, { kept });
}

/** All rules with expressions, in their order, when one of them has conditions; else null. */
function conditionalExpressions({ rules }: VirtualHostIr, groups: readonly PathGroupIr[]): readonly RuleIr[] | null {
  if (!groups.some(({ path }) => path.kind === "regex")) return null;
  const own = rules.filter(({ path }) => path.kind === "regex");
  return own.some(({ conditions }) => conditions.length > 0) ? own : null;
}

interface Expressions {
  readonly choice: Choice;
  readonly rules: readonly LoweredRule[];
}

type ExpressionsPlace = Pick<LocationsPlace, "listener" | "names" | "key" | "ruleOf">;

function chooseExpressions(rules: readonly RuleIr[], place: ExpressionsPlace): Expressions {
  const lowered = new Set<LoweredRule>();
  const locationOf = (rule: RuleIr): string => {
    lowered.add(place.ruleOf(rule));
    return place.ruleOf(rule).named.name;
  };
  const candidates = rules.map((rule) => ({ rule, pathRegex: rule.path.value }));
  const choice = choose(candidates, variable(BELOW), { ...place, locationOf });
  return { choice, rules: [...lowered] };
}

interface GroupContext {
  readonly host: VirtualHostIr;
  readonly place: LocationsPlace;
  readonly old: KeptGroup | undefined;
}

function groupOf(group: PathGroupIr, { host: { rules }, place, old }: GroupContext): KeptGroup {
  if (old !== undefined && isSame(old.candidates, group.candidates, rules) && isSameBare(old, group, rules)) {
    const { steps, rules: used } = old.lowered;
    const isHeld = steps.every(({ claims }) => holdAgain(claims, place.names));
    if (isHeld && used.every(({ split }) => split === null || holdAgain([split.claim], place.names))) return old;
  }
  const resolve = (list: PathGroupIr["candidates"]): readonly Candidate[] =>
    list.map(({ rule, pathRegex }) => ({ rule: rules[rule] as RuleIr, pathRegex }));
  const candidates = resolve(group.candidates);
  const bare = group.bare === null || group.bare === group.candidates ? null : resolve(group.bare);
  return { path: group.path, candidates, bare, lowered: lowerGroup(group, rules, place) };
}

function isSameBare({ candidates, bare }: KeptGroup, group: PathGroupIr, rules: readonly RuleIr[]): boolean {
  if (group.bare === null) return bare === null;
  return isSame(bare ?? candidates, group.bare, rules);
}

function isSame(old: readonly Candidate[], candidates: PathGroupIr["candidates"], rules: readonly RuleIr[]): boolean {
  if (old.length !== candidates.length) return false;
  for (let index = 0; index < old.length; index++) {
    const [one, two] = [old[index] as Candidate, candidates[index] as PathGroupIr["candidates"][number]];
    if (one.rule !== rules[two.rule] || one.pathRegex !== two.pathRegex) return false;
  }
  return true;
}

interface AssemblyContext {
  readonly host: VirtualHostIr;
  readonly place: LocationsPlace;
  readonly isRaw: boolean;
  readonly expressions: Expressions | null;
}

function* assemble(
  groups: readonly KeptGroup[],
  { host, place, isRaw, expressions }: AssemblyContext,
): Steps<LoweredHost> {
  const uses = new Set<LoweredRule>(expressions?.rules);
  const jumped = new Set<LoweredRule>(expressions?.rules);
  const steps = new Map<string, Step>();
  for (const step of expressions?.choice.steps ?? []) steps.set(stepName(step), step);
  let mayMiss = false;
  for (let index = 0; index < groups.length; index++) {
    const { lowered } = groups[index] as KeptGroup;
    for (const rule of lowered.rules) uses.add(rule);
    for (const rule of lowered.jumped) jumped.add(rule);
    for (const step of lowered.steps) steps.set(stepName(step), step);
    mayMiss ||= lowered.mayMiss;
    if (due(index)) yield;
  }
  const hasRoot = host.groups?.some(({ path }) => path.kind === "prefix" && path.value === "/") ?? false;
  const rest = hasRoot ? [] : [otherPaths(place)];
  const named = namedOf(uses, jumped);
  if (mayMiss || (!hasRoot && place.expressions !== null)) named.push({ name: NOT_FOUND, block: notFound() });
  const splits = new Map<string, Named>();
  for (const { split } of uses) {
    if (split !== null) splits.set(split.claim.got, { name: split.claim.got, block: split.block });
  }
  yield;
  return {
    isRaw,
    maps: [...[...steps].map(([name, step]) => ({ name, block: step.block })), ...splits.values()],
    locations: joinBlocks([...arranged(groups), ...rest]),
    named,
    answerFields: inOrder([...uses].flatMap(({ answerFields }) => answerFields)),
    sharedMaps: [...uses].flatMap(({ maps }) => maps),
    clusters: new Set([...uses].flatMap(({ clusters }) => clusters)),
    claims: [...[...steps.values()].flatMap(({ claims }) => claims), ...splitClaims(uses)],
  };
}

const stepName = ({ claims: [first] }: Step): string => (first as Claim).got;

function splitClaims(uses: ReadonlySet<LoweredRule>): readonly Claim[] {
  return [...uses].flatMap(({ split }) => (split === null ? [] : [split.claim]));
}

/** Locations that are expressions are tried in order: constant paths, the model's own, then prefixes, the longest first. */
function arranged(groups: readonly KeptGroup[]): readonly Block[] {
  const blocks: Block[] = [];
  const late: { readonly length: number; readonly block: Block }[] = [];
  for (const { lowered } of groups) if (lowered.early.text !== "") blocks.push(lowered.early);
  for (const { lowered, path } of groups) {
    if (lowered.usual.text !== "") blocks.push(lowered.usual);
    if (lowered.late.text !== "") late.push({ length: path.value.length, block: lowered.late });
  }
  late.sort((a, b) => b.length - a.length);
  return [...blocks, ...late.map(({ block: own }) => own)];
}

/** Paths that no prefix covers. */
function otherPaths({ prefix, expressions }: LocationsPlace): Block {
  const last =
    expressions === null
      ? inline("notFound", {})
      : inline("jumpBelow", { target: param(expressions.first), below: param(NOT_FOUND) });
  return block("location", {
    comment: null,
    locations: [{ name: location("prefix", `${prefix}/`), before: null, last }],
  });
}

function notFound(): Block {
  const own = { name: namedLocation(NOT_FOUND), before: null, last: inline("notFound", {}) };
  return block("location", { comment: null, locations: [own] });
}

/** Of rules that are jumped to, and those that the draws of all rules give. */
function namedOf(uses: ReadonlySet<LoweredRule>, jumped: ReadonlySet<LoweredRule>): Named[] {
  const found = new Map<string, Block>();
  const add = (body: NamedBody): void => {
    if (!found.has(body.name)) found.set(body.name, placeNamed(body));
  };
  for (const { named } of jumped) add(named);
  for (const { others } of uses) for (const other of others) add(other);
  return [...found].map(([name, own]) => ({ name, block: own }));
}
