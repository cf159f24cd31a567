/** The one shape of the three proxy adapters. A new proxy is a new file of this shape and a line in `index.ts`. */

import type { Child } from "../harness/process.ts";
import type { Program } from "../harness/program.ts";

/** A proxy that runs, as plain data. */
export interface RunningProxy {
  readonly kind: string;
  readonly fleet: string;
  /** Where it listens. */
  readonly address: string;
  readonly child: Child;
  /** Its configuration directory. */
  readonly dir: string;
  /** `http://127.0.0.1:port` of Envoy's admin interface; the path of HAProxy's stats socket; empty for nginx. */
  readonly admin: string;
}

export interface StartOptions {
  readonly program: Program;
  readonly fleet: string;
  readonly address: string;
  /** An existing empty directory. */
  readonly dir: string;
  /** Start from the files that already stand in `dir` instead of asking the program; file proxies only. */
  readonly fromDir?: boolean;
  /** A command line that becomes the proxy: it runs what is put behind it, in its own process. Default: none. */
  readonly under?: readonly string[];
}

export interface ProxyAdapter {
  readonly kind: string;
  /** Whether the proxy learns of changes by itself. */
  readonly live: boolean;
  /** Starts the proxy with the fleet's newest configuration. */
  start(options: StartOptions): Promise<RunningProxy>;
  /** Makes the proxy use the fleet's newest configuration; for a live proxy there is nothing to do. */
  sync(proxy: RunningProxy, program: Program): Promise<void>;
  /** The configuration as the proxy itself tells it. */
  ask(proxy: RunningProxy): Promise<string>;
  stop(proxy: RunningProxy): Promise<void>;
}
