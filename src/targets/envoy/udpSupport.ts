/** What is said of UDP listeners without rendering them: this file loads fast. */
import type { FleetIr } from "../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";

/** Envoy's UDP proxy sends all sessions of a listener to one cluster; only the port shows that the route is for UDP. */
export const oneUdpCluster = {
  refused: "cannot be shared between clusters by a UDP listener: Envoy's UDP proxy has no weights",
  code: "L4-UDP-SPLIT-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

/** What Envoy says of the leaves of UDP listeners. */
export const udpCapabilities = {
  "listener.udp.balance": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Errors about UDP ports with several clusters. */
export function inspectUdp({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) =>
    port.kind !== "udp" || port.split.length < 2
      ? []
      : port.listeners.map((name) => ({
          code: oneUdpCluster.code,
          severity: "error" as const,
          message: `its route's split ${oneUdpCluster.refused}`,
          resource: { kind: "listener" as const, name },
          pointer: "/protocol",
        })),
  );
}
