/**
 * One virtual host of one port: a tree of locations under the host's id, in which nginx's own search (exact, then longest
 * prefix) finds the path group, and the group's look-ups. Locations hold no policy: they name the rule and jump on.
 */
import type { PathGroupIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { fullMatch } from "../../regex/index.ts";
import { createRuns } from "../../util/runs.ts";
import { due, mapSteps, type Steps } from "../../util/steps.ts";
import { type Lookup, lowerLookup, ruleAt } from "./decisions.ts";
import { type Namer, prefixesOf, underscored } from "./names.ts";
import {
  isLongLocation,
  location,
  type MapEntry,
  type MapLines,
  mapEntry,
  mapLines,
  mapRegexKey,
  param,
  variable,
  word,
} from "./quote.ts";
import type { Block, GroupView, RenderBlock, TreeView, VirtualHostView } from "./views.ts";

/** What one virtual host adds to its port and to the http block. */
export interface LoweredVirtualHost {
  readonly view: VirtualHostView;
  readonly lookups: readonly Lookup[];
  /** For hosts with regex paths: the map from raw path to the location of the first regex that matches. */
  readonly regexes: { readonly name: string; readonly lines: MapLines } | null;
}

/**
 * Lowers a virtual host; pure, so the result may be cached by the identity of `host`. Group ids are unique in a port only,
 * hence `portId`.
 */
export function* lowerVirtualHost(
  host: VirtualHostIr,
  { portId, namer, render }: { portId: string; namer: Namer; render: RenderBlock },
): Steps<LoweredVirtualHost> {
  if (host.groups === null) throw new Error(`virtual host ${host.hostname} has no path groups`);
  const lookups = new Map<PathGroupIr, Lookup>();
  for (const group of host.groups) {
    if (group.decision.kind === "direct") continue;
    lookups.set(group, lowerLookup(group, host, { namer, key: `${portId}.${group.id}` }));
    if (due(lookups.size)) yield;
  }
  const regexGroups = host.groups.filter(({ path }) => path.kind === "regex");
  const regexes =
    regexGroups.length === 0
      ? null
      : {
          name: `rx_${underscored(portId)}_${host.id}`,
          lines: mapLines(yield* mapSteps(regexGroups, regexEntry)),
        };
  const context = { host, portId, lookups, render };
  return {
    view: {
      hostname: word(host.hostname),
      trees: yield* regexes === null ? plainTree(context) : regexTrees(context, regexes.name),
    },
    lookups: [...lookups.values()],
    regexes,
  };
}

interface HostContext {
  readonly host: VirtualHostIr;
  readonly portId: string;
  readonly lookups: ReadonlyMap<PathGroupIr, Lookup>;
  readonly render: RenderBlock;
}

/** `x:` and the group's id. */
const regexLocation = (groupId: string): string => `x:${groupId}`;

function regexEntry({ id, path }: PathGroupIr): MapEntry {
  return mapEntry(mapRegexKey(fullMatch(path.value)), word(regexLocation(id)));
}

function* plainTree(context: HostContext): Steps<readonly TreeView[]> {
  const { id, groups } = context.host;
  const locations = yield* locationsOf(sortedGroups(groups ?? []), id, context);
  return [{ name: location("prefix", `${id}/`), locations, regexes: null }];
}

/** Exact paths, then the regexes in their order, then the prefixes: one tree each. */
function* regexTrees(context: HostContext, regexMap: string): Steps<readonly TreeView[]> {
  const { host } = context;
  const groups = sortedGroups(host.groups ?? []);
  const blocks = (kind: PathGroupIr["path"]["kind"], name: string) =>
    locationsOf(
      groups.filter(({ path }) => path.kind === kind),
      name,
      context,
    );
  const prefixes = prefixesOf(host.id);
  return [
    {
      name: location("prefix", `${host.id}/`),
      locations: yield* blocks("exact", host.id),
      regexes: { target: variable(regexMap), prefixes: param(prefixes, variable("p"), "/") },
    },
    { name: location("prefix", `x:${host.id}.`), locations: yield* blocks("regex", ""), regexes: null },
    { name: location("prefix", `${prefixes}/`), locations: yield* blocks("prefix", prefixes), regexes: null },
  ];
}

/**
 * A changed host's groups are new objects with new numbers. The location of an exact path or a prefix whose group is direct
 * depends on the rule alone, whose path is the group's; so the rule stands for the group, and its run is known again.
 */
function* locationsOf(groups: readonly PathGroupIr[], tree: string, context: HostContext): Steps<readonly Block[]> {
  const items = groups.map((group) => directRule(group, context.host) ?? group);
  const runs = yield* locationRuns(items, { ...context, tree });
  return runs.map(({ block }) => block);
}

/** Null: the group has a choice or is found by its number. */
function directRule({ id, path, decision, candidates }: PathGroupIr, host: VirtualHostIr): RuleIr | null {
  if (decision.kind !== "direct" || path.kind === "regex") return null;
  const candidate = candidates[0];
  if (candidate === undefined) throw new Error(`group ${id} has no candidate`);
  return ruleAt(host.rules, candidate.rule);
}

interface TreeContext extends HostContext {
  /** What its locations' names begin with. */
  readonly tree: string;
}

/** Near the square root of the largest number of paths that is usual (10 000). */
const LOCATIONS_IN_RUN = 64;

const locationRuns = createRuns({
  length: LOCATIONS_IN_RUN,
  make: function* (items: readonly (RuleIr | PathGroupIr)[], context: TreeContext) {
    const locations = yield* mapSteps(items, (item) => locationView(item, context));
    const { tree, portId } = context;
    return { tree, portId, block: context.render("locations", { locations }) };
  },
  holds: ({ tree, portId }, context) => tree === context.tree && portId === context.portId,
});

/** Names that nginx can only have as regexes are tried in order: exact ones first, then the longest prefix. */
function sortedGroups(groups: readonly PathGroupIr[]): readonly PathGroupIr[] {
  const isLong = ({ path }: PathGroupIr) => isLongLocation(path.value, LONGEST_PREFIX + 1);
  if (!groups.some(isLong)) return groups;
  const rank = (group: PathGroupIr) => (isLong(group) ? (group.path.kind === "exact" ? 0 : 1) : 2);
  return groups.toSorted((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    return rank(a) === 1 ? b.path.value.length - a.path.value.length : 0;
  });
}

/** Length of `p:v` and 12 digits: no name is treated as short here and long in `location`. */
const LONGEST_PREFIX = 15;

function locationView(item: RuleIr | PathGroupIr, { host, lookups, tree }: TreeContext): GroupView {
  const lookup = "decision" in item ? lookups.get(item) : undefined;
  const name = itemLocation(item, tree);
  if (!("decision" in item)) return { location: name, direct: word(item.id), lookup: null };
  if (lookup === undefined) {
    return { location: name, direct: word(ruleAt(host.rules, item.candidates[0]?.rule ?? -1).id), lookup: null };
  }
  return {
    location: name,
    direct: null,
    lookup: {
      group: word(lookup.key),
      signature: word(lookup.signature.id),
      result: lookup.result,
      notFound: item.otherwise === "notFound",
      next: item.otherwise === "prefixes" ? param(prefixesOf(host.id), variable("p"), "/") : null,
    },
  };
}

/** The request is `<tree><raw path>/` here, so one prefix location takes `/foo` and `/foo/…` but not `/foobar`. */
function itemLocation({ id, path }: Pick<PathGroupIr, "id" | "path">, treeName: string) {
  if (path.kind === "regex") return location("prefix", `${regexLocation(id)}/`);
  if (path.kind === "exact") return location("exact", `${treeName}${path.value}/`);
  return location("prefix", `${treeName}${path.value === "/" ? "" : path.value}/`);
}
