/** What is said of HTTP/3 without rendering it: this file loads fast. */
import type { FleetIr, HttpPortIr } from "../../ir/index.ts";
import { type Finding, foundByInspection } from "../target.ts";

const CODES = {
  limit: "HTTP3-CONNECTION-LIMIT-ENVOY",
  clients: "HTTP3-CLIENTS-ENVOY",
} as const;

/** What Envoy says of it. */
export const http3Capabilities = {
  "listener.http.http3": [
    { refused: "is beside a limit of connections", code: CODES.limit, when: foundByInspection },
    { refused: "is beside certificates of clients", code: CODES.clients, when: foundByInspection },
  ],
  "listener.http.http3Port": "exact",
} as const;

/** Errors about ports whose other promises Envoy does not keep over HTTP/3. */
export function inspectHttp3({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) => (port.kind === "http" && port.http3 !== null ? findingsOf(port) : []));
}

function findingsOf({ listeners, tls, connectionLimit }: HttpPortIr): readonly Finding[] {
  const found: Finding[] = [];
  const say = (name: string, finding: Pick<Finding, "code" | "severity" | "message">): unknown =>
    found.push({ ...finding, resource: { kind: "listener", name }, pointer: "/http/http3" });
  if (connectionLimit.max !== null) {
    const message =
      "cannot be kept together with `connectionLimit.max`: Envoy counts connections of TCP and of QUIC apart, so that there could be twice as many; leave one of them off";
    for (const name of listeners) say(name, { code: CODES.limit, severity: "error", message });
  }
  for (const { listener, clientAuthentication } of tls?.scopes ?? []) {
    if (clientAuthentication === null) continue;
    const message =
      "cannot be kept together with `tls.clientAuthentication`: Envoy asks nobody for a certificate over QUIC; leave one of them off, or give the listener that asks a port of its own";
    say(listener, { code: CODES.clients, severity: "error", message });
  }
  return found;
}
