/** What is said of HTTP/3 without rendering it: this file loads fast. */
import type { FleetIr, HttpPortIr } from "../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";

const besideLimit = {
  refused:
    "cannot be kept together with `connectionLimit.max`: Envoy counts connections of TCP and of QUIC apart, so that there could be twice as many; leave one of them off",
  code: "HTTP3-CONNECTION-LIMIT-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

const besideClients = {
  refused:
    "cannot be kept together with `tls.clientAuthentication`: Envoy is not told to ask for certificates over QUIC; leave one of them off, or give the listener that asks a port of its own",
  code: "HTTP3-CLIENTS-ENVOY",
  when: foundByInspection,
} as const satisfies Support;

/** What Envoy says of it. */
export const http3Capabilities = {
  "listener.http.http3": [besideLimit, besideClients],
  "listener.http.http3Port": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Errors about ports whose other promises Envoy does not keep over HTTP/3. */
export function inspectHttp3({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) => (port.kind === "http" && port.http3 !== null ? findingsOf(port) : []));
}

/** Where bytes are passed on nobody comes over QUIC. */
function findingsOf({ tls, connectionLimit }: HttpPortIr): readonly Finding[] {
  return (tls?.scopes ?? [])
    .filter(({ readsRequests }) => readsRequests)
    .flatMap(({ listener, clientAuthentication }) =>
      [
        ...(connectionLimit.max === null ? [] : [besideLimit]),
        ...(clientAuthentication === null ? [] : [besideClients]),
      ].map(
        ({ code, refused: message }): Finding => ({
          ...{ code, severity: "error", message },
          ...{ resource: { kind: "listener", name: listener }, pointer: "/http/http3" },
        }),
      ),
    );
}
