/**
 * Clients that are kept on their endpoint by a cookie. nginx has no such thing before 1.29.6 (and there it would set the cookie with
 * every answer). So each endpoint that a cookie may name has a group of servers of its own (`upstream/affinity.ts`). The location of a
 * rule notes the cluster in `$affinity`; maps make of it and the cookie the group, and of it and the endpoint that answered the field.
 */
import type { ClusterIr } from "../../ir/index.ts";
import { affinityCookieValue } from "../affinityCookie.ts";
import { block, joinBlocks } from "./blocks.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { underscored } from "./names.ts";
import type { AnswerField } from "./policies/policy.ts";
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
import type { Block } from "./views.ts";

/** The cluster of the request's rule, or what its draw gave. */
const CLUSTER = variable("affinity");
const POOL = variable("affinity_pool");
const COOKIE = "affinity_cookie";
const SENT = variable("affinity_sent");
const ENDPOINT = variable("affinity_endpoint");
const VALUE = variable("affinity_value");
const NAME = variable("affinity_name");
const CHANGED = variable("affinity_changed");

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
  return { upstream: POOL, lines: [block("affinity", { cluster: param(upstream) })] };
}

/** Behind those of the rule's own. */
const LAST = Number.MAX_SAFE_INTEGER;
const FIELDS: readonly AnswerField[] = [{ name: "set-cookie", variable: COOKIE, place: LAST }];

/** The field that answers of a rule may have. */
export function affinityFields(clusters: readonly string[], affine: Affine): readonly AnswerField[] {
  return clusters.some((cluster) => affine.has(cluster)) ? FIELDS : NONE;
}

/** What the http block has to know of these clusters; null: none keeps its clients. */
export function affinityMaps(all: readonly ClusterIr[]): Block | null {
  const clusters = all.filter(({ affinity }) => affinity !== null);
  if (clusters.length === 0) return null;
  const ofCluster = (value: (cluster: ClusterIr) => Part): MapEntry[] =>
    clusters.map((cluster) => mapEntry(mapKey(cluster.name), param(value(cluster))));
  const maps: MapSource[] = [
    ...clusters.map(sentMap),
    { source: [CLUSTER], name: SENT, entries: ofCluster(sentVariable) },
    { source: [CLUSTER, " ", SENT], name: POOL, entries: clusters.flatMap(poolEntries), fallback: [CLUSTER] },
    { source: [variable("upstream_header_time"), " ", variable("upstream_addr")], name: ENDPOINT, entries: [ANSWERED] },
    { source: [ENDPOINT], name: VALUE, entries: valueEntries(clusters) },
    { source: [CLUSTER], name: NAME, entries: ofCluster(({ affinity }) => affinity?.cookie ?? "") },
    {
      source: [SENT, "|", VALUE],
      name: CHANGED,
      entries: [...sameEntries(clusters), ...UNCHANGED],
      fallback: [NAME, "=", VALUE, "; Path=/; HttpOnly"],
    },
    { source: [CLUSTER], name: variable(COOKIE), entries: ofCluster(() => CHANGED) },
  ];
  return joinBlocks(maps.map(mapOf));
}

interface MapSource {
  readonly source: readonly Part[];
  readonly name: Variable;
  readonly entries: readonly MapEntry[];
  /** Empty unless it is there. */
  readonly fallback?: readonly Part[];
}

function mapOf({ source, name, entries, fallback = [""] }: MapSource): Block {
  return block("map", {
    comment: null,
    source: param(...source),
    name,
    entries: mapEntries(entries),
    fallback: param(...fallback),
  });
}

function sentVariable({ name }: ClusterIr): Variable {
  return variable(`affinity_sent_${underscored(name)}`);
}

/** The first cookie of this name, bare or in quotes. (`$cookie_x` knows no case.) */
function sentMap(cluster: ClusterIr): MapSource {
  const pattern = `(?:^|;)[ \\t]*${cluster.affinity?.cookie}=("?)([^;"]*)\\1[ \\t]*(?:;|$)`;
  const entries = [mapEntry(mapRegexKey(pattern), param(SECOND_CAPTURE))];
  return { source: [variable("http_cookie")], name: sentVariable(cluster), entries };
}

/** Keys know no case, but no two values differ in case only: base64 of digits, `a` to `f` and `.:[]` has no such pair. */
function poolEntries(cluster: ClusterIr): readonly MapEntry[] {
  return namedEndpoints(cluster).map((endpoint) =>
    mapEntry(mapKey(`${cluster.name} ${affinityCookieValue(endpoint)}`), param(groupName(cluster, endpoint))),
  );
}

/** The last one tried, if it has begun to answer: an error of nginx's own is no reason to stay. */
const ANSWERED = mapEntry(mapRegexKey("[0-9] (?:[^ ]+, )*([^ ]+)$"), param(FIRST_CAPTURE));

function valueEntries(clusters: readonly ClusterIr[]): readonly MapEntry[] {
  return [...valuesOf(clusters)].map(([socket, value]) => mapEntry(mapKey(socket), param(value)));
}

/** The client knows the endpoint that answered: of nearly all requests that is found without an expression. */
function sameEntries(clusters: readonly ClusterIr[]): readonly MapEntry[] {
  return [...valuesOf(clusters).values()].map((value) => mapEntry(mapKey(`${value}|${value}`), param("")));
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
