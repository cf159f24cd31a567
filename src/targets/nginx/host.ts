/**
 * The hosts that have the same rules: their locations, and the maps and splits that those need. What did not change in the IR
 * comes from the memory; of a changed host only the groups whose rules changed are lowered again.
 */
import type { PathGroupIr, PathMatchIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import type { Steps } from "../../util/steps.ts";
import { block, inline, joinBlocks } from "./blocks.ts";
import { type Choice, choose } from "./choice.ts";
import { BELOW, type LocationsPlace, NOT_FOUND } from "./locations.ts";
import { holdAgain, type Names } from "./names.ts";
import { joinParts, type Parts, partsOf } from "./parts.ts";
import { isPlainPath } from "./paths.ts";
import { location, namedLocation, param, variable } from "./quote.ts";
import { type LoweredRule, lowerRule } from "./rule.ts";
import { createLocationMemory, type LocationMemory, type LocationRun, lowerGroups } from "./runs.ts";
import type { Block } from "./views.ts";

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
  /** Without those that are jumped to. */
  readonly locations: Block;
  readonly parts: Parts;
}

/** What is kept of a host from one rendering to the next. */
export interface HostMemory {
  readonly host: VirtualHostIr;
  readonly lowered: LoweredHost;
  /** Where a request to a prefix goes first, as text; empty: the host's expressions have no conditions. */
  readonly first: string;
  readonly rules: WeakMap<RuleIr, LoweredRule>;
  readonly locations: LocationMemory;
}

/** Lowers a host, or finds it as it was. `memory` is of a place with the same listener and prefix. */
export function* lowerHost(host: VirtualHostIr, place: HostPlace, memory: HostMemory | undefined): Steps<HostMemory> {
  if (memory?.host === host && holdAgain(memory.lowered.parts.claims, place.names)) return memory;
  const { groups } = host;
  if (groups === null) throw new Error(`virtual host ${host.hostnames[0]} has no path groups`);
  const key = `${place.listener} ${host.hostnames[0]}`;
  const expressionRules = conditionalExpressions(host, groups);
  const isRaw = place.prefix !== "" || !groups.every(({ path }) => isPlain(path, expressionRules !== null));
  yield;
  const kept = memory?.lowered.isRaw === isRaw ? memory : undefined;
  const rules = kept?.rules ?? new WeakMap<RuleIr, LoweredRule>();
  const ruleOf = rulesOf(rules, { ...place, isRaw });
  const expressions = expressionRules === null ? null : chooseExpressions(expressionRules, { ...place, key, ruleOf });
  const first = expressions === null ? "" : param(expressions.choice.first).text;
  const locations = kept?.first === first ? kept.locations : createLocationMemory();
  const locationsPlace = { ...place, key, expressions: expressions?.choice ?? null, ruleOf };
  const runs = yield* lowerGroups(groups, host.rules, { place: locationsPlace, memory: locations });
  const lowered = assemble(runs, { host, place: locationsPlace, isRaw, expressions });
  yield;
  return { host, lowered, first, rules, locations };
}

/** Expressions that are no locations are matched with the path as it was sent anyway. */
function isPlain(path: PathMatchIr, expressionsAreMaps: boolean): boolean {
  return (expressionsAreMaps && path.kind === "regex") || isPlainPath(path);
}

function rulesOf(
  kept: WeakMap<RuleIr, LoweredRule>,
  place: HostPlace & { readonly isRaw: boolean },
): LocationsPlace["ruleOf"] {
  return (rule) => {
    const old = kept.get(rule);
    if (old !== undefined && (old.split === null || holdAgain([old.split.claim], place.names))) return old;
    const lowered = lowerRule(rule, place);
    kept.set(rule, lowered);
    return lowered;
  };
}

/** All rules with expressions, in their order, when one of them has conditions; else null. */
function conditionalExpressions({ rules }: VirtualHostIr, groups: readonly PathGroupIr[]): readonly RuleIr[] | null {
  if (!groups.some(({ path }) => path.kind === "regex")) return null;
  const own = rules.filter(({ path }) => path.kind === "regex");
  return own.some(({ conditions }) => conditions.length > 0) ? own : null;
}

interface Expressions {
  readonly choice: Choice;
  readonly parts: Parts;
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
  return { choice, parts: partsOf({ steps: choice.steps, rules: lowered, jumped: lowered }) };
}

interface AssemblyContext {
  readonly host: VirtualHostIr;
  readonly place: LocationsPlace;
  readonly isRaw: boolean;
  readonly expressions: Expressions | null;
}

function assemble(runs: readonly LocationRun[], { host, place, isRaw, expressions }: AssemblyContext): LoweredHost {
  const hasRoot = host.groups?.some(({ path }) => path.kind === "prefix" && path.value === "/") ?? false;
  const mayMiss = runs.some((run) => run.mayMiss) || (!hasRoot && expressions !== null);
  const parts = joinParts([...(expressions === null ? [] : [expressions.parts]), ...runs.map((run) => run.parts)]);
  return {
    isRaw,
    locations: joinBlocks([...arranged(runs), ...(hasRoot ? [] : [otherPaths(place)])]),
    parts: mayMiss ? { ...parts, named: [...parts.named, { name: NOT_FOUND, block: notFound() }] } : parts,
  };
}

/** Locations that are expressions are tried in order: constant paths, the model's own, then prefixes, the longest first. */
function arranged(runs: readonly LocationRun[]): readonly Block[] {
  const late = runs.flatMap((run) => run.late).sort((a, b) => b.length - a.length);
  return [
    ...runs.flatMap(({ early }) => early ?? []),
    ...runs.flatMap(({ usual }) => usual ?? []),
    ...late.map(({ block: own }) => own),
  ];
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
