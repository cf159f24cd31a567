/** The locations of one path group: where nginx's own search (exact, expressions in order, longest prefix) finds its rules. */
import type { PathMatchIr, RuleIr } from "../../ir/index.ts";
import { inline, joinBlocks } from "./blocks.ts";
import type { Body, NamedBody } from "./body.ts";
import { type Candidate, choose, describeRule, isSure } from "./choice.ts";
import { type Jumps, jumpIfRespelled, jumpTo } from "./jumps.ts";
import { matchSuffix, type Names } from "./names.ts";
import { locationPattern } from "./paths.ts";
import { comment, isLongLocation, type Location, location, param, regexLocation } from "./quote.ts";
import type { LoweredRule } from "./rule.ts";
import type { Step } from "./step.ts";
import type { Block, PathView } from "./views.ts";

/** Where the locations stand, and how a request gets there. */
export interface LocationsPlace {
  readonly listener: string;
  /** Names the host among all of the fleet. */
  readonly key: string;
  /** What the names of its locations begin with; empty in a server of its own. */
  readonly prefix: string;
  /**
   * Some of the host's expressions have conditions. nginx cannot go on searching after one, so they have no locations: every
   * prefix jumps to this one, which asks them all and ends with the prefix's own rule. Null: expressions are locations.
   */
  readonly expressions: string | null;
  readonly jumps: Jumps;
  readonly names: Names;
  readonly ruleOf: (rule: RuleIr) => LoweredRule;
  /** Choices that several locations end with, by their first rule: made once for each rendering of the host. */
  readonly choices: Map<RuleIr, LoweredChoice>;
  /** Bodies of one directive with their braces, by its text: many rules have the same. Also made once for each rendering. */
  readonly bodies: Map<string, Block>;
}

/** A path, and the rules that may take its requests, as in `PathGroupIr`. */
export interface Group {
  readonly path: PathMatchIr;
  readonly candidates: readonly Candidate[];
  /** Of a prefix, for the path that it is itself; null: of another kind, the root, or beside an exact rule of the same path. */
  readonly bare: readonly Candidate[] | null;
}

/** What directives need elsewhere. */
export interface Needs {
  readonly steps: readonly Step[];
  /** All rules that may take the requests. */
  readonly rules: readonly LoweredRule[];
  /** Those of them that are jumped to. */
  readonly jumped: readonly LoweredRule[];
  /** Other locations that are jumped to. */
  readonly named: readonly NamedBody[];
}

/** A choice in a location of its own, and what it needs, itself included. */
export interface LoweredChoice {
  readonly name: string;
  readonly needs: Needs;
}

/** What a group gives. */
export interface LoweredGroup extends Needs {
  /** By the place where they have to stand among locations that are expressions. */
  readonly early: PathView | null;
  readonly usual: PathView | null;
  readonly late: { readonly length: number; readonly path: PathView } | null;
}

/** Where a request goes that neither an expression nor a prefix takes. No rule is named like it. */
export const NOT_FOUND: NamedBody = { name: "@-not-found", body: { before: null, last: inline("notFound", {}) } };

/** One group of a host. */
export function lowerGroup(group: Group, place: LocationsPlace): LoweredGroup {
  const { path, candidates, bare } = group;
  const lower = createSole(group, place) ?? createGroup(place, path.value);
  if (path.kind === "regex") {
    if (place.expressions !== null) return lower.result({});
    const name = regexLocation(locationPattern(place.prefix, path.value));
    return lower.result({ usual: lower.place([[name, candidates]]) });
  }
  const name = place.prefix + path.value;
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
  return lower.result({ early, late: { length: path.value.length, path: lower.place([below]) } });
}

/** A location's name and the rules that it picks from; `below`: of a prefix, after the host's expressions. */
type Placed = readonly [name: Location, candidates: readonly Candidate[], kind?: "below"];

interface GroupBuilder {
  readonly place: (locations: readonly Placed[]) => PathView;
  readonly result: (blocks: Partial<Pick<LoweredGroup, "early" | "usual" | "late">>) => LoweredGroup;
}

/** For most paths, of which one rule takes all requests in its own locations; null: there is a choice, or a jump. */
function createSole({ candidates, bare }: Group, { expressions, ruleOf, bodies }: LocationsPlace): GroupBuilder | null {
  const [only] = candidates;
  if (expressions !== null || only === undefined || !isSure(only)) return null;
  if (bare !== null && (bare[0]?.rule !== only.rule || !isSure(bare[0]))) return null;
  const lowered = ruleOf(only.rule);
  if (lowered.native !== null) return null;
  const body = inBraces(lowered.body, bodies);
  return {
    place: (locations) => ({
      comment: comment(describeRule(only.rule)),
      locations: locations.map(([name]) => ({ name, body })),
    }),
    result: (blocks) => resultOf(blocks, { steps: NONE, rules: [lowered], jumped: NONE, named: NONE }),
  };
}

function inBraces(body: Body, bodies: Map<string, Block>): Block {
  if (body.before !== null) return inline("body", body);
  const old = bodies.get(body.last.text);
  if (old !== undefined) return old;
  const made = inline("body", body);
  bodies.set(body.last.text, made);
  return made;
}

function resultOf(
  { early = null, usual = null, late = null }: Partial<LoweredGroup>,
  { steps, rules, jumped, named }: Needs,
): LoweredGroup {
  return { early, usual, late, steps, rules, jumped, named };
}

