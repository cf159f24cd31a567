/** The locations of one path group: where nginx's own search (exact, expressions in order, longest prefix) finds its rules. */
import type { PathMatchIr, RuleIr } from "../../ir/index.ts";
import { linearRegex } from "../../regex/index.ts";
import { block, inline, joinBlocks } from "./blocks.ts";
import { type Candidate, type Choice, choose, describeRule, type Step } from "./choice.ts";
import type { Names } from "./names.ts";
import {
  comment,
  isLongLocation,
  type Location,
  literalPattern,
  location,
  namedLocation,
  type Part,
  param,
  regexLocation,
} from "./quote.ts";
import { type Body, jumpTo, type LoweredRule } from "./rule.ts";
import type { Block, LocationView } from "./views.ts";

/** Where the locations stand, and how a request gets there. */
export interface LocationsPlace {
  readonly listener: string;
  /** Names the host among all of the fleet. */
  readonly key: string;
  /** What the names of its locations begin with; empty in a server of its own. */
  readonly prefix: string;
  /**
   * Some of the host's expressions have conditions. nginx cannot go on searching after one, so they have no locations: every
   * prefix asks this choice first, which ends with the prefix's own rule. Null: expressions are locations.
   */
  readonly expressions: Choice | null;
  readonly names: Names;
  readonly ruleOf: (rule: RuleIr) => LoweredRule;
}

/** A path, and the rules that may take its requests, as in `PathGroupIr`. */
export interface Group {
  readonly path: PathMatchIr;
  readonly candidates: readonly Candidate[];
  /** Of a prefix, for the path that it is itself; null: of another kind, the root, or beside an exact rule of the same path. */
  readonly bare: readonly Candidate[] | null;
}

/** What a group gives. */
export interface LoweredGroup {
  /** By the place where they have to stand among locations that are expressions. */
  readonly early: Block | null;
  readonly usual: Block | null;
  readonly late: { readonly length: number; readonly block: Block } | null;
  readonly steps: readonly Step[];
  /** All rules that may take its requests. */
  readonly rules: readonly LoweredRule[];
  /** Those of them that are jumped to. */
  readonly jumped: readonly LoweredRule[];
  /** Some request may end at `NOT_FOUND`. */
  readonly mayMiss: boolean;
}

/** Where a request goes that no rule takes. No rule is named like it. */
export const NOT_FOUND = "@not-found";
/** In the locations of prefixes: the rule that takes what no expression takes. */
export const BELOW = "prefix_rule";

/** One group of a host. */
export function lowerGroup({ path, candidates, bare }: Group, place: LocationsPlace): LoweredGroup {
  const lower = createGroup(place);
  const name = place.prefix + path.value;
  if (path.kind === "regex") {
    if (place.expressions !== null) return lower.result({});
    const pattern = `^${literalPattern(place.prefix)}(?:${linearRegex(path.value).pattern})\\z`;
    return lower.result({ usual: lower.place([[regexLocation(pattern), candidates]]) });
  }
  if (path.kind === "exact") {
    const own = lower.place([[location("exact", name), candidates]]);
    return lower.result(isLongLocation(name) ? { early: own } : { usual: own });
  }
  const isRoot = path.value === "/";
  const below: Placed = [location("prefix", isRoot ? name : `${name}/`), candidates, "below"];
  // An exact rule of the same path has its own group.
  const exact: Placed | null = bare === null ? null : [location("exact", name), bare];
  const isLong = !isRoot && isLongLocation(`${name}/`);
  if (!isLong) return lower.result({ usual: lower.place(exact === null ? [below] : [exact, below]) });
  const early = exact === null ? null : lower.place([exact]);
  return lower.result({ early, late: { length: path.value.length, block: lower.place([below]) } });
}

/** A location's name and the rules that it picks from; `below`: of a prefix, after the host's expressions. */
type Placed = readonly [name: Location, candidates: readonly Candidate[], kind?: "below"];

interface GroupBuilder {
  readonly place: (locations: readonly Placed[]) => Block;
  readonly result: (blocks: Partial<Pick<LoweredGroup, "early" | "usual" | "late">>) => LoweredGroup;
}

function createGroup(place: LocationsPlace): GroupBuilder {
  const steps: Step[] = [];
  const jumped = new Set<LoweredRule>();
  const known = new Set<LoweredRule>();
  let mayMiss = false;
  const locationOf = (rule: RuleIr): string => {
    const lowered = place.ruleOf(rule);
    jumped.add(lowered);
    return lowered.named.name;
  };
  const jump = (candidates: readonly Candidate[]): Part => {
    const { first, steps: own } = choose(candidates, NOT_FOUND, { ...place, locationOf });
    steps.push(...own);
    const last = candidates.at(-1);
    if (last === undefined || !isSure(last)) mayMiss = true;
    return first;
  };
  const bodyOf = (candidates: readonly Candidate[], kind: Placed[2]): Body => {
    if (kind === "below" && place.expressions !== null) {
      const view = { target: param(place.expressions.first), below: param(jump(candidates)) };
      return { before: null, last: inline("jumpBelow", view) };
    }
    const [only] = candidates;
    if (only === undefined) return { before: null, last: inline("notFound", {}) };
    if (!isSure(only)) return { before: null, last: jumpTo(jump(candidates)) };
    const lowered = place.ruleOf(only.rule);
    const { named, native } = lowered;
    if (native === null) return named.body;
    jumped.add(lowered);
    // The path of an exact location is a constant, but its query may be an empty one.
    if (kind !== "below") return { before: null, last: jumpTo(named.name) };
    return respelledBody(native, named.name);
  };
  return {
    place: (locations) => {
      const byName = new Map<string, RuleIr>();
      const views = locations.map(([name, candidates, kind]): LocationView["locations"][number] => {
        for (const { rule } of candidates) {
          known.add(place.ruleOf(rule));
          if (!byName.has(rule.name)) byName.set(rule.name, rule);
        }
        return { name, ...bodyOf(candidates, kind) };
      });
      return block("location", { comment: commentOf([...byName.values()]), locations: views });
    },
    result: (blocks) => ({
      early: null,
      usual: null,
      late: null,
      ...blocks,
      steps,
      rules: known.size === 0 ? NONE : [...known],
      jumped: jumped.size === 0 ? NONE : [...jumped],
      mayMiss,
    }),
  };
}

/** One empty list for all groups. */
const NONE: readonly never[] = [];

/** Nothing left to ask. */
export function isSure({ rule, pathRegex }: Candidate): boolean {
  return pathRegex === null && rule.conditions.length === 0;
}

function respelledBody({ before, last }: Body, named: string): Body {
  const first = block("respelled", { target: namedLocation(named) });
  return { before: before === null ? first : joinBlocks([first, before]), last };
}

function commentOf(rules: readonly RuleIr[]) {
  const [only] = rules;
  if (only === undefined) return null;
  return comment(rules.length === 1 ? describeRule(only) : rules.map(({ name }) => name).join(", else "));
}
