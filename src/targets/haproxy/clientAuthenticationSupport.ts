/** What is said of clients' certificates; `clientAuthentication.ts` writes them. */
import { type ClientAuthenticationIr, type FleetIr, type TlsScopeIr, tlsRoutesOf } from "../../ir/index.ts";
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

/** Sockets on which only some listeners let any certificate in: requests have one, and what ends TLS beside them has another. */
export function inspectClients({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) => {
    const requests = port.kind === "http" ? (port.tls?.scopes ?? []).filter(({ readsRequests }) => readsRequests) : [];
    const ended = (tlsRoutesOf(port)?.routes ?? []).filter(({ terminate }) => terminate !== null);
    return [...reportedBy(requests), ...reportedBy(ended)].map((listener) => {
      const { code, refused: message } = reportedAlone;
      return {
        ...{ code, severity: "error" as const, message },
        resource: { kind: "listener" as const, name: listener },
        pointer: "/tls/clientAuthentication/mode",
      };
    });
  });
}

/** Listeners that let any certificate in where others of their socket do not. */
function reportedBy(members: readonly Pick<TlsScopeIr, "listener" | "clientAuthentication">[]): readonly string[] {
  const reporting = members.filter(({ clientAuthentication: asks }) => asks !== null && reports(asks));
  return reporting.length === members.length ? [] : [...new Set(reporting.map(({ listener }) => listener))];
}

/** Any certificate is let in. */
export function reports({ mode }: ClientAuthenticationIr): boolean {
  return mode === "report";
}
