/** What is said of HTTP/3 without rendering it. */
import type { FleetIr, HttpPortIr, JsonValue } from "../../ir/index.ts";
import { besideHttp3, lacksHttp3, withoutHttp3 } from "../http3.ts";
import { type Finding, foundByInspection, type Support, type Version } from "../target.ts";

/** As HAProxy 3.0 does it. */
const besideReloads = {
  approximated:
    "ends the connections that are idle when HAProxy is reloaded, and a request that is just on its way there gets no answer; a client whose address or port changes has to connect anew",
  code: "HTTP3-CONNECTIONS-HAPROXY",
  when: (value: JsonValue, version: Version): boolean => value === true && !lacksHttp3("haproxy", version),
} as const satisfies Support;

const besideClients = {
  refused:
    "cannot be kept together with `tls.clientAuthentication`: HAProxy resumes sessions over QUIC though it is told not to, and then verifies nobody; leave one of them off, or give the listener that asks a port of its own",
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

const { http3: tooOld, http3Port } = withoutHttp3("haproxy");

/** What HAProxy says of it. */
export const http3Capabilities = {
  "listener.http.http3": [tooOld, besideReloads, besideClients, besideLimit, besideUnknown],
  "listener.http.http3Port": http3Port,
} as const satisfies Readonly<Record<string, Support>>;

/** Errors about ports whose other promises HAProxy does not keep over HTTP/3. */
export function inspectHttp3({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) => (port.kind === "http" && port.http3 !== null ? findingsOf(port) : []));
}

function findingsOf(port: HttpPortIr): readonly Finding[] {
  const { tls, passed, connectionLimit } = port;
  const asks = tls?.scopes.some(({ readsRequests, clientAuthentication: by }) => readsRequests && by !== null) === true;
  const isLimited = passed !== null && (connectionLimit.max !== null || connectionLimit.perSource !== null);
  const isUnknown = passed !== null && tls !== null && tls.unknown !== null;
  return [
    ...(asks ? besideHttp3(port, besideClients) : []),
    ...(isLimited ? besideHttp3(port, besideLimit) : []),
    ...(isUnknown ? besideHttp3(port, besideUnknown) : []),
  ];
}
