/**
 * Clients that are kept on their endpoint by a cookie. nginx has no such thing before 1.29.6 (and there it would set the cookie with
 * every answer). So each endpoint that a cookie may name has a group of servers of its own (`upstream/affinity.ts`). Maps of the cluster
 * make of the cookie the group, and of it and the endpoint that answered the field; a rule with several clusters notes in `$affinity`
 * whose maps count.
 */
import type { ClusterIr } from "../../ir/index.ts";
import { affinityCookieValue } from "../affinityCookie.ts";
import { block, joinBlocks } from "./blocks.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { underscored } from "./names.ts";
import {
  FIRST_CAPTURE,
  type MapEntry,
  mapEntries,
  mapEntry,
  mapKey,
  mapRegexKey,
  type Part,
  param,
  SECOND_CAPTURE,
  type Variable,
  variable,
} from "./quote.ts";
import { groupName, namedEndpoints } from "./upstream/affinity.ts";
import type { Block, MapView } from "./views.ts";

/** The draw of a rule with several clusters; group and field of the cluster that it gave. */
const CLUSTER = variable("affinity");
const POOL = variable("affinity_pool");
const COOKIE = variable("affinity_cookie");
/** Who answered, and the value that stands for it. */
const ENDPOINT = variable("affinity_endpoint");
const VALUE = variable("affinity_value");

/** Names of the clusters that keep their clients. */
export type Affine = ReadonlySet<string>;

/** Those of a fleet. */
export function affineOf(clusters: readonly ClusterIr[]): Affine {
  return new Set(clusters.filter(({ affinity }) => affinity !== null).map(({ name }) => name));
}

/** Where a location sends requests, and the lines that it needs for that. */
export interface Destination {
  readonly upstream: Part;
  readonly lines: readonly Block[];
}

const NONE: readonly never[] = [];

/** `upstream`: the one cluster, or the variable that is one of several. */
export function destination(upstream: Part, clusters: readonly string[], affine: Affine): Destination {
  if (!clusters.some((cluster) => affine.has(cluster))) return { upstream, lines: NONE };
  const [only, ...others] = clusters as readonly [string, ...string[]];
  if (others.length === 0)
    return { upstream: own("pool", only), lines: [block("affinity", { cluster: null, cookie: own("cookie", only) })] };
  return { upstream: POOL, lines: [block("affinity", { cluster: param(upstream), cookie: COOKIE })] };
}

/** What the http block has to know of these clusters; null: none keeps its clients. */
export function affinityMaps(all: readonly ClusterIr[]): Block | null {
  const clusters = all.filter(({ affinity }) => affinity !== null);
  if (clusters.length === 0) return null;
  const maps: MapSource[] = [
    { source: [variable("upstream_header_time"), " ", variable("upstream_addr")], name: ENDPOINT, entries: [ANSWERED] },
    { source: [ENDPOINT], name: VALUE, entries: valueEntries(clusters) },
    ...clusters.flatMap(mapsOf),
  ];
  return joinBlocks(maps.map((map) => block("map", viewOf(map))));
}

/** What a location needs that draws one of these clusters: the maps of that one. */
export function drawMaps(clusters: readonly string[], affine: Affine): readonly MapView[] {
  if (!clusters.some((cluster) => affine.has(cluster))) return NONE;
  const ofCluster = (what: Own): MapEntry[] =>
    [...affine].map((name) => mapEntry(mapKey(name), param(own(what, name))));
  const maps: MapSource[] = [
    { source: [CLUSTER], name: POOL, entries: ofCluster("pool"), fallback: [CLUSTER] },
    { source: [CLUSTER], name: COOKIE, entries: ofCluster("cookie") },
  ];
  return maps.map(viewOf);
}

/** What the client sent, where it goes, the field that its answer has; and that field where it is not what nearly all requests have. */
type Own = "sent" | "pool" | "cookie" | "changed";

/** A variable of a cluster. */
function own(what: Own, cluster: string): Variable {
  return variable(`affinity_${what}_${underscored(cluster)}`);
}

function mapsOf(cluster: ClusterIr): readonly MapSource[] {
  const { name, affinity } = cluster;
  const sent = own("sent", name);
  const changed = own("changed", name);
  return [
    sentMap(cluster),
    { source: [sent], name: own("pool", name), entries: poolEntries(cluster), fallback: [name] },
    {
      source: [variable("upstream_addr"), "|", sent],
      name: own("cookie", name),
      entries: sameEntries(cluster),
      fallback: [changed],
    },
    {
      source: [sent, "|", VALUE],
      name: changed,
      entries: UNCHANGED,
      fallback: [affinity?.cookie ?? "", "=", VALUE, "; Path=/; HttpOnly"],
    },
  ];
}

interface MapSource {
  readonly source: readonly Part[];
  readonly name: Variable;
  readonly entries: readonly MapEntry[];
  /** Empty unless it is there. */
  readonly fallback?: readonly Part[];
}

function viewOf({ source, name, entries, fallback = [""] }: MapSource): MapView {
  return { comment: null, source: param(...source), name, entries: mapEntries(entries), fallback: param(...fallback) };
}

/** The first cookie of this name, bare or in quotes. (`$cookie_x` knows no case.) */
function sentMap(cluster: ClusterIr): MapSource {
  const pattern = `(?:^|;)[ \\t]*${cluster.affinity?.cookie}=("?)([^;"]*)\\1[ \\t]*(?:;|$)`;
  const entries = [mapEntry(mapRegexKey(pattern), param(SECOND_CAPTURE))];
  return { source: [variable("http_cookie")], name: own("sent", cluster.name), entries };
}

/** Keys know no case, but no two values differ in case only: base64 of digits, `a` to `f` and `.:[]` has no such pair. */
function poolEntries(cluster: ClusterIr): readonly MapEntry[] {
  return namedEndpoints(cluster).map((endpoint) =>
    mapEntry(mapKey(affinityCookieValue(endpoint)), param(groupName(cluster, endpoint))),
  );
}

/** The last one tried, if it has begun to answer: an error of nginx's own is no reason to stay. */
const ANSWERED = mapEntry(mapRegexKey("[0-9] (?:[^ ]+, )*([^ ]+)$"), param(FIRST_CAPTURE));

function valueEntries(clusters: readonly ClusterIr[]): readonly MapEntry[] {
  return [...valuesOf(clusters)].map(([socket, value]) => mapEntry(mapKey(socket), param(value)));
}

/** The client knows the endpoint that answered: of nearly all requests that is found without an expression. */
function sameEntries(cluster: ClusterIr): readonly MapEntry[] {
  return [...valuesOf([cluster])].map(([socket, value]) => mapEntry(mapKey(`${socket}|${value}`), param("")));
}

/** The value of each endpoint by its socket, in order. */
function valuesOf(clusters: readonly ClusterIr[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const { endpoints } of clusters) {
    for (const endpoint of endpoints) {
      values.set(hostAndPort(endpoint.address, endpoint.port), affinityCookieValue(endpoint));
    }
  }
  return new Map([...values].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** No endpoint has answered, or the one that the client knows. */
const UNCHANGED = [mapEntry(mapRegexKey("\\|$"), param("")), mapEntry(mapRegexKey("^(.+)\\|\\1$"), param(""))];
