/** How long a listener's connections may be silent, defaults filled in: the schema has none, for it depends on the protocol. */
import { durationMs, type Listener } from "../../model/index.ts";

/** A TCP connection with no byte in either direction is closed after this: Envoy's own default, given to all. */
const TCP_IDLE_TIMEOUT_MS = 60 * 60 * 1000;

/** Of a listener that is not HTTP. */
export function idleTimeoutMs({ idleTimeout }: Listener): number {
  return idleTimeout === undefined ? TCP_IDLE_TIMEOUT_MS : durationMs(idleTimeout);
}
