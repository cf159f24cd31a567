/** What comes last in a location that forwards: where it sends requests, and what depends on the cluster. */
import type { ForwardIr, RuleIr } from "../../ir/index.ts";
import { loggedLines } from "./accessLog.ts";
import { type Affine, destination } from "./affinity.ts";
import { block } from "./blocks.ts";
import { USUAL_CONNECT_MS } from "./common.ts";
import { moduleOf } from "./forwardModule.ts";
import { milliseconds, type Part } from "./quote.ts";
import { type LimitPlace, requestLimitLines } from "./upstream/limits.ts";
import { type Http2Clusters, protocolLines } from "./upstream/protocol.ts";
import { type Secured, tlsInclude } from "./upstream/tls.ts";
import type { Block } from "./views.ts";

/** What it depends on beside the rule. */
export interface EndPlace extends LimitPlace {
  /** Of every cluster, by name. */
  readonly connectTimeouts: ReadonlyMap<string, number>;
  /** Clusters that keep their clients. */
  readonly affine: Affine;
  /** Clusters whose endpoints are reached inside TLS. */
  readonly secured: Secured;
  /** Clusters that speak HTTP/2. */
  readonly http2: Http2Clusters;
  /** Locations say whose they are: the fleet has an access log. */
  readonly isLogged: boolean;
}

interface Chosen {
  /** A cluster, or the variable that is one of them. */
  readonly to: Part;
  /** They have the same lines (`isOneLocation`). */
  readonly clusters: readonly string[];
}

/** What ends such a location. */
export interface End {
  readonly scheme: "http://" | "https://";
  readonly upstream: Part;
  readonly lines: readonly Block[];
  /** The upstream depends on the client's cookie. */
  readonly isKept: boolean;
}

/** One empty list for all rules. */
const NONE: readonly never[] = [];

/** The end for these clusters. */
export function endOf(rule: RuleIr, { to, clusters }: Chosen, place: EndPlace): End {
  const { upstream, lines } = destination(to, clusters, place.affine);
  const first = clusters[0] as string;
  const own = [
    ...(rule.protocol === "grpc" ? NONE : protocolLines(first, place.http2)),
    ...timeoutLines(rule, timeoutOf(first, place)),
    ...requestLimitLines(first, place),
    ...tlsLines(rule, first, place),
  ];
  const scheme = place.secured.has(first) ? "https://" : "http://";
  return { scheme, upstream, lines: [...logLines(rule, to, place), ...own, ...lines], isKept: lines.length > 0 };
}

/** Whether one location can forward to all of them: they have one connect timeout, one protocol, no limits and no TLS. */
export function isOneLocation(split: ForwardIr["split"], place: EndPlace): boolean {
  const timeouts = new Set(split.map(({ cluster }) => timeoutOf(cluster, place)));
  const protocols = new Set(split.map(({ cluster }) => place.http2.has(cluster)));
  const isApart = split.some(({ cluster }) => place.limited.has(cluster) || place.secured.has(cluster));
  return timeouts.size === 1 && protocols.size === 1 && !isApart;
}

/** A cluster's connect timeout. */
function timeoutOf(cluster: string, { connectTimeouts }: Pick<EndPlace, "connectTimeouts">): number {
  const timeout = connectTimeouts.get(cluster);
  if (timeout === undefined) throw new Error(`no cluster ${cluster}`);
  return timeout;
}

function tlsLines(rule: RuleIr, cluster: string, { secured }: Pick<EndPlace, "secured">): readonly Block[] {
  return secured.has(cluster) ? [tlsInclude(cluster, moduleOf(rule))] : NONE;
}

/** What the location notes for the access log. */
export function logLines(
  { name }: RuleIr,
  cluster: Part | null,
  { isLogged }: Pick<EndPlace, "isLogged">,
): readonly Block[] {
  return isLogged ? loggedLines(name, cluster) : NONE;
}

function timeoutLines(rule: RuleIr, timeout: number): readonly Block[] {
  if (timeout === USUAL_CONNECT_MS) return NONE;
  return [block("connectTimeout", { module: moduleOf(rule), timeout: milliseconds(timeout) })];
}
