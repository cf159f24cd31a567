/** What is said of listeners inside TLS; `tls.ts` writes them. */
import { type FleetIr, type PortIr, tlsRoutesOf } from "../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";

const countedApart = {
  approximated:
    "holds for the connections of each set of certificates, and of each TLS route, by itself: Envoy counts those of a filter chain, and there is one for each",
  code: "TLS-CONNECTION-LIMIT-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

const reportedNowhere = {
  refused:
    "is `report` on a TLS listener, and Envoy cannot say of a connection whether its client's certificate is good: leave `tls_client_verified` out of the fleet's `accessLog.fields`, or take require or optional",
  code: "TLS-REPORT-LOG-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

/** What Envoy says of clients' certificates. */
export const clientAuthenticationCapabilities = {
  "listener.tls.clientAuthentication.mode": reportedNowhere,
} as const satisfies Readonly<Record<string, Support>>;

/** What Envoy says of the limit of connections. */
export const connectionLimitCapabilities = {
  "listener.connectionLimit.max": countedApart,
} as const satisfies Readonly<Record<string, Support>>;

/** Limits that several filter chains have, and certificates of which the log would have to say more than Envoy knows. */
export function inspectTls(ir: FleetIr): readonly Finding[] {
  return [...limitsApart(ir), ...unknownInLog(ir)];
}

function unknownInLog({ ports, accessLog }: FleetIr): readonly Finding[] {
  if (accessLog?.connectionFields.includes("tls_client_verified") !== true) return [];
  const routes = ports.flatMap((port) => tlsRoutesOf(port)?.routes ?? []);
  const reporting = routes.filter(({ clientAuthentication }) => clientAuthentication?.mode === "report");
  return [...new Set(reporting.map(({ listener }) => listener))].map((name): Finding => {
    const { code, refused: message } = reportedNowhere;
    const resource = { kind: "listener" as const, name };
    return { code, severity: "error", message, resource, pointer: "/tls/clientAuthentication/mode" };
  });
}

function limitsApart({ ports }: FleetIr): readonly Finding[] {
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
