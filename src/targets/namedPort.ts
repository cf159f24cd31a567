/** A socket whose connections go by server name, as targets whose proxy hands them on inside itself write it. */
import { HELLO_TIMEOUT_MS, type HttpPortIr, type TlsPortIr, type TlsRoutesIr } from "../ir/index.ts";

/** In front of requests: those have times of their own, none longer than this one, a day. */
export const NEVER_MS = 24 * 60 * 60 * 1000;

/** A socket, and what of it is passed on. */
export type NamedPort = Pick<TlsPortIr, "id" | "address" | "port" | "listeners" | "connectionLimit" | "proxyProtocol"> &
  TlsRoutesIr & {
    /** Null: no requests are read. */
    readonly requests: Pick<HttpPortIr, "tls"> | null;
    readonly helloTimeoutMs: number;
  };

/** A TLS port, or what an HTTP port passes on; null: nothing. */
export function namedPort(port: TlsPortIr): NamedPort;
export function namedPort(port: TlsPortIr | HttpPortIr): NamedPort | null;
export function namedPort(port: TlsPortIr | HttpPortIr): NamedPort | null {
  if (port.kind === "tls") return { ...port, requests: null, helloTimeoutMs: HELLO_TIMEOUT_MS };
  if (port.passed === null) return null;
  return { ...port, ...port.passed, requests: port, helloTimeoutMs: port.clientTimeouts.headersMs };
}
