/**
 * The hosts that have the same rules: their locations, and the maps and splits that those need. What did not change in the IR
 * comes from the memory; of a changed host only the groups whose rules changed are lowered again.
 */
import type { PathGroupIr, PathMatchIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import type { Steps } from "../../util/steps.ts";
import type { Affine } from "./affinity.ts";
import { block, inline, joinBlocks } from "./blocks.ts";
import { choose } from "./choice.ts";
import { type Jumps, jumpTo } from "./jumps.ts";
import { type LocationsPlace, NOT_FOUND } from "./locations.ts";
import { holdAgain, type Names } from "./names.ts";
import { joinParts, NO_INGREDIENTS, type Parts, partsOf } from "./parts.ts";
import { isPlainPath } from "./paths.ts";
import { location, param, variable } from "./quote.ts";
import { type LoweredRule, lowerRule, type RulePlace } from "./rule.ts";
import { createLocationMemory, type LocationMemory, type LocationRun, lowerGroups } from "./runs.ts";
import type { LimitPlace } from "./upstream/limits.ts";
import type { Http2Clusters } from "./upstream/protocol.ts";
import type { Secured } from "./upstream/tls.ts";
import type { Block } from "./views.ts";
import type { WrittenPlace } from "./writtenFields.ts";

/** Where a host is lowered for. */
export interface HostPlace extends LimitPlace, WrittenPlace {
  readonly listener: string;
  readonly isTls: boolean;
  /** What its locations' names begin with; empty: they stand in a server of their own. */
  readonly prefix: string;
  /** One way for all hosts of a server. */
  readonly jumps: Jumps;
  readonly names: Names;
  readonly connectTimeouts: ReadonlyMap<string, number>;
  readonly affine: Affine;
  readonly secured: Secured;
  readonly http2: Http2Clusters;
  /** Request fields that rules of its server look at. */
  readonly gated: readonly string[];
  readonly isLogged: boolean;
  /** Alt-Svc of its answers; null: none. */
  readonly altSvc: string | null;
}

/** What the hosts give. */
export interface LoweredHost {
  /** Locations match the path as it was sent. */
  readonly isRaw: boolean;
  /** Without those that are jumped to. */
  readonly locations: Block;
  /** Some of them are expressions, which nginx tries one by one. */
  readonly hasExpressions: boolean;
  readonly parts: Parts;
}

/** In the locations of prefixes: the location of what takes the request when no expression does. */
const BELOW = "prefix_rule";

/** What is kept of a host from one rendering to the next. */
export interface HostMemory {
  readonly host: VirtualHostIr;
  readonly jumps: Jumps;
  readonly gated: readonly string[];
  readonly lowered: LoweredHost;
  /** Its expressions are no locations. */
  readonly asksExpressions: boolean;
  readonly rules: WeakMap<RuleIr, LoweredRule>;
  readonly locations: LocationMemory;
}

/** Lowers a host, or finds it as it was. `memory` is of a place with the same listener and prefix. */
export function* lowerHost(host: VirtualHostIr, place: HostPlace, memory: HostMemory | undefined): Steps<HostMemory> {
  const { jumps, gated } = place;
  const fitting =
    memory !== undefined && memory.jumps === jumps && isSameList(memory.gated, gated) ? memory : undefined;
  if (fitting?.host === host && holdAgain(fitting.lowered.parts.claims, place.names)) return fitting;
  const { groups } = host;
  if (groups === null) throw new Error(`virtual host ${host.hostnames[0]} has no path groups`);
  const key = `${place.listener} ${host.hostnames[0]}`;
  const expressionRules = conditionalExpressions(host, groups);
  const isRaw = place.prefix !== "" || !groups.every(({ path }) => isPlain(path, expressionRules !== null));
  yield;
  const kept = fitting?.lowered.isRaw === isRaw ? fitting : undefined;
  const rules = kept?.rules ?? new WeakMap<RuleIr, LoweredRule>();
  const ruleOf = rulesOf(rules, { ...place, isRaw, forwards: new Map() });
  const asksExpressions = expressionRules !== null;
  const locations = kept?.asksExpressions === asksExpressions ? kept.locations : createLocationMemory();
  const expressions = asksExpressions ? EXPRESSIONS + place.prefix : null;
  const locationsPlace = { ...place, key, expressions, ruleOf, choices: new Map(), bodies: new Map() };
  const runs = yield* lowerGroups(groups, host.rules, { place: locationsPlace, memory: locations });
  const asked = expressionRules === null ? null : askExpressions(expressionRules, locationsPlace);
  const lowered = assemble(runs, { host, place: locationsPlace, isRaw, asked });
  yield;
  return { host, jumps, gated, lowered, asksExpressions, rules, locations };
}

function isSameList(before: readonly string[], after: readonly string[]): boolean {
  return before === after || (before.length === after.length && before.every((name, index) => name === after[index]));
}

/** Expressions that are no locations are matched with the path as it was sent anyway. */
function isPlain(path: PathMatchIr, expressionsAreMaps: boolean): boolean {
  return (expressionsAreMaps && path.kind === "regex") || isPlainPath(path);
}

function rulesOf(kept: WeakMap<RuleIr, LoweredRule>, place: RulePlace): LocationsPlace["ruleOf"] {
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

/** The location that asks the expressions. No rule is named like it, and nginx finds it first: it compares names in order. */
const EXPRESSIONS = "@-expressions";

/** Ends with the rule of the prefix that the request came from. */
function askExpressions(rules: readonly RuleIr[], place: LocationsPlace): Parts {
  const jumped = new Set<LoweredRule>();
  const locationOf = (rule: RuleIr): string => {
    jumped.add(place.ruleOf(rule));
    return place.ruleOf(rule).named.name;
  };
  const candidates = rules.map((rule) => ({ rule, pathRegex: rule.path.value }));
  const { lines, steps } = choose(candidates, { ...place, locationOf });
  const own = {
    name: place.expressions as string,
    body: { before: lines, last: jumpTo(variable(BELOW), place.jumps) },
  };
  return partsOf({ steps, rules: jumped, jumped, named: [own] }, place.jumps);
}

interface AssemblyContext {
  readonly host: VirtualHostIr;
  readonly place: LocationsPlace;
  readonly isRaw: boolean;
  readonly asked: Parts | null;
}

function assemble(runs: readonly LocationRun[], { host, place, isRaw, asked }: AssemblyContext): LoweredHost {
  const hasRoot = host.groups?.some(({ path }) => path.kind === "prefix" && path.value === "/") ?? false;
  const parts = [...runs.map((run) => run.parts), ...(asked === null ? [] : [asked])];
  if (!hasRoot && asked !== null) parts.push(partsOf({ ...NO_INGREDIENTS, named: [NOT_FOUND] }, place.jumps));
  return {
    isRaw,
    hasExpressions: runs.some((run) => run.hasExpressions),
    locations: joinBlocks([...arranged(runs), ...(hasRoot ? [] : [otherPaths(place)])]),
    parts: joinParts(parts),
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
function otherPaths({ prefix, expressions, jumps }: LocationsPlace): Block {
  const last =
    expressions === null
      ? NOT_FOUND.body.last
      : inline("jumpBelow", { below: param(NOT_FOUND.name), jump: jumpTo(expressions, jumps) });
  const locations = [{ name: location("prefix", `${prefix}/`), body: inline("body", { before: null, last }) }];
  return block("locations", { paths: [{ comment: null, locations }] });
}
