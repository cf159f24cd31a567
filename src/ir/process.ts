/** How a fleet's proxies run as processes, defaults filled in. */
import type { SocketsIr } from "./sockets.ts";

export interface ProcessIr {
  /** How many CPUs it works on; null: all. */
  readonly workers: number | null;
  /** The CPU of each worker; auto: one for each, whichever. Null: the kernel decides, again and again. */
  readonly cpus: readonly number[] | "auto" | null;
  /** Files and sockets that a process may have open; null: the target's default. */
  readonly openFiles: number | null;
  /** With clients, over all ports; null: the target's default. */
  readonly maxConnections: number | null;
  readonly sockets: SocketsIr;
  /** Connections that a change or a stop would end go on for so long. Whole seconds, 1 s to 1 h. */
  readonly shutdownGraceMs: number;
}

/**
 * The schema's defaults. A minute: what Envoys of ours always had, longer than nearly every request, and as long as the usual limit on
 * silence; so only streams that never end are cut by it.
 */
export const USUAL_PROCESS: ProcessIr = Object.freeze({
  workers: null,
  cpus: null,
  openFiles: null,
  maxConnections: null,
  sockets: Object.freeze({ backlog: null, reusePort: null, keepalive: null, bufferBytes: null }),
  shutdownGraceMs: 60_000,
});
