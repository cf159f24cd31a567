/** How long a listener's clients may be silent, defaults filled in: the schema has none, for they depend on the protocol. */
import { durationMs, type Listener } from "../../model/index.ts";

/** Envoy's own defaults, given to all: of a TCP connection, and of a UDP session. */
const DEFAULT_MS = { TLS: 60 * 60 * 1000, TCP: 60 * 60 * 1000, UDP: 60 * 1000 } as const;

/** Of a listener that is not HTTP. */
export function idleTimeoutMs({ idleTimeout }: Listener, protocol: keyof typeof DEFAULT_MS): number {
  return idleTimeout === undefined ? DEFAULT_MS[protocol] : durationMs(idleTimeout);
}
