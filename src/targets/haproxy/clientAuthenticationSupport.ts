/** What is said of clients' certificates; `clientAuthentication.ts` writes them. */
import type { FleetIr, ListenerTlsIr } from "../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";

const reportedAlone = {
  refused:
    "is `report`, which HAProxy knows for a whole socket only: give all listeners of the address and port the same mode, or take ports apart",
  code: "TLS-REPORT-HAPROXY",
  when: foundByInspection,
} as const satisfies Support;

/** What HAProxy says of it. */
export const clientAuthenticationCapabilities = {
  "listener.tls.clientAuthentication.mode": reportedAlone,
} as const satisfies Readonly<Record<string, Support>>;

/** Sockets on which only some listeners let any certificate in. */
export function inspectClients({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) => {
    if (port.kind !== "http" || !reports(port.tls)) return [];
    const reporting = (port.tls?.scopes ?? []).filter(isReporting);
    if (reporting.length === port.tls?.scopes.length) return [];
    const { code, refused: message } = reportedAlone;
    return reporting.map(({ listener }) => ({
      ...{ code, severity: "error" as const, message },
      resource: { kind: "listener" as const, name: listener },
      pointer: "/tls/clientAuthentication/mode",
    }));
  });
}

function isReporting({ clientAuthentication }: ListenerTlsIr["scopes"][number]): boolean {
  return clientAuthentication?.mode === "report";
}

/** Some listener of the socket lets any certificate in. */
export function reports(tls: ListenerTlsIr | null): boolean {
  return tls?.scopes.some(isReporting) === true;
}
