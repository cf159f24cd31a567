/** What a situation is: who pauses when, which limits are short, and what must come of it. */
import type { ProxyKind } from "../../ir/index.ts";
import type { Part } from "./backend.ts";
import type { Client } from "./client.ts";

/** A short limit. */
export const SHORT_MS = 1_000;
/** Every other limit: it ends nothing while we look. */
export const LONG_MS = 30_000;
/** Longer than a short limit and all that timers of proxies and a busy machine add to it. */
export const PAUSE_MS = 2_600;
/** Shorter than a short limit, by the same. */
export const STEP_MS = 350;
/** So many steps are longer than a short limit. */
export const STEPS = 8;
/** We look so long for what a short limit brings about. */
export const PATIENCE_MS = 5_000;

/** The limits of the model that traffic can meet. */
export type Limit =
  | "headersTimeout"
  | "bodyTimeout"
  | "sendTimeout"
  | "keepAliveTimeout"
  | "request"
  | "idle"
  | "connect";

/**
 * What a client sees. A status: a whole answer. `cut`: the connection was closed in the middle of it. `closed`: closed without an answer,
 * or behind it. `waits`: nothing was ended as long as we looked.
 */
export type Seen = "closed" | "waits" | `${number}` | `${number} ${"cut" | "waits" | "closed"}`;

/** One row of the table. */
export interface Situation {
  readonly who: "client" | "endpoint" | "WebSocket";
  readonly does: string;
  /** Limits that are short. */
  readonly short: readonly Limit[];
  /** Plays the client's part; what came of it is looked at by the caller. `path` is what it asks for. */
  readonly client: (client: Client, path: string) => Promise<void>;
  /** Plays the endpoint's part; else it answers as soon as it has the request. */
  readonly backend?: Part;
  /** It is the end of the connection that is looked for, after the answer. */
  readonly watchesEnd?: true;
  /** Bytes by the million: not at the same time as others. */
  readonly isHeavy?: true;
  /** What the model promises. */
  readonly promised: Seen;
  /** What a proxy does that cannot keep it, and why. */
  readonly otherwise?: Partial<Readonly<Record<ProxyKind, readonly [Seen, Reason]>>>;
}

/** Why a proxy does otherwise: a note of the table. */
export const REASONS = {
  closes: "nginx closes the connection of a client that is late, without an answer (L7-TIMEOUT-CLOSES).",
  silence:
    "Envoy has one limit on the silence of a request: the longest of `bodyTimeout`, `sendTimeout` and `idle` (L7-TIMEOUT-CLIENT).",
  clientSilence:
    "HAProxy has one limit on a client's silence: the longer of `bodyTimeout` and `sendTimeout`, and no other limit for clients lasts longer (L7-TIMEOUT-CLIENT).",
  streams:
    "While HAProxy passes on a body that is chunked or longer than 16 KiB, it has one limit for both sides: 504 after the longer of 60 s and `idle` (L7-TIMEOUT-CLIENT, L7-TIMEOUT-IDLE).",
  waits: "HAProxy waits for a body of up to 16 KiB before it asks the endpoint, so no answer can come before.",
  late: "In the middle of an answer Envoy knows only its one limit on silence (L7-TIMEOUT-IDLE).",
  total: "There is no limit on a whole request: `request` limits silence, as `idle` does (L7-TIMEOUT-TOTAL).",
  whole: "HAProxy takes the end of its patience for the end of an answer that only a closed connection ends.",
} as const;
export type Reason = keyof typeof REASONS;

/** What a proxy must do. */
export function expectedOf({ promised, otherwise }: Situation, proxy: ProxyKind): Seen {
  return otherwise?.[proxy]?.[0] ?? promised;
}

/** Names it among all. */
export function nameOf({ who, does, short }: Situation): string {
  return `${who} ${does} [${short.join(", ")}]`;
}
