/** UDP ports: a file with one stream server each. */
import type { BalancePolicy, FleetIr, UdpPortIr } from "../../ir/index.ts";
import type { Finding, Support } from "../target.ts";
import { block } from "./blocks.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { streamFile, underscored } from "./names.ts";
import { comment, milliseconds, param, variable, word } from "./quote.ts";
import { sharesView } from "./splits.ts";

/** A session is its client: so a new worker, which knows no sessions, sends it where the old one did. */
const SESSION = param(variable("remote_addr"), ":", variable("remote_port"));
/** A packet is told apart by worker, number and time. */
const PACKET = param(variable("pid"), ":", variable("connection"), ":", variable("msec"));

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

/** Path and text of one port's file. */
export function lowerUdpPort(port: UdpPortIr): { readonly path: string; readonly text: string } {
  const { split, perPacket } = port;
  const [name = port.id] = port.listeners;
  const targets = split.map(({ cluster }) => (perPacket ? cluster : sessionUpstream(cluster)));
  const drawn = variable(`split_${underscored(name)}`);
  const isSplit = split.length > 1;
  const target = isSplit ? drawn : targets[0];
  const shares = () => ({
    comment: comment(name),
    seed: perPacket ? PACKET : SESSION,
    name: drawn,
    shares: sharesView(split, targets),
  });
  const view = {
    comment: comment(`${name}: ${hostAndPort(port.address, port.port)}, UDP`),
    split: isSplit ? block("split", shares()) : null,
    listen: word(hostAndPort(port.address, port.port)),
    target: target === undefined ? null : param(target),
    idleTimeout: milliseconds(port.idleTimeoutMs),
    perPacket,
  };
  return { path: streamFile(port), text: block("udpServer", view).text };
}
