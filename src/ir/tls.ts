/** TLS that ends at a socket: who is shown which certificate, and what is agreed on. */

export type TlsVersion = "1.2" | "1.3";

/** TLS of one socket. The server name that a client asks for (SNI) picks the server; an exact name goes before a wildcard. */
export interface ListenerTlsIr {
  /** Ascending by first server name. Each server name stands in one of them only. */
  readonly servers: readonly TlsServerIr[];
  /** For clients that ask for no name, or for one that stands in no server; null: there is no handshake. */
  readonly unknown: TlsServerIr | null;
  /** Names for which there is no handshake though a wildcard of another listener's certificates covers them. Ascending. */
  readonly rejected: readonly string[];
  /** The listeners that share the socket, ascending by hostname. A request for a host of one on a connection of another: 421. */
  readonly scopes: readonly TlsScopeIr[];
}

/** A listener, and the hosts that it takes. */
export interface TlsScopeIr {
  /** `*`: any. */
  readonly hostname: string;
  readonly listener: string;
  /** Requests are read; false: its connections are `passed`. */
  readonly readsRequests: boolean;
  /** Null: no certificate is asked for; of what is passed its routes say it. */
  readonly clientAuthentication: ClientAuthenticationIr | null;
}

/** Certificates of a listener's clients. */
export interface ClientAuthenticationIr {
  /** require: no request without one of the authorities. optional: none is fine, a wrong one is not. report: any is let in. */
  readonly mode: "require" | "optional" | "report";
  /** Names, ascending. */
  readonly authorities: readonly string[];
  /** All of them have a revocation list; or none has. */
  readonly revokes: boolean;
  /** Endpoints are told of a certificate of the authorities (`CLIENT_CERTIFICATE_FIELD`). */
  readonly forwards: boolean;
}

/** Where endpoints are told; what clients send under this name never reaches them, whatever listener they come to. */
export const CLIENT_CERTIFICATE_FIELD = "X-Forwarded-Client-Cert";

/** What is asked of the clients of the listener that has this hostname. */
export function clientAuthenticationOf(
  tls: { readonly scopes: readonly Pick<TlsScopeIr, "hostname" | "clientAuthentication">[] } | null,
  scope: string | null,
): ClientAuthenticationIr | null {
  return tls?.scopes.find(({ hostname }) => hostname === scope)?.clientAuthentication ?? null;
}

/** Some listener of the socket asks for certificates: no session is resumed there, for nobody is verified when one is. */
export function asksClients(tls: Pick<ListenerTlsIr, "scopes"> | null): boolean {
  return tls?.scopes.some(({ clientAuthentication }) => clientAuthentication !== null) === true;
}

/** Settings of connections for some server names. */
export interface TlsServerIr {
  /** Ascending: `a.example.com` or `*.example.com`. Empty: of `unknown` only. */
  readonly serverNames: readonly string[];
  /** The hostname of its listener; `*`: any. */
  readonly scope: string;
  /** Names of certificates: one for each type of key, ECDSA first. */
  readonly certificates: readonly string[];
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** Of TLS 1.2, in OpenSSL's words, best first; empty where it is not spoken. */
  readonly cipherSuites: readonly string[];
  /** Best first. */
  readonly alpn: readonly string[];
}

/** Answered where a connection is another listener's (RFC 9110, 15.5.20). */
export const MISDIRECTED_STATUS = 421;
export const MISDIRECTED_BODY = "421 Misdirected Request\n";

/** The hostname of the listener that takes a host (or the hosts of a wildcard): the most specific one that covers it; null: none does. */
export function scopeOf(scopes: readonly TlsScopeIr[], host: string): string | null {
  let best: string | null = null;
  for (const { hostname } of scopes) {
    const covers =
      hostname === "*" || hostname === host || (hostname.startsWith("*.") && isBelow(host, hostname.slice(1)));
    if (covers && (best === null || best.length < hostname.length)) best = hostname;
  }
  return best;
}

function isBelow(host: string, suffix: string): boolean {
  return host.endsWith(suffix) && host.length > suffix.length;
}
