/** Waits until a proxy itself says that it runs a generation: the only proof of an apply. */
import { setTimeout as sleep } from "node:timers/promises";

/** An nginx reload of 100 servers takes 15 ms; asking costs one short local connection. */
const POLL_MS = 15;
/** One question; a proxy that is alive answers in a millisecond. */
const ASK_TIMEOUT_MS = 1_000;

export interface Proof {
  readonly generation: string;
  readonly timeoutMs: number;
  /** After the first right answer all others must be right for this long. */
  readonly settleMs: number;
  readonly ask: (timeoutMs: number) => Promise<string | null>;
  /** A reason to give up before the time is over, or null. */
  readonly hopeless: () => string | null;
  /** Asks for the reload again; called after `afterMs`, then each time twice as long after the last. */
  readonly resend: { readonly afterMs: number; readonly send: () => void } | null;
}

/** Null: proved. Else one sentence why not. Never takes much longer than `timeoutMs`. */
export async function prove(proof: Proof): Promise<string | null> {
  const begun = performance.now();
  let rightSince: number | null = null;
  let resendAt = begun + (proof.resend?.afterMs ?? Number.POSITIVE_INFINITY);
  for (;;) {
    const answer = await proof.ask(ASK_TIMEOUT_MS);
    const reason = proof.hopeless();
    if (reason !== null) {
      return reason;
    }
    const now = performance.now();
    rightSince = answer === proof.generation ? (rightSince ?? now) : null;
    if (rightSince !== null && now - rightSince >= proof.settleMs) {
      return null;
    }
    if (now - begun >= proof.timeoutMs) {
      const seconds = proof.timeoutMs / 1_000;
      return `generation ${proof.generation} did not answer within ${seconds} s (${answer ?? "nothing"} does)`;
    }
    if (now >= resendAt && rightSince === null) {
      resendAt = now + (now - begun);
      proof.resend?.send();
    }
    await sleep(POLL_MS);
  }
}
