/**
 * What it takes to write a fleet's configuration, estimated from its IR before: rather too much than too little. Of a fleet that
 * changed only what changed is estimated anew.
 */

import { lookupsOf } from "../compiler/index.ts";
import { type ConditionIr, type FleetIr, plainName, type RuleIr, tlsRoutesOf } from "../ir/index.ts";
import type { RenderingCost, Target } from "../targets/target.ts";
import { sortedSteps } from "../util/sorted.ts";
import { type Steps, shouldYield } from "../util/steps.ts";

/** See `Bounds` in src/model/bounds.ts. */
export interface Weight {
  readonly renderingMemory: number;
  readonly lookups: number;
}

export interface Weigher {
  /** For all of the fleet's targets. Counting ends above `maxLookups` for each host. */
  readonly weigh: (ir: FleetIr, targets: readonly Costly[], maxLookups: number) => Steps<Weight>;
  /** The routes and clusters that most of the fleets' texts come of, the largest first, as `routes/api (120000)`. */
  readonly heaviest: (fleets: Iterable<FleetIr>) => Steps<readonly string[]>;
}

type Costly = Pick<Target, "cost" | "needsPathGroups">;

/** Of a rule: names and words that it always has. */
const RULE_TEXT = 100;
/** A regular expression may be spelt out, an address range is written as one: by so much longer at most. */
const EXPANSION = 8;
/** A range and its label: Envoy gets ranges that do not overlap, which are more. */
const GEO_ENTRY_TEXT = 200;
const COSTS: readonly (keyof RenderingCost)[] = ["host", "rule", "text", "lookup", "endpoint"];
/** Contributors that a message names. */
const MAX_NAMED = 3;

/** What is counted of rules. */
interface Counts {
  readonly rules: number;
  readonly text: number;
  readonly lookups: number;
}

/** A weigher that remembers what it estimated of nodes of the IR, as long as these are there. */
export function createWeigher(): Weigher {
  const sizes = new WeakMap<object, number>();
  const counted = new WeakMap<readonly RuleIr[], Counts>();

  const sizeOf = (node: object): number => {
    const size = sizes.get(node) ?? JSON.stringify(node).length;
    sizes.set(node, size);
    return size;
  };

  const textOf = (rule: RuleIr): number => {
    const known = sizes.get(rule);
    if (known !== undefined) return known;
    let text = RULE_TEXT + sizeOf(rule.action) + sizeOf(rule.policies);
    text += rule.path.value.length * (rule.path.kind === "regex" ? EXPANSION : 1);
    for (const condition of rule.conditions) text += textOfCondition(condition);
    // What is sent again and what is sent once are written apart.
    if (rule.policies.retry !== null) text *= 2;
    sizes.set(rule, text);
    return text;
  };

  function* ofRules(rules: readonly RuleIr[], maxLookups: number): Steps<Counts> {
    const known = counted.get(rules);
    if (known !== undefined) return known;
    let text = 0;
    for (const [index, rule] of rules.entries()) {
      text += textOf(rule);
      if (shouldYield(index)) yield;
    }
    const counts = { rules: rules.length, text, lookups: yield* lookupsOf(rules, maxLookups) };
    counted.set(rules, counts);
    return counts;
  }

  function* weigh(ir: FleetIr, targets: readonly Costly[], maxLookups: number): Steps<Weight> {
    const all = { host: 0, rule: 0, text: 0, lookup: 0, endpoint: 0 };
    for (const port of ir.ports) {
      for (const [index, { serverNames }] of (tlsRoutesOf(port)?.routes ?? []).entries()) {
        all.host += 1;
        for (const name of serverNames) all.text += RULE_TEXT + name.length;
        if (shouldYield(index)) yield;
      }
      if (port.kind !== "http") continue;
      for (const { entries } of port.geoTables) all.text += entries.length * GEO_ENTRY_TEXT;
      for (const [index, { rules, hostnames }] of port.virtualHosts.entries()) {
        const counts = yield* ofRules(rules, maxLookups);
        all.host += 1;
        all.rule += counts.rules;
        all.text += counts.text;
        all.lookup += counts.lookups;
        for (const name of hostnames) all.text += RULE_TEXT + name.length;
        if (shouldYield(index)) yield;
      }
    }
    for (const [index, cluster] of ir.clusters.entries()) {
      all.host += 1;
      all.endpoint += cluster.endpoints.length;
      if (shouldYield(index)) yield;
    }
    const of = ({ cost }: Costly): number => COSTS.reduce((total, name) => total + all[name] * cost[name], 0);
    const renderingMemory = targets.reduce((total, target) => total + of(target), 0);
    return { renderingMemory, lookups: targets.some(({ needsPathGroups }) => needsPathGroups) ? all.lookup : 0 };
  }

  function* heaviest(fleets: Iterable<FleetIr>): Steps<readonly string[]> {
    const shares = new Map<string, number>();
    const add = (name: string, bytes: number): unknown => shares.set(name, (shares.get(name) ?? 0) + bytes);
    let index = 0;
    for (const ir of fleets) {
      for (const rule of rulesOf(ir)) {
        add(`routes/${rule.route}`, textOf(rule));
        if (shouldYield(index++)) yield;
      }
      for (const cluster of ir.clusters) {
        add(`clusters/${plainName(cluster.name)}`, sizeOf(cluster));
        if (shouldYield(index++)) yield;
      }
    }
    const sorted = yield* sortedSteps([...shares], ([, a], [, b]) => b - a);
    return sorted.slice(0, MAX_NAMED).map(([name, bytes]) => `${name} (${bytes})`);
  }

  return { weigh, heaviest };
}

function* rulesOf(ir: FleetIr): Iterable<RuleIr> {
  for (const port of ir.ports) if (port.kind === "http") for (const { rules } of port.virtualHosts) yield* rules;
}

function textOfCondition({ test, value, field }: ConditionIr): number {
  const isExpanded = test === "regex" || test === "within";
  return RULE_TEXT + ("name" in field ? field.name.length : 0) + value.length * (isExpanded ? EXPANSION : 1);
}
