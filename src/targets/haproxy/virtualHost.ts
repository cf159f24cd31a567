/** What one virtual host adds to its port: its name, its paths, its groups. What its rules add is theirs, see rule.ts. */
import type { PathGroupIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { createRuns } from "../../util/runs.ts";
import { addDecision, directRule, groupTarget } from "./decision.ts";
import { type Fragment, type FragmentBuilder, joinLines, type Line, newFragment } from "./fragment.ts";
import { mapKey, mapLine, mapRegexKey, mapValue } from "./quote.ts";

/** The virtual host's fragment but for its paths. */
export function lowerVirtualHost(host: VirtualHostIr): Fragment {
  const builder = newFragment();
  addHost(builder, host);
  const groups = groupsOf(host);
  if (groups.some((group) => group.path.kind === "regex")) {
    builder.uses.push([`regexHost.${host.id}`, { kind: "regexHost", id: host.id }]);
  }
  for (const group of groups) addDecision(builder, { host, group });
  return builder;
}

/** The lines that find a path's group or, where nothing is left to choose, its rule. */
export function lowerPaths(host: VirtualHostIr): readonly (readonly Line[])[] {
  return pathRuns(
    groupsOf(host).map((group) => directRule({ host, group }) ?? group),
    host.id,
  ).map(({ lines }) => lines);
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
  make: (items: readonly (RuleIr | PathGroupIr)[], hostId: string) => ({
    hostId,
    lines: joinLines(items.map((item) => pathLine(hostId, item))),
  }),
  holds: (run, hostId) => run.hostId === hostId,
});

/** `*.a.b` is looked up by its suffix `.a.b`, cut from the host by the number of dots. */
function addHost(builder: FragmentBuilder, { hostname, id }: VirtualHostIr): void {
  if (hostname === "*") {
    builder.uses.push(["anyHost", { kind: "anyHost", id }]);
  } else if (hostname.startsWith("*.")) {
    const suffix = hostname.slice(1);
    const depth = suffix.split(".").length - 1;
    builder.uses.push([`depth.${String(999 - depth).padStart(3, "0")}`, { kind: "depth", depth }]);
    builder.lines.push(["wildcard", mapLine(mapKey(suffix), mapValue(id))]);
  } else {
    builder.lines.push(["host", mapLine(mapKey(hostname), mapValue(id))]);
  }
}

/** Prefix keys end in a slash, and so does what is looked up: whole elements only. */
function pathLine(hostId: string, item: RuleIr | PathGroupIr): Line {
  const target = mapValue("decision" in item ? groupTarget(item) : item.id);
  const { kind, value } = item.path;
  if (kind === "regex") return [regexMap(hostId), mapLine(mapRegexKey(value), target)];
  if (kind === "exact") return ["exact", mapLine(mapKey(`${hostId}|${value}`), target)];
  return ["prefix", mapLine(mapKey(`${hostId}|${value === "/" ? "" : value}/`), target)];
}

/** The map of a virtual host's regexes, in precedence order. */
export function regexMap(hostId: string): string {
  return `regex.${hostId}`;
}
