/** Backends: clusters as HTTP and TCP ports see them. */
import {
  type ClusterIr,
  type EndpointIr,
  ejectionOf,
  type FleetIr,
  isActive,
  isOverHttp2,
  passedBy,
} from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import type { Version } from "../../target.ts";
import { onceMoreName, serverName, tcpBackend } from "../names.ts";
import { address, name, number, time } from "../quote.ts";
import { type AffinityView, affinityValue, affinityView } from "./affinity.ts";
import { type BalanceView, balanceView, serverIds, serverWeights } from "./balance.ts";
import { type CheckView, checkView } from "./healthCheck.ts";
import { startsDown } from "./initialState.ts";
import { type LimitsView, limitsView } from "./limits.ts";
import { isNeverOut, type OutlierView, onceMore, outlierView } from "./outlierDetection.ts";
import { type PoolView, poolView } from "./pool.ts";
import { hasBackups } from "./priority.ts";
import { sendProxy } from "./proxyProtocol.ts";
import { weightOf } from "./state.ts";
import { type ServerTlsView, serverTlsView } from "./tls.ts";

/** What a cluster waits for a connection unless it says otherwise: the schema's default, written in the `defaults` sections. */
export const DEFAULT_CONNECT_MS = 5_000;

/** `backend.hbs` and, behind what rules change there, `servers.hbs`. */
export interface BackendView extends BalanceView {
  readonly name: Quoted<"name">;
  readonly http: boolean;
  /** It says itself what is sent again. */
  readonly resends: boolean;
  /** Its requests are calls of gRPC. */
  readonly calls: boolean;
  /** There is no other endpoint to try. */
  readonly single: boolean;
  readonly allBackups: boolean;
  /** What keeps a client on its endpoint. */
  readonly affinity: AffinityView | null;
  /** Null: the default. */
  readonly connectTimeout: Quoted<"time"> | null;
  /** Of TCP; null: per request. */
  readonly idleTimeout: Quoted<"time"> | null;
  /** Requests go over HTTP/2. */
  readonly http2: boolean;
  /** What they are told then of how they came. */
  readonly scheme: Quoted<"name">;
  /** The header that connections begin with; null: none. */
  readonly sendProxy: Quoted<"name"> | null;
  /** Null: in the clear. */
  readonly tls: ServerTlsView | null;
  readonly check: CheckView | null;
  readonly outlier: OutlierView | null;
  readonly slowStart: Quoted<"time"> | null;
  /** Of HTTP; null: nothing is said. */
  readonly pool: PoolView | null;
  /** `limits.hbs`; null: as much as comes. */
  readonly limits: LimitsView | null;
  readonly servers: readonly ServerView[];
}

/** One endpoint. */
export interface ServerView {
  readonly name: Quoted<"name">;
  readonly address: Quoted<"address">;
  /** Null: its place. */
  readonly id: Quoted<"number"> | null;
  readonly weight: Quoted<"number">;
  /** Null: any number. */
  readonly maxConnections: Quoted<"number"> | null;
  readonly backup: boolean;
  /** What an affinity cookie names it by. */
  readonly cookie: Quoted<"base64"> | null;
  readonly disabled: boolean;
  /** It is never left out. */
  readonly unchecked: boolean;
  /** The backend that probes this endpoint for us; null: we probe, or nobody does. */
  readonly track: Quoted<"name"> | null;
}

/** The backends of one cluster. */
export interface ClusterBackends {
  readonly cluster: ClusterIr;
  readonly backends: readonly BackendForm[];
}

/** A cluster as one kind of port sees it. */
interface BackendForm {
  readonly name: string;
  /** Null: HTTP, where rules have their own. */
  readonly idleMs: number | null;
}

/** Which backends each cluster needs, ascending by cluster; HTTP first, then TCP by idle timeout. */
export function clusterBackends(ir: FleetIr): readonly ClusterBackends[] {
  const tcpIdles = new Map<string, Set<number>>();
  for (const port of ir.ports) {
    for (const { split, idleTimeoutMs } of passedBy(port)) {
      for (const { cluster } of split) tcpIdles.set(cluster, (tcpIdles.get(cluster) ?? new Set()).add(idleTimeoutMs));
    }
  }
  // a cluster that no TCP port reaches is in the IR because an HTTP port does; only the others must be looked for
  const http = tcpIdles.size === 0 ? null : httpClusters(ir);
  return ir.clusters.map((cluster) => {
    const idles = [...(tcpIdles.get(cluster.name) ?? [])].sort((a, b) => a - b);
    const forms: BackendForm[] = idles.map((idleMs) => ({ name: tcpBackend(cluster.name, idleMs), idleMs }));
    if (idles.length === 0 || http?.has(cluster.name)) forms.unshift({ name: cluster.name, idleMs: null });
    return { cluster, backends: forms };
  });
}

