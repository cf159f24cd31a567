/** Clients that are turned away at the door: counted by reason, told in bounded number. */
import { HANDSHAKE_REASONS } from "../util/tlsRefusal.ts";
import { MAX_REFUSALS_TOLD, REFUSALS_TOLD_MS } from "./limits.ts";
import type { Clock } from "./transport.ts";

/** What each reason says, for people and metrics. Those of a handshake come before there is a stream. */
export const REFUSAL_REASONS = {
  ...HANDSHAKE_REASONS,
  noIdentity: "its certificate names nobody",
  noRules: "the fleet says of nobody that they may pull it",
  notAllowed: "the fleet's rules do not allow it",
  unknownFleet: "there is no fleet of the name that its node's cluster says",
} as const;

/** One of them. */
export type RefusalReason = keyof typeof REFUSAL_REASONS;

/** Why a client is turned away. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly message: string;
}

/** A client was turned away. */
export interface RefusalEvent extends Refusal {
  /** Its address. */
  readonly peer: string;
  /** What its certificate says; empty when it was not accepted. */
  readonly identities: readonly string[];
  /** What it asked for; null: it did not come so far. */
  readonly nodeId: string | null;
  readonly group: string | null;
  /** Others of this reason since the last event of it that was told. */
  readonly untold: number;
}

/** What is known of one refusal; the rest is counted here. */
export type RefusedClient = Omit<RefusalEvent, "untold">;

/** Counts every refusal. Strangers must not fill a disk, nor hide others: in each span of time so many of each reason are told. */
export function createRefusals(
  clock: Clock,
  tell: (event: RefusalEvent) => void,
): { readonly counts: ReadonlyMap<RefusalReason, number>; readonly note: (client: RefusedClient) => void } {
  const reasons = Object.keys(REFUSAL_REASONS) as RefusalReason[];
  const counts = new Map(reasons.map((reason) => [reason, 0]));
  const books = new Map(reasons.map((reason) => [reason, { since: Number.NEGATIVE_INFINITY, told: 0, untold: 0 }]));
  return {
    counts,
    note(client) {
      counts.set(client.reason, (counts.get(client.reason) ?? 0) + 1);
      const book = books.get(client.reason) as { since: number; told: number; untold: number };
      const now = clock.monotonic();
      if (now - book.since >= REFUSALS_TOLD_MS) {
        book.since = now;
        book.told = 0;
      }
      if (book.told >= MAX_REFUSALS_TOLD) {
        book.untold += 1;
        return;
      }
      book.told += 1;
      tell({ ...client, untold: book.untold });
      book.untold = 0;
    },
  };
}
