/** What one virtual host adds to its port: its name, its paths, its groups. What its rules add is theirs, see rule.ts. */
import type { PathGroupIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { linearRegex } from "../../regex/index.ts";
import { createRuns } from "../../util/runs.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { addDecision, directRule, groupTarget } from "./decision.ts";
import { addLines, type Fragment, type FragmentBuilder, finish, newFragment } from "./fragment.ts";
import { mapKey, mapLine, mapRegexKey, mapValue } from "./quote.ts";

/** Adds a virtual host but for its paths. */
export function* lowerVirtualHost(builder: FragmentBuilder, host: VirtualHostIr): Steps<void> {
  addHost(builder, host);
  const groups = groupsOf(host);
  if (groups.some((group) => group.path.kind === "regex")) {
    builder.uses.set(`regexHost.${host.id}`, { kind: "regexHost", id: host.id });
  }
  let choices = 0;
  for (const group of groups) {
    if (group.decision.kind === "direct") continue;
    addDecision(builder, { host, group });
    if (shouldYield(choices++)) yield;
  }
}

/** The lines that find a path's group or, where nothing is left to choose, its rule. */
export function* lowerPaths(host: VirtualHostIr): Steps<readonly Fragment[]> {
  const items = groupsOf(host).map((group) => directRule({ host, group }) ?? group);
  const runs = yield* pathRuns(items, host.id);
  return runs.map(({ fragment }) => fragment);
}

function groupsOf({ id, groups }: VirtualHostIr): readonly PathGroupIr[] {
  if (groups === null) throw new Error(`${id}: HAProxy needs path groups`);
  return groups;
}

/** Near the square root of the largest number of paths that is usual (10 000). */
const PATHS_IN_RUN = 64;

/**
 * A changed host's groups are new objects with new numbers. A direct group's line depends on its rule alone, whose path is
 * the group's; so the rule stands for the group here, and its run is known again.
 */
const pathRuns = createRuns({
  length: PATHS_IN_RUN,
  make: function* (items: readonly (RuleIr | PathGroupIr)[], hostId: string) {
    const builder = newFragment();
    for (const [index, item] of items.entries()) {
      addPath(builder, hostId, item);
      if (shouldYield(index)) yield;
    }
    return { hostId, fragment: finish(builder) };
  },
  holds: (run, hostId) => run.hostId === hostId,
});

/** `*.a.b` is looked up by its suffix `.a.b`, cut from the host by the number of dots. */
function addHost(builder: FragmentBuilder, { hostname, id }: VirtualHostIr): void {
  if (hostname === "*") {
    builder.uses.set("anyHost", { kind: "anyHost", id });
  } else if (hostname.startsWith("*.")) {
    const suffix = hostname.slice(1);
    const depth = suffix.split(".").length - 1;
    builder.uses.set(`depth.${String(999 - depth).padStart(3, "0")}`, { kind: "depth", depth });
    addLines(builder, "wildcard", mapLine(mapKey(suffix), mapValue(id)));
  } else {
    addLines(builder, "host", mapLine(mapKey(hostname), mapValue(id)));
  }
}

/** Prefix keys end in a slash, and so does what is looked up: whole elements only. */
function addPath(builder: FragmentBuilder, hostId: string, item: RuleIr | PathGroupIr): void {
  const target = mapValue("decision" in item ? groupTarget(item) : item.id);
  const { kind, value } = item.path;
  if (kind === "regex") addLines(builder, regexMap(hostId), mapLine(mapRegexKey(linearRegex(value).pattern), target));
  else if (kind === "exact") addLines(builder, "exact", mapLine(mapKey(`${hostId}|${value}`), target));
  else addLines(builder, "prefix", mapLine(mapKey(`${hostId}|${value === "/" ? "" : value}/`), target));
}

/** The map of a virtual host's regexes, in precedence order. */
export function regexMap(hostId: string): string {
  return `regex.${hostId}`;
}
