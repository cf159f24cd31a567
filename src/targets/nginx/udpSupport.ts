/** What is said of UDP ports and of the clusters that they reach; `udp.ts` writes them. */
import type { BalancePolicy, FleetIr } from "../../ir/index.ts";
import type { Finding, Support } from "../target.ts";

/** Sessions go by hash; what was asked for of the cluster's balance holds for packets only. */
export const hashedSessions = {
  approximated:
    "of sessions is a hash of the client's address and port, so that a session keeps its endpoint over reloads: " +
    "weights hold on average, and the number of sessions under way is not looked at",
  code: "L4-UDP-HASH-NGINX",
} as const satisfies Support;

/** Old workers close the socket over which they would answer ("disconnected on shutdown"). */
const answersLost = {
  approximated:
    "loses answers that are under way while nginx reloads, which it does at each change: with an endpoint that took " +
    "500 ms to answer all 100 of 100, at once 0; clients have to ask again",
  code: "L4-UDP-RELOAD-NGINX",
  when: (value) => value === "UDP",
} as const satisfies Support;

/** What nginx says of the leaves of UDP listeners. */
export const udpCapabilities = {
  "listener.protocol": answersLost,
  "listener.udp.balance": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** The upstream group of a cluster for sessions. No cluster's name has a dot. */
export function sessionUpstream(cluster: string): string {
  return `${cluster}.sessions`;
}

/** Clusters that a fleet's UDP ports reach, by how their endpoints are chosen. */
export function udpClusters({ ports }: FleetIr): { readonly sessions: Set<string>; readonly packets: Set<string> } {
  const found = { sessions: new Set<string>(), packets: new Set<string>() };
  for (const port of ports) {
    if (port.kind !== "udp") continue;
    for (const { cluster } of port.split) found[port.perPacket ? "packets" : "sessions"].add(cluster);
  }
  return found;
}

/** Policies that look at what is under way, which a hash does not. */
const COUNTING: ReadonlySet<string> = new Set<BalancePolicy>(["leastRequest", "powerOfTwo", "leastTime"]);

/** Clusters whose balance nginx does not keep to for sessions. */
export function inspectUdp(ir: FleetIr): readonly Finding[] {
  const { sessions } = udpClusters(ir);
  return ir.clusters
    .filter(({ name, balance }) => COUNTING.has(balance.policy) && sessions.has(name))
    .map(({ name }) => ({
      code: hashedSessions.code,
      severity: "warning" as const,
      message: `balance ${hashedSessions.approximated}`,
      resource: { kind: "cluster" as const, name },
      pointer: "/balance/policy",
    }));
}
