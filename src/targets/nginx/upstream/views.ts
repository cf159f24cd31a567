/** What the template of upstream groups is given. */

import type { Quoted } from "../../../util/templates.ts";
import type { Variable, Word } from "../quote.ts";
import type { PoolView } from "./pool.ts";

/** In which block a group stands, and for UDP sessions, which keep to an endpoint, beside the groups of streams. */
export type UpstreamContext = "http" | "stream" | "sessions";

/** How `upstream.hbs` writes the policy; all null or false: in turn. */
export interface BalanceView {
  /** Of UDP: the same client, the same endpoint. */
  readonly bySession: boolean;
  readonly leastRequest: boolean;
  readonly random: boolean;
  readonly powerOfTwo: boolean;
  /** What is measured. */
  readonly leastTime: Word | null;
  readonly hashKey: Variable | null;
  /** Gives the key its value; null: nginx does. */
  readonly keyMap: Quoted<"block"> | null;
}

/** `upstream.hbs`. */
export interface UpstreamView extends BalanceView {
  readonly name: Word;
  /** `name` or `name size`. */
  readonly zone: Word;
  readonly zoneSize: Word | null;
  /** Where its requests are counted; null: they are not. */
  readonly limitZone: Quoted<"block"> | null;
  readonly endpoints: readonly UpstreamServerView[];
  /** Null in the stream block. */
  readonly pool: PoolView | null;
}

/** How a server is left out. */
export interface FailureView {
  readonly maxFails: Word;
  readonly failTimeout: Word;
}

/** One endpoint. */
interface UpstreamServerView {
  readonly address: Word;
  readonly weight: Word | null;
  /** Null: it is never left out, which is `max_fails=0`. */
  readonly failures: FailureView | null;
  /** Null: any number. */
  readonly maxConnections: Word | null;
  readonly backup: boolean;
  readonly down: boolean;
}
