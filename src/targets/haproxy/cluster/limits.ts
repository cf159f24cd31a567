/** Limits of a cluster, as lines of its backend. */
import type { BalancePolicy, ClusterIr, FleetIr } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import { countedOnce, inspectPlaces, limitFinding } from "../../clusterLimits.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { number, time } from "../quote.ts";

/** Only the policy shows it. */
const fullIsNotPassedOver = {
  approximated:
    "does not make HAProxy pass over an endpoint that is full where the policy is hash, random or powerOfTwo: the request waits for it, " +
    "5s or `queueTimeout`",
  code: "LIMIT-ENDPOINT-HAPROXY",
  when: foundByInspection,
} as const satisfies Support;

/** What HAProxy says of the leaves of `limits`. */
export const limitsCapabilities = {
  "cluster.limits.maxConnectionsPerEndpoint": [fullIsNotPassedOver, countedOnce],
  "cluster.limits.maxConnections": countedOnce,
  "cluster.limits.maxRequests": countedOnce,
  "cluster.limits.maxPending": countedOnce,
  "cluster.limits.queueTimeout": countedOnce,
} as const satisfies Readonly<Record<string, Support>>;

/** HAProxy chooses first and then sees that the endpoint is full. */
const CHOOSES_FULL: ReadonlySet<BalancePolicy> = new Set<BalancePolicy>(["hash", "random", "powerOfTwo"]);

/** What only the cluster as a whole, or the fleet, shows. */
export function inspectLimits(ir: FleetIr): readonly Finding[] {
  const waiting = ir.clusters.filter(
    ({ limits, balance }) =>
      limits !== null && limits.connectionsPerEndpoint !== null && CHOOSES_FULL.has(balance.policy),
  );
  return [
    ...inspectPlaces(ir),
    ...waiting.map(({ name }) => limitFinding(fullIsNotPassedOver, name, "/limits/maxConnectionsPerEndpoint")),
  ];
}

/** `limits.hbs`. */
export interface LimitsView {
  readonly http: boolean;
  /** Under way, those that wait not counted; null: any number. */
  readonly max: Quoted<"number"> | null;
  /** Endpoints can be full. */
  readonly endpoints: boolean;
  readonly queue: { readonly length: Quoted<"number">; readonly timeout: Quoted<"time"> } | null;
}

/** Null: there is none. */
export function limitsView({ limits }: ClusterIr, http: boolean): LimitsView | null {
  if (limits === null) return null;
  const { connectionsPerEndpoint, connections, requests, queue } = limits;
  const max = http ? requests : connections;
  const waits = http && queue !== null;
  return {
    http,
    max: max === null ? null : number(max),
    endpoints: connectionsPerEndpoint !== null,
    queue: waits ? { length: number(queue.length), timeout: time(queue.timeoutMs) } : null,
  };
}