function httpClusters(ir: FleetIr): ReadonlySet<string> {
  const found = new Set<string>();
  for (const port of ir.ports) {
    if (port.kind !== "http") continue;
    for (const { rules } of port.virtualHosts) {
      for (const { action } of rules) {
        if (action.kind === "forward") for (const { cluster } of action.split) found.add(cluster);
      }
    }
  }
  return found;
}

/** Views of one cluster's backends. One prober per endpoint: the first backend's; the others follow it. */
export function lowerBackends({ cluster, backends }: ClusterBackends, version: Version): readonly BackendView[] {
  return backends.map((form, place) => {
    const track = place > 0 && follows(cluster) ? (backends[0]?.name ?? null) : null;
    return backendView({ cluster, ...form, track, isFirstDown: startsDown(cluster, version) });
  });
}

interface BackendInput {
  readonly cluster: ClusterIr;
  readonly name: string;
  readonly idleMs: number | null;
  readonly track: string | null;
  readonly isFirstDown: boolean;
}

function backendView({ cluster, name: backend, idleMs, track, isFirstDown }: BackendInput): BackendView {
  const { healthCheck } = cluster;
  const affinity = affinityView(cluster, idleMs === null);
  const http2 = cluster.protocol === "http2" && idleMs === null;
  const probes = healthCheck !== null && isOverHttp2(healthCheck);
  return {
    name: name(backend),
    http: idleMs === null,
    resends: false,
    calls: false,
    ...balanceView(cluster.balance),
    // Whatever their states are: those change in the running process, and lines of the backend do not.
    single: cluster.endpoints.length === 1,
    allBackups: hasBackups(cluster) || onceMore(cluster).length > 0,
    affinity,
    connectTimeout: cluster.connectTimeoutMs === DEFAULT_CONNECT_MS ? null : time(cluster.connectTimeoutMs),
    idleTimeout: idleMs === null ? null : time(idleMs),
    http2,
    scheme: name(cluster.tls === null ? "http" : "https"),
    sendProxy: sendProxy(cluster.proxyProtocol),
    tls: serverTlsView(cluster.tls, { requests: http2, probes }),
    check:
      healthCheck === null || track !== null
        ? null
        : checkView(healthCheck, { startsDown: isFirstDown, isTls: cluster.tls !== null }),
    limits: limitsView(cluster, idleMs === null),
    outlier: outlierView(cluster, idleMs === null),
    slowStart: cluster.slowStart === null ? null : time(cluster.slowStart.windowMs),
    pool: idleMs === null ? poolView(cluster.pool) : null,
    servers: [
      ...serverViews(cluster, track, affinity),
      ...onceMore(cluster).map((endpoint) => onceMoreView(cluster, endpoint)),
    ],
  };
}

/** A backend that observes its own traffic has states of its own, and so probes of its own. */
function follows(cluster: ClusterIr): boolean {
  return cluster.healthCheck !== null && ejectionOf(cluster) === null;
}

function serverViews(cluster: ClusterIr, track: string | null, affinity: AffinityView | null): readonly ServerView[] {
  const weights = serverWeights(cluster);
  const ids = serverIds(cluster);
  const unchecked = isNeverOut(cluster);
  return cluster.endpoints.map((endpoint, index) => ({
    name: name(serverName(endpoint)),
    address: address(endpoint.address, endpoint.port),
    id: ids === null ? null : number(ids[index] as number),
    weight: number(isActive(endpoint) ? (weights[index] as number) : weightOf(endpoint)),
    maxConnections: perEndpoint(cluster),
    backup: endpoint.priority > 0,
    cookie: affinityValue(endpoint, affinity),
    disabled: endpoint.state === "down",
    unchecked: unchecked(endpoint),
    track: track === null ? null : name(track),
  }));
}

/** The endpoint as a backup of itself. */
function onceMoreView(cluster: ClusterIr, endpoint: EndpointIr): ServerView {
  return {
    name: name(onceMoreName(endpoint)),
    address: address(endpoint.address, endpoint.port),
    id: null,
    weight: number(endpoint.weight),
    maxConnections: perEndpoint(cluster),
    backup: true,
    cookie: null,
    disabled: false,
    unchecked: true,
    track: null,
  };
}

function perEndpoint({ limits }: ClusterIr): Quoted<"number"> | null {
  const each = limits?.connectionsPerEndpoint ?? null;
  return each === null ? null : number(each);
}
