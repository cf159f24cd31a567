/** What is said of `proxyProtocol` of listeners without rendering them: this file loads fast. */
import type { FleetIr } from "../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";

const fromAnybody = {
  refused:
    "cannot be said with mode optional: Envoy reads a header whoever sends it, so that any client could claim an address; take mode required, or leave it off",
  code: "PP-CIDR-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

/** What Envoy says of the leaves of `proxyProtocol`. */
export const proxyProtocolCapabilities = {
  "listener.proxyProtocol.mode": "exact",
  "listener.proxyProtocol.from[]": fromAnybody,
} as const satisfies Readonly<Record<string, Support>>;

/** Errors about ports that are to take headers from some and plain connections from others. */
export function inspectProxyProtocol({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) => {
    if (port.kind === "udp" || port.proxyProtocol?.mode !== "optional" || port.proxyProtocol.from === "") return [];
    return port.listeners.map((name) => ({
      code: fromAnybody.code,
      severity: "error" as const,
      message: `\`from\` ${fromAnybody.refused}`,
      resource: { kind: "listener" as const, name },
      // The first is enough to go by.
      pointer: "/proxyProtocol/from/0",
    }));
  });
}
