/**
 * How what rules change in a cluster is written: lines of its backend, where no other cluster's requests pay for them. A line for
 * each rule while they are few, a map for a thing that many rules change, backends of their own for many rules of different things.
 */
import type { ClusterIr, RetryIr } from "../../ir/index.ts";
import { type ClusterChanges, type GroupChanges, joinGroups, MAX_RULES_IN_LINES, type OwnChange } from "./changes.ts";
import { retryBackend } from "./cluster/retry.ts";
import type { RuleForm } from "./cluster/ruleBackend.ts";
import type { Change } from "./policies/index.ts";

/*
 * The forms, in thousand instructions a request (HAProxy 2.6, callgrind; a plain request costs 63). A line: 0.7 where it does not
 * apply, 1.9 where it does. A map: 0.7 and 2.9, however many rules stand in it; so it pays from four rules on
 * (MAX_RULES_IN_LINES). 200 names of fields in 200 lines: 136 for every request of the cluster, and maps are no help.
 */

/** With more lines than this a backend lets other rules' requests pass them: 0.9, and as much for the answer, in place of 0.7 a line. */
export const MAX_OPEN_LINES = 4;
/** With more lines than this (11, a sixth of a plain request) the rules get backends of their own, which have no conditions. */
const MAX_LINES = 16;
/** What those may have in all: one with four keeps 29 KiB (seen), and each has connections of its own to its endpoint. */
const MAX_APART_SERVERS = 4_096;

/** What a cluster's backends hold. */
export interface ChangePlan {
  /** Lines for one rule each: ascending by rule, a rule's in their order. */
  readonly lines: readonly RuleLines[];
  /** Lines that read a map: its name, its text, and what is done with its values. */
  readonly maps: readonly { readonly name: string; readonly text: string; readonly change: Change }[];
  /** The names of all rules that change something, a line each. */
  readonly rules: string;
  /** Things of which the cluster's backend has maps; rules that change others have a backend of their own. Null: no rule has. */
  readonly apart: ReadonlySet<string> | null;
  /** What rules say of trying again, by the name of the backend for it, ascending. */
  readonly retries: readonly (readonly [string, RetryIr])[];
  /** There is a backend for calls of gRPC. */
  readonly calls: boolean;
}

/** A rule and what it changes: of what has lines, or all where it stands apart. */
export interface RuleLines {
  readonly key: string;
  readonly changes: readonly Change[];
  readonly form: RuleForm;
}

/** Chooses the forms. */
export function planOf(cluster: ClusterIr, parts: readonly ClusterChanges[]): ChangePlan {
  const groups = [...joinGroups(parts)];
  const few = groups.filter(([, group]) => isInLines(group));
  const many = groups.filter(([, group]) => !isInLines(group));
  const own = few.flatMap(([, { first }]) => first);
  const maps = many
    .flatMap(([, group]) => [...group.maps])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { lines: text, change }]) => ({ name, text, change }));
  const apart = own.length > MAX_LINES && canStandApart(cluster, own) ? new Set(many.map(([name]) => name)) : null;
  return {
    lines: byRule(own, apart !== null),
    maps,
    rules: parts.map(({ rules }) => rules).join(""),
    apart,
    retries: retriesOf(cluster, parts),
    calls: parts.some(({ calls }) => calls),
  };
}

function retriesOf({ name }: ClusterIr, parts: readonly ClusterChanges[]): ChangePlan["retries"] {
  const found = parts.flatMap(({ retries }) =>
    [...retries].map((retry) => [retryBackend(name, retry), retry] as const),
  );
  return [...new Map(found)].sort(([a], [b]) => (a < b ? -1 : 1));
}

function isInLines({ rules }: GroupChanges): boolean {
  return rules <= MAX_RULES_IN_LINES;
}

/** Where the least busy endpoint is chosen, or requests are limited, all of the cluster's must be counted in one place. */
function canStandApart({ balance, endpoints, limits }: ClusterIr, own: readonly OwnChange[]): boolean {
  const rules = new Set(own.map(({ key }) => key)).size;
  return balance.policy === "roundRobin" && limits === null && rules * endpoints.length <= MAX_APART_SERVERS;
}

function byRule(own: readonly OwnChange[], isApart: boolean): readonly RuleLines[] {
  const found = new Map<string, OwnChange[]>();
  for (const change of own) {
    const list = found.get(change.key);
    if (list === undefined) found.set(change.key, [change]);
    else list.push(change);
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, list]) => {
      const { all, form } = list[0] as OwnChange;
      const places = new Set(list.map(({ place }) => place));
      return { key, changes: isApart ? all : all.filter((_, place) => places.has(place)), form };
    });
}
