/** What is said of listeners inside TLS; `tls.ts` writes them. */
import { type FleetIr, type PortIr, tlsRoutesOf } from "../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";

const countedApart = {
  approximated:
    "holds for the connections of each set of certificates, and of each TLS route, by itself: Envoy counts those of a filter chain, and there is one for each",
  code: "TLS-CONNECTION-LIMIT-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

/** What Envoy says of the limit of connections. */
export const connectionLimitCapabilities = {
  "listener.connectionLimit.max": countedApart,
} as const satisfies Readonly<Record<string, Support>>;

/** Limits that several filter chains have. */
export function inspectTls({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) => {
    if (port.kind === "udp" || port.connectionLimit.max === null || chainsOf(port) < 2) return [];
    return port.listeners.map((name): Finding => {
      const { code, approximated: message } = countedApart;
      const resource = { kind: "listener" as const, name };
      return { code, severity: "warning", message, resource, pointer: "/connectionLimit/max" };
    });
  });
}

/** Filter chains that take connections. */
function chainsOf(port: PortIr): number {
  const routes = tlsRoutesOf(port)?.routes ?? [];
  const isSplit = routes.filter(({ serverNames }) => serverNames.length > 1 && serverNames.includes("*"));
  const passed = routes.length + isSplit.length;
  if (port.kind !== "http" || port.tls === null) return passed;
  return port.tls.servers.length + (port.tls.unknown === null ? 0 : 1) + passed;
}
