/** Limits of a cluster, as lines of its backend. */
import type { BalancePolicy, ClusterIr, FleetIr } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import { countedOnce, inspectPlaces, limitFinding } from "../../clusterLimits.ts";
import { type Finding, foundByInspection, type Support } from "../../target.ts";
import { number, time } from "../quote.ts";
import { ruleBackend } from "./ruleBackend.ts";

/** Only the policy shows it. */
const fullIsNotPassedOver = {
  approximated:
    "does not make HAProxy pass over an endpoint that is full where the policy is hash, random or powerOfTwo: the request waits for it, " +
    "5s or `queueTimeout`",
  code: "LIMIT-ENDPOINT-HAPROXY",
  when: foundByInspection,
} as const satisfies Support;

const countedForEachRetry = {
  refused:
    "is counted in one place, and HAProxy has a backend for each `retry`: let all rules that forward to the cluster say the same, or none say any",
  code: "LIMIT-RETRY-HAPROXY",
  when: foundByInspection,
} as const satisfies Support;

/** What HAProxy says of the leaves of `limits`. */
export const limitsCapabilities = {
  "cluster.limits.maxConnectionsPerEndpoint": [fullIsNotPassedOver, countedForEachRetry, countedOnce],
  "cluster.limits.maxConnections": [countedForEachRetry, countedOnce],
  "cluster.limits.maxRequests": [countedForEachRetry, countedOnce],
  "cluster.limits.maxPending": [countedForEachRetry, countedOnce],
  "cluster.limits.queueTimeout": [countedForEachRetry, countedOnce],
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
    ...severalRetries(ir).map((name) => limitFinding(countedForEachRetry, name, "/limits")),
    ...waiting.map(({ name }) => limitFinding(fullIsNotPassedOver, name, "/limits/maxConnectionsPerEndpoint")),
  ];
}

/** Clusters with limits that rules reach which do not try again alike. */
function severalRetries({ clusters, ports }: FleetIr): readonly string[] {
  const limited = new Set(clusters.filter(({ limits }) => limits !== null).map(({ name }) => name));
  if (limited.size === 0) return [];
  const backends = new Map<string, Set<string>>();
  for (const port of ports) {
    if (port.kind !== "http") continue;
    for (const { action, protocol, policies } of port.virtualHosts.flatMap(({ rules }) => rules)) {
      if (action.kind !== "forward") continue;
      for (const { cluster } of action.split) {
        if (!limited.has(cluster)) continue;
        const backend = ruleBackend(cluster, { protocol, retry: policies.retry });
        backends.set(cluster, (backends.get(cluster) ?? new Set()).add(backend));
      }
    }
  }
  return [...backends].filter(([, own]) => own.size > 1).map(([name]) => name);
}

/**
 * As `queueTimeout` is unless it is written. It is less than the 15 s of a client that says nothing, which HAProxy counts while a TLS
 * connection waits.
 */
const USUAL_WAIT_MS = 5_000;

/** `limits.hbs`. */
export interface LimitsView {
  readonly http: boolean;
  /** Under way, those that wait not counted; null: any number. */
  readonly max: Quoted<"number"> | null;
  /** Endpoints can be full. */
  readonly endpoints: boolean;
  readonly queue: { readonly length: Quoted<"number"> } | null;
  /** How long an endpoint is waited for that was chosen and is full; null: none can be. */
  readonly wait: Quoted<"time"> | null;
}

/** Null: there is none. */
export function limitsView({ limits }: ClusterIr, http: boolean): LimitsView | null {
  if (limits === null) return null;
  const { connectionsPerEndpoint, connections, requests, queue } = limits;
  const max = http ? requests : connections;
  const waiting = http ? queue : null;
  return {
    http,
    max: max === null ? null : number(max),
    endpoints: connectionsPerEndpoint !== null,
    queue: waiting === null ? null : { length: number(waiting.length) },
    wait: connectionsPerEndpoint === null ? null : time(waiting?.timeoutMs ?? USUAL_WAIT_MS),
  };
}
