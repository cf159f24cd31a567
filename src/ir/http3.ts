/** HTTP/3: the clients of a port inside TLS may come over UDP too, at the same address and port. */

/** What a port has for them. */
export interface Http3Ir {
  /** `quic-<address>-<port>`, as the port's own; unique in the fleet. */
  readonly id: string;
  /** Where they are told to come: another port than the socket's where something between them and the proxy maps it. */
  readonly toldPort: number;
}

/** How long clients may remember it, in seconds: a day, which is also what Alt-Svc means without a number (RFC 7838, 3.1). */
const REMEMBERED_SECONDS = 86_400;

/** Alt-Svc of answers, on the same host. */
export function altSvc({ toldPort }: Http3Ir): string {
  return `h3=":${toldPort}"; ma=${REMEMBERED_SECONDS}`;
}

/** A socket by its name, and the listeners behind it. */
interface NamedSocket {
  readonly id: string;
  readonly listeners: readonly string[];
}

/** All sockets of ports: a port of HTTP/3 has two. */
export function namedSockets(ports: readonly PortWithSockets[]): readonly NamedSocket[] {
  return ports.flatMap((port) => {
    if (port.kind !== "http" || port.http3 === null) return [port];
    return [port, { id: port.http3.id, listeners: port.listeners }];
  });
}

/** What a port is to `namedSockets`. */
type PortWithSockets = NamedSocket &
  ({ readonly kind: "http"; readonly http3: Http3Ir | null } | { readonly kind: "tcp" | "tls" | "udp" });
