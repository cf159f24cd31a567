/** Connections that are told apart by the server name that clients ask for (SNI), and passed on as bytes. */
import type { SplitIr } from "./action.ts";
import type { ClientAuthenticationIr, ListenerTlsIr, TlsServerIr } from "./tls.ts";

/** How long a client may take for its hello, and for the handshake where TLS ends here: Envoy's own default for the first. */
export const HELLO_TIMEOUT_MS = 15_000;

/** Where connections for some server names go. */
export interface TlsRouteIr {
  /** Ascending: `a.example.com`, `*.example.com` (any depth, not the apex) or `*` (any other name, and none). */
  readonly serverNames: readonly string[];
  readonly listener: string;
  readonly route: string;
  /** Each connection goes to one of these; empty: it is closed. */
  readonly split: SplitIr;
  /** A connection with no byte in either direction for this long is closed. */
  readonly idleTimeoutMs: number;
  /** What TLS ends with, for the same names; null: endpoints get the client's bytes as they are. */
  readonly terminate: TlsServerIr | null;
  /** Null: no certificate is asked for, or TLS is passed through. */
  readonly clientAuthentication: ClientAuthenticationIr | null;
}

/** Server names of a socket. An exact name goes before a wildcard, and a longer wildcard before a shorter one. */
export interface TlsRoutesIr {
  /** Ascending by first server name. Each name stands in one of them only. No route: the connection is closed. */
  readonly routes: readonly TlsRouteIr[];
  /** Names whose connections are closed though a wildcard of `routes` covers them. Ascending. */
  readonly refused: readonly string[];
}

/** Connections that go to the same clusters. */
export type PassedIr = Pick<TlsRouteIr, "split" | "idleTimeoutMs">;

/** What a port is to `passedBy`. */
type PassingPort =
  | ({ readonly kind: "tcp" } & PassedIr)
  | ({ readonly kind: "tls" } & TlsRoutesIr)
  | { readonly kind: "http"; readonly passed: TlsRoutesIr | null; readonly tls?: ListenerTlsIr | null }
  | { readonly kind: "udp" };

/** Where a port passes bytes: the whole port, or connections for some server names. Not UDP, which has no connections. */
export function passedBy(port: PassingPort): readonly PassedIr[] {
  if (port.kind === "tcp") return [port];
  return tlsRoutesOf(port)?.routes ?? [];
}

/** Connections of a port that are passed on by server name; null: it does not look at that. */
export function tlsRoutesOf(port: PassingPort): TlsRoutesIr | null {
  if (port.kind === "tls") return port;
  return port.kind === "http" ? port.passed : null;
}

/** What a port asks of its clients' certificates, for requests and for connections that go by server name. */
export function askedBy(port: PassingPort): readonly ClientAuthenticationIr[] {
  const scopes = port.kind === "http" ? (port.tls?.scopes ?? []) : [];
  const routes = tlsRoutesOf(port)?.routes ?? [];
  return [...scopes, ...routes].flatMap(({ clientAuthentication }) => clientAuthentication ?? []);
}