function createGroup(place: LocationsPlace, path: string): GroupBuilder {
  const needs = createNeeds(place);
  const bodyOf = (candidates: readonly Candidate[], kind: Placed[2]): Body => {
    if (kind === "below" && place.expressions !== null) {
      const below = param(needs.nameOf(candidates));
      return { before: null, last: inline("jumpBelow", { below, jump: jumpTo(place.expressions, place.jumps) }) };
    }
    const [only] = candidates;
    if (only === undefined || !isSure(only)) return needs.choice(candidates, path);
    const lowered = place.ruleOf(only.rule);
    const { body, named, native } = lowered;
    if (native === null) return body;
    needs.jump(only.rule);
    // The path of an exact location is a constant, but its query may be an empty one.
    if (kind !== "below") return { before: null, last: jumpTo(named.name, place.jumps) };
    const first = jumpIfRespelled(named.name, place.jumps);
    return { before: native.before === null ? first : joinBlocks([first, native.before]), last: native.last };
  };
  return {
    place: (locations) => {
      const byName = new Map<string, RuleIr>();
      const views = locations.map(([name, candidates, kind]): PathView["locations"][number] => {
        for (const { rule } of candidates) {
          needs.use(rule);
          if (!byName.has(rule.name)) byName.set(rule.name, rule);
        }
        return { name, body: inBraces(bodyOf(candidates, kind), place.bodies) };
      });
      return { comment: commentOf([...byName.values()]), locations: views };
    },
    result: (blocks) => resultOf(blocks, needs.all()),
  };
}

/** Gathers what directives need while they are made. */
interface NeedsBuilder {
  readonly use: (rule: RuleIr) => void;
  /** The location of a rule. */
  readonly jump: (rule: RuleIr) => string;
  /**
   * A body that picks from the candidates. `path`: rules of other prefixes, which several choices end with, are left to a location of
   * their own, unless one is sure. Null: all stand in it.
   */
  readonly choice: (candidates: readonly Candidate[], path: string | null) => Body;
  /** A location that picks from the candidates. */
  readonly nameOf: (candidates: readonly Candidate[]) => string;
  readonly all: () => Needs;
}

/** One empty list for all groups. */
const NONE: readonly never[] = [];

function createNeeds(place: LocationsPlace): NeedsBuilder {
  const steps: Step[] = [];
  const rules = new Set<LoweredRule>();
  const jumped = new Set<LoweredRule>();
  const named = new Map<string, NamedBody>();
  const jump = (rule: RuleIr): string => {
    const lowered = place.ruleOf(rule);
    rules.add(lowered);
    jumped.add(lowered);
    return lowered.named.name;
  };
  const choice: NeedsBuilder["choice"] = (candidates, path) => {
    const isOther = ({ rule, pathRegex }: Candidate) =>
      path !== null && rule.path.kind === "prefix" && rule.path.value !== path && !isSure({ rule, pathRegex });
    const at = candidates.findIndex(isOther);
    const own = at < 0 ? candidates : candidates.slice(0, at);
    const chosen = choose(
      own.filter((candidate) => !isSure(candidate)),
      { ...place, locationOf: jump },
    );
    for (const step of chosen.steps) steps.push(step);
    const rest = at < 0 ? null : jumpTo(nameOf(candidates.slice(at)), place.jumps);
    const end = rest === null ? endOf(own.at(-1), path) : { before: null, last: rest };
    return { before: joinBlocks([chosen.lines, ...(end.before === null ? NONE : [end.before])]), last: end.last };
  };
  const endOf = (last: Candidate | undefined, path: string | null): Body => {
    if (last === undefined || !isSure(last)) return NOT_FOUND.body;
    if (last.rule.path.value === path) return place.ruleOf(last.rule).body;
    return { before: null, last: jumpTo(jump(last.rule), place.jumps) };
  };
  const nameOf = (candidates: readonly Candidate[]): string => {
    const [first] = candidates;
    if (first === undefined) {
      named.set(NOT_FOUND.name, NOT_FOUND);
      return NOT_FOUND.name;
    }
    if (isSure(first)) return jump(first.rule);
    const own = choiceOf(candidates, place);
    for (const body of own.needs.named) named.set(body.name, body);
    for (const rule of own.needs.jumped) jumped.add(rule);
    for (const rule of own.needs.rules) rules.add(rule);
    for (const step of own.needs.steps) steps.push(step);
    return own.name;
  };
  return {
    use: (rule) => void rules.add(place.ruleOf(rule)),
    jump,
    choice,
    nameOf,
    all: () => ({
      steps,
      rules: [...rules],
      jumped: jumped.size === 0 ? NONE : [...jumped],
      named: named.size === 0 ? NONE : [...named.values()],
    }),
  };
}

/** The choice of a prefix, as `@from:shop/orders`: the candidates are all that its group has, so the first of them names it. */
function choiceOf(candidates: readonly Candidate[], place: LocationsPlace): LoweredChoice {
  const [{ rule }] = candidates as [Candidate];
  const old = place.choices.get(rule);
  if (old !== undefined) return old;
  const needs = createNeeds(place);
  const name = `@from:${rule.name}${matchSuffix(rule)}${place.prefix}`;
  const own = { name, body: needs.choice(candidates, null) };
  const all = needs.all();
  const made = { name, needs: { ...all, named: [own, ...all.named] } };
  place.choices.set(rule, made);
  return made;
}

function commentOf(rules: readonly RuleIr[]) {
  const [only] = rules;
  if (only === undefined) return null;
  return comment(rules.length === 1 ? describeRule(only) : rules.map(({ name }) => name).join(", else "));
}
