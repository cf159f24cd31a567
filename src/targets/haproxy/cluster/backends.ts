/** Backends: clusters as HTTP and TCP ports see them. */
import { type ClusterIr, type FleetIr, isActive } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import type { Version } from "../../target.ts";
import { isBefore } from "../../version.ts";
import { serverName, tcpBackend } from "../names.ts";
import { address, name, number, time } from "../quote.ts";
import { INIT_STATE_SINCE } from "../version.ts";
import { type BalanceView, balanceView, serverIds, serverWeights } from "./balance.ts";
import { type CheckView, checkView } from "./healthCheck.ts";
import { type LimitsView, limitsView } from "./limits.ts";
import { hasBackups } from "./priority.ts";
import { weightOf } from "./state.ts";

/** What a cluster waits for a connection unless it says otherwise: the schema's default, written in the `defaults` sections. */
export const DEFAULT_CONNECT_MS = 5_000;

/** `backend.hbs` and, behind what rules change there, `servers.hbs`. */
export interface BackendView extends BalanceView {
  readonly name: Quoted<"name">;
  readonly http: boolean;
  /** There is no other endpoint to try. */
  readonly single: boolean;
  readonly allBackups: boolean;
  /** Null: the default. */
  readonly connectTimeout: Quoted<"time"> | null;
  /** Of TCP; null: per request. */
  readonly idleTimeout: Quoted<"time"> | null;
  readonly check: CheckView | null;
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
  readonly disabled: boolean;
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
    if (port.kind === "http") continue;
    for (const { cluster } of port.split) {
      tcpIdles.set(cluster, (tcpIdles.get(cluster) ?? new Set()).add(port.idleTimeoutMs));
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
    if (port.kind === "tcp") continue;
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
  const startsDown = !isBefore(version, INIT_STATE_SINCE);
  return backends.map((form, place) => {
    const track = place > 0 && cluster.healthCheck !== null ? (backends[0]?.name ?? null) : null;
    return backendView({ cluster, ...form, track, startsDown });
  });
}

interface BackendInput {
  readonly cluster: ClusterIr;
  readonly name: string;
  readonly idleMs: number | null;
  readonly track: string | null;
  readonly startsDown: boolean;
}

function backendView({ cluster, name: backend, idleMs, track, startsDown }: BackendInput): BackendView {
  const { healthCheck } = cluster;
  return {
    name: name(backend),
    http: idleMs === null,
    ...balanceView(cluster.balance),
    single: cluster.endpoints.filter(isActive).length === 1,
    allBackups: hasBackups(cluster),
    connectTimeout: cluster.connectTimeoutMs === DEFAULT_CONNECT_MS ? null : time(cluster.connectTimeoutMs),
    idleTimeout: idleMs === null ? null : time(idleMs),
    check: healthCheck === null || track !== null ? null : checkView(healthCheck, startsDown),
    limits: limitsView(cluster, idleMs === null),
    servers: serverViews(cluster, track),
  };
}

function serverViews(cluster: ClusterIr, track: string | null): readonly ServerView[] {
  const weights = serverWeights(cluster);
  const ids = serverIds(cluster);
  const perEndpoint = cluster.limits?.connectionsPerEndpoint ?? null;
  return cluster.endpoints.map((endpoint, index) => ({
    name: name(serverName(endpoint)),
    address: address(endpoint.address, endpoint.port),
    id: ids === null ? null : number(ids[index] as number),
    weight: number(isActive(endpoint) ? (weights[index] as number) : weightOf(endpoint)),
    maxConnections: perEndpoint === null ? null : number(perEndpoint),
    backup: endpoint.priority > 0,
    disabled: endpoint.state === "down",
    track: track === null ? null : name(track),
  }));
}
