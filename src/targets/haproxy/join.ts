/**
 * Joins what a port's virtual hosts and rules add, in their order. Both are joined in runs whose text is kept, so after a
 * change only the runs that hold it are lowered again.
 */
import type { RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { createRuns, distinctById } from "../../util/runs.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { type Fragment, finish, joinFragments, newFragment } from "./fragment.ts";
import { lowerRule } from "./rule.ts";
import { lowerPaths, lowerVirtualHost } from "./virtualHost.ts";

/** Hosts are few with many paths or many with few: short runs, whose paths are kept in runs of their own. */
const HOSTS_IN_RUN = 8;
/** Near the square root of the largest number of rules that is usual (10 000). */
const RULES_IN_RUN = 64;

const hostRuns = createRuns({
  length: HOSTS_IN_RUN,
  make: function* (hosts: readonly VirtualHostIr[], _: null) {
    const builder = newFragment();
    for (const host of hosts) yield* lowerVirtualHost(builder, host);
    const fragments = [finish(builder)];
    for (const host of hosts) for (const paths of yield* lowerPaths(host)) fragments.push(paths);
    return yield* joinFragments(fragments);
  },
  holds: () => true,
});

const ruleRuns = createRuns({
  length: RULES_IN_RUN,
  make: function* (rules: readonly RuleIr[], _: null) {
    const builder = newFragment();
    for (const [index, rule] of rules.entries()) {
      lowerRule(builder, rule);
      if (shouldYield(index)) yield;
    }
    return finish(builder);
  },
  holds: () => true,
});

/** The fragments of all virtual hosts as one. A rule may serve several; its lines go in once. */
export function* joinVirtualHosts(hosts: readonly VirtualHostIr[]): Steps<Fragment> {
  const rules = yield* distinctById(hosts.map((host) => host.rules));
  return yield* joinFragments([...(yield* hostRuns(hosts, null)), ...(yield* ruleRuns(rules, null))]);
}
