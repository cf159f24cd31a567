/** What a run of rules adds to the configuration, joined: kept, so that a changed rule costs its run and not all rules. */
import type { RuleIr } from "../../ir/index.ts";
import { createRuns } from "../../util/runs.ts";
import { mapSteps, type Steps } from "../../util/steps.ts";
import type { RuleContext } from "./attributes.ts";
import type { Class } from "./classes.ts";
import type { Namer } from "./names.ts";
import { type MapEntry, type MapLines, mapLines, param, type Variable, variable } from "./quote.ts";
import { type JoinedHeader, type LoweredRule, lowerRule, type ResponseHeader } from "./rules.ts";
import { lowerSplit, splitVariable } from "./splits.ts";
import type { Block, RenderBlock, SplitView } from "./views.ts";

/** Near the square root of the largest number of rules that is usual (10 000). */
const RULES_IN_RUN = 64;

/** The lines of one map over `$r`. */
export interface AttributeLines {
  readonly variable: Variable;
  readonly lines: MapLines;
}

/** Of each thing that several rules ask for there is one. */
export interface RuleRun {
  readonly attributes: readonly AttributeLines[];
  readonly responseHeaders: readonly ResponseHeader[];
  readonly joined: readonly JoinedHeader[];
  /** The rules' own locations; null: none has one. */
  readonly locations: Block | null;
  readonly classes: readonly Class[];
  readonly splits: readonly SplitView[];
  /** Of the clusters that these rules name: the run depends on them. */
  readonly connectTimeouts: ReadonlyMap<string, number>;
  /** Some split's clusters have different connect timeouts. */
  readonly mixesTimeouts: boolean;
}

/** What lowering rules needs beside them. */
export interface RunContext extends RuleContext {
  readonly render: RenderBlock;
}

/** Lowers a list of rules run by run. */
export const lowerRules = createRuns({
  length: RULES_IN_RUN,
  make: lowerRun,
  holds: ({ connectTimeouts }, context) => {
    for (const [cluster, timeout] of connectTimeouts) {
      if (context.connectTimeouts.get(cluster) !== timeout) return false;
    }
    return true;
  },
});

function* lowerRun(rules: readonly RuleIr[], context: RunContext): Steps<RuleRun> {
  const lowered = yield* mapSteps(rules, (rule) => lowerRule(rule, context));
  const locations = lowered.map(({ location }) => location).filter((location) => location !== null);
  return {
    attributes: joinAttributes(lowered),
    responseHeaders: mergeResponseHeaders(lowered),
    joined: distinct(
      lowered.flatMap(({ joined }) => joined),
      (header) => header.variable.text,
    ),
    locations: locations.length === 0 ? null : context.render("ruleLocations", { locations }),
    classes: distinct(
      lowered.flatMap(({ classes }) => classes),
      ({ name }) => name,
    ),
    splits: lowerSplits(lowered, context.namer),
    connectTimeouts: timeoutsOf(rules, context),
    mixesTimeouts: lowered.some(({ mixesTimeouts }) => mixesTimeouts),
  };
}

/** The first of each name. */
export function distinct<T>(items: readonly T[], nameOf: (item: T) => string): readonly T[] {
  const found = new Map<string, T>();
  for (const item of items) {
    const name = nameOf(item);
    if (!found.has(name)) found.set(name, item);
  }
  return [...found.values()];
}

function joinAttributes(rules: readonly LoweredRule[]): readonly AttributeLines[] {
  const lines = new Map<string, { variable: Variable; entries: MapEntry[] }>();
  for (const { attributes } of rules) {
    for (const { variable, entry } of attributes) {
      const line = lines.get(variable.text);
      if (line === undefined) lines.set(variable.text, { variable, entries: [entry] });
      else line.entries.push(entry);
    }
  }
  return [...lines.values()].map(({ variable, entries }) => ({ variable, lines: mapLines(entries) }));
}

/** Of each value that some rule writes the longest, which has the variables of the others too. */
export function mergeResponseHeaders(
  from: readonly { readonly responseHeaders: readonly ResponseHeader[] }[],
): readonly ResponseHeader[] {
  const merged = new Map<string, ResponseHeader>();
  for (const { responseHeaders } of from) {
    for (const header of responseHeaders) {
      const key = `${header.name} ${header.id}`;
      const old = merged.get(key);
      if (old === undefined || old.variables.length < header.variables.length) merged.set(key, header);
    }
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, header]) => header);
}

function lowerSplits(rules: readonly LoweredRule[], namer: Namer): readonly SplitView[] {
  const splits = new Map<string, SplitView>();
  for (const { split } of rules) {
    if (split === null) continue;
    const name = splitVariable(split, namer);
    // The split's own name in the seed: two splits of one cluster set must not draw alike.
    const seed = param(variable("request_id"), name.text.slice(1));
    if (!splits.has(name.text)) splits.set(name.text, lowerSplit(split, name, seed));
  }
  return [...splits.values()];
}

function timeoutsOf(rules: readonly RuleIr[], { connectTimeouts }: RunContext): ReadonlyMap<string, number> {
  const timeouts = new Map<string, number>();
  for (const { action } of rules) {
    if (action.kind !== "forward") continue;
    for (const { cluster } of action.split) timeouts.set(cluster, connectTimeouts.get(cluster) as number);
  }
  return timeouts;
}
