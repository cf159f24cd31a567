/** What is asked for one figure. */
import type { Probe } from "./cases.ts";
import type { Client } from "./clients.ts";

/** What to ask a side for one row. */
export interface Question {
  readonly name: string;
  readonly probe: Probe;
  /** Who asks; none: HTTP/1.1 on connections that are kept. */
  readonly client?: Client;
  /** How often, where it is not as often as usual. */
  readonly counts?: { readonly counted: number; readonly loaded: number };
}
