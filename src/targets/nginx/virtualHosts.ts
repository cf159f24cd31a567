/**
 * One virtual host of one port: a tree of locations under the host's id, in which nginx's own search (exact, then longest
 * prefix) finds the path group, and the group's look-ups. Locations hold no policy: they name the rule and jump on.
 */
import type { PathGroupIr, VirtualHostIr } from "../../ir/index.ts";
import { type Lookup, lowerLookup, ruleAt } from "./decisions.ts";
import { type Namer, prefixesOf, underscored } from "./names.ts";
import { isLongLocation, location, type MapEntries, mapEntry, mapRegexKey, param, variable, word } from "./quote.ts";
import type { GroupView, TreeView, VirtualHostView } from "./views.ts";

/** What one virtual host adds to its port and to the http block. */
export interface LoweredVirtualHost {
  readonly view: VirtualHostView;
  readonly lookups: readonly Lookup[];
  /** For hosts with regex paths: the map from raw path to the location of the first regex that matches. */
  readonly regexes: { readonly name: string; readonly entries: readonly MapEntries[] } | null;
}

/**
 * Lowers a virtual host; pure, so the result may be cached by the identity of `host`. Group ids are unique in a port only,
 * hence `portId`.
 */
export function lowerVirtualHost(
  host: VirtualHostIr,
  { portId, namer }: { portId: string; namer: Namer },
): LoweredVirtualHost {
  if (host.groups === null) throw new Error(`virtual host ${host.hostname} has no path groups`);
  const lookups = new Map<PathGroupIr, Lookup>();
  for (const group of host.groups) {
    if (group.decision.kind === "direct") continue;
    lookups.set(group, lowerLookup(group, host, { namer, key: `${portId}.${group.id}` }));
  }
  const regexGroups = host.groups.filter(({ path }) => path.kind === "regex");
  const regexes =
    regexGroups.length === 0
      ? null
      : { name: `rx_${underscored(portId)}_${host.id}`, entries: regexGroups.map((group) => regexEntry(group)) };
  const context = { host, lookups };
  return {
    view: {
      hostname: word(host.hostname),
      trees: regexes === null ? plainTree(context) : regexTrees(context, regexes.name),
    },
    lookups: [...lookups.values()],
    regexes,
  };
}

interface HostContext {
  readonly host: VirtualHostIr;
  readonly lookups: ReadonlyMap<PathGroupIr, Lookup>;
}

/** `x:` and the group's id. */
const regexLocation = (groupId: string): string => `x:${groupId}`;

function regexEntry({ id, path }: PathGroupIr): MapEntries {
  return mapEntry(mapRegexKey(`^(?:${path.value})$`), word(regexLocation(id)));
}

function plainTree({ host, lookups }: HostContext): readonly TreeView[] {
  const locations = sortedGroups(host.groups ?? []).map((group) => groupView(group, host.id, { host, lookups }));
  return [{ name: location("prefix", `${host.id}/`), locations, regexes: null }];
}

/** Exact paths, then the regexes in their order, then the prefixes: one tree each. */
function regexTrees(context: HostContext, regexMap: string): readonly TreeView[] {
  const { host } = context;
  const groups = sortedGroups(host.groups ?? []);
  const views = (kind: PathGroupIr["path"]["kind"], name: string) =>
    groups.filter(({ path }) => path.kind === kind).map((group) => groupView(group, name, context));
  const prefixes = prefixesOf(host.id);
  return [
    {
      name: location("prefix", `${host.id}/`),
      locations: views("exact", host.id),
      regexes: { target: variable(regexMap), prefixes: param(prefixes, variable("p"), "/") },
    },
    { name: location("prefix", `x:${host.id}.`), locations: views("regex", ""), regexes: null },
    { name: location("prefix", `${prefixes}/`), locations: views("prefix", prefixes), regexes: null },
  ];
}

/** Names that nginx can only have as regexes are tried in order: exact ones first, then the longest prefix. */
function sortedGroups(groups: readonly PathGroupIr[]): readonly PathGroupIr[] {
  const isLong = ({ path }: PathGroupIr) => isLongLocation(`${"v".repeat(LONGEST_PREFIX)}${path.value}/`);
  if (!groups.some(isLong)) return groups;
  const rank = (group: PathGroupIr) => (isLong(group) ? (group.path.kind === "exact" ? 0 : 1) : 2);
  return groups.toSorted((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    return rank(a) === 1 ? b.path.value.length - a.path.value.length : 0;
  });
}

/** Length of `p:v` and 12 digits: no name is treated as short here and long in `location`. */
const LONGEST_PREFIX = 15;

function groupView(group: PathGroupIr, treeName: string, { host, lookups }: HostContext): GroupView {
  const { path, decision } = group;
  const lookup = lookups.get(group);
  if (decision.kind === "direct" || lookup === undefined) {
    const candidate = group.candidates[0];
    if (candidate === undefined) throw new Error(`group ${group.id} has no candidate`);
    return {
      location: groupLocation(group, treeName),
      direct: word(ruleAt(host.rules, candidate.rule).id),
      lookup: null,
    };
  }
  const next = group.otherwise === "prefixes" ? param(prefixesOf(host.id), variable("p"), "/") : null;
  return {
    location: groupLocation({ id: group.id, path }, treeName),
    direct: null,
    lookup: {
      group: word(lookup.key),
      signature: word(lookup.signature.id),
      result: lookup.result,
      notFound: group.otherwise === "notFound",
      next,
    },
  };
}

/** The request is `<tree><raw path>/` here, so one prefix location takes `/foo` and `/foo/…` but not `/foobar`. */
function groupLocation({ id, path }: Pick<PathGroupIr, "id" | "path">, treeName: string) {
  if (path.kind === "regex") return location("prefix", `${regexLocation(id)}/`);
  if (path.kind === "exact") return location("exact", `${treeName}${path.value}/`);
  return location("prefix", `${treeName}${path.value === "/" ? "" : path.value}/`);
}
