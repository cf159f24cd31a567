/** What is said of HTTP/3 without rendering it. */
import type { FleetIr, HttpPortIr } from "../../ir/index.ts";
import { http3Capabilities as sinceVersion } from "../http3.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";

/** As HAProxy 3.0 does it. */
const besideReloads = {
  approximated:
    "ends the connections that are idle when HAProxy is reloaded, and a request that is just on its way there gets no answer; a client whose address or port changes has to connect anew",
  code: "HTTP3-CONNECTIONS-HAPROXY",
  when: (value: unknown): boolean => value === true,
} as const satisfies Support;

const besideClients = {
  refused:
    "cannot be kept together with `tls.clientAuthentication`: HAProxy is not told to ask for certificates over QUIC; leave one of them off, or give the listener that asks a port of its own",
  code: "HTTP3-CLIENTS-HAPROXY",
  when: foundByInspection,
} as const satisfies Support;

const besideLimit = {
  refused:
    "cannot be kept together with `connectionLimit` on a port with listeners of protocol TLS: there HAProxy counts connections of TCP and of QUIC apart; leave one of them off, or give the TLS listeners a port of their own",
  code: "HTTP3-SHARED-HAPROXY",
  when: foundByInspection,
} as const satisfies Support;

const besideUnknown = {
  refused:
    "cannot be kept together with `tls.unknownServerName: first` on a port with listeners of protocol TLS: over QUIC HAProxy would show the first certificate for their names too; leave one of them off, or give the TLS listeners a port of their own",
  code: "HTTP3-SHARED-HAPROXY",
  when: foundByInspection,
} as const satisfies Support;

const { "listener.http.http3": tooOld, ...others } = sinceVersion("haproxy");

/** What HAProxy says of it. */
export const http3Capabilities = {
  ...others,
  "listener.http.http3": [tooOld, besideReloads, besideClients, besideLimit, besideUnknown],
} as const satisfies Readonly<Record<string, Support>>;

/** Errors about ports whose other promises HAProxy does not keep over HTTP/3. */
export function inspectHttp3({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) => (port.kind === "http" && port.http3 !== null ? findingsOf(port) : []));
}

/** Where bytes are passed on nobody comes over QUIC. */
function findingsOf({ tls, passed, connectionLimit: { max, perSource } }: HttpPortIr): readonly Finding[] {
  const isLimited = passed !== null && (max !== null || perSource !== null);
  const isUnknown = passed !== null && tls !== null && tls.unknown !== null;
  return (tls?.scopes ?? [])
    .filter(({ readsRequests }) => readsRequests)
    .flatMap(({ listener, clientAuthentication }) =>
      [
        ...(clientAuthentication === null ? [] : [besideClients]),
        ...(isLimited ? [besideLimit] : []),
        ...(isUnknown ? [besideUnknown] : []),
      ].map(
        ({ code, refused: message }): Finding => ({
          ...{ code, severity: "error", message },
          ...{ resource: { kind: "listener", name: listener }, pointer: "/http/http3" },
        }),
      ),
    );
}
