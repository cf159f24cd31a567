/**
 * Joins what a port's virtual hosts and rules add, in their order. Both are joined in runs whose text is kept, so after a
 * change only the runs that hold it are lowered again.
 */
import type { RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { createRuns, distinctById } from "../../util/runs.ts";
import { joinFragments, type Use } from "./fragment.ts";
import { lowerRule } from "./rule.ts";
import { lowerPaths, lowerVirtualHost } from "./virtualHost.ts";

/** Text by map name, uses by key. */
export interface Joined {
  readonly lines: ReadonlyMap<string, string>;
  readonly uses: ReadonlyMap<string, Use>;
}

/** Hosts are few with many paths or many with few: short runs, whose paths are kept in runs of their own. */
const HOSTS_IN_RUN = 8;
/** Near the square root of the largest number of rules that is usual (10 000). */
const RULES_IN_RUN = 64;

const hostRuns = createRuns({
  length: HOSTS_IN_RUN,
  make: (hosts: readonly VirtualHostIr[], _: null) =>
    joinFragments(
      hosts.flatMap((host) => [lowerVirtualHost(host), ...lowerPaths(host).map((lines) => ({ lines, uses: [] }))]),
    ),
  holds: () => true,
});

const ruleRuns = createRuns({
  length: RULES_IN_RUN,
  make: (rules: readonly RuleIr[], _: null) => joinFragments(rules.map(lowerRule)),
  holds: () => true,
});

/** The fragments of all virtual hosts as one. A rule may serve several; its lines go in once. */
export function joinVirtualHosts(hosts: readonly VirtualHostIr[]): Joined {
  const rules = distinctById(hosts.map((host) => host.rules));
  const { lines, uses } = joinFragments([...hostRuns(hosts, null), ...ruleRuns(rules, null)]);
  return { lines: new Map(lines), uses: new Map(uses) };
}
