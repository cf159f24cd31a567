/** What all probes have in common: they end once, in time, and look for text in the beginning of an answer. */

/** How far a text is looked for in what an endpoint sends, and what of it is kept: as far as the other proxies look. */
export const MAX_ANSWER_BYTES = 8 * 1024;

/** Ends a probe: null, or why it failed. What comes after the first call is not heard. */
export type End = (reason: string | null) => void;

/** A timer that comes so much later than it should: this process was held up, and did not hear what came meanwhile. */
const HELD_UP_MS = 50;

/** Runs a probe. `begin` gives what closes its connection. */
export function endsWithin(timeoutMs: number, begin: (end: End) => () => void): Promise<string | null> {
  return new Promise((resolve) => {
    let close: (() => void) | null = null;
    let ended = false;
    const end: End = (reason) => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      close?.();
      resolve(reason);
    };
    // What has come by then is heard first.
    const giveUp = (): void => void setImmediate(end, `no answer within ${timeoutMs} ms`);
    const begun = performance.now();
    let timer = setTimeout(() => {
      const lateMs = performance.now() - begun - timeoutMs;
      if (lateMs < HELD_UP_MS) giveUp();
      else timer = setTimeout(giveUp, Math.min(lateMs, timeoutMs));
    }, timeoutMs);
    try {
      close = begin(end);
    } catch (error) {
      end(connectionError(error));
    }
    if (ended) close?.();
  });
}

/** Whether a text has come by now. `full`: it has not, and what may still come is not looked at. */
export type Verdict = "found" | "full" | "not yet";

/** Looks for a text in what is put into it. */
export function textSearch(wanted: string): (chunk: Buffer) => Verdict {
  let seen: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const room = MAX_ANSWER_BYTES - seen.length;
    seen = Buffer.concat([seen, chunk.subarray(0, room)]);
    if (seen.includes(wanted)) return "found";
    return seen.length >= MAX_ANSWER_BYTES ? "full" : "not yet";
  };
}

/** In short words, without the addresses that the message has. */
export function connectionError(error: unknown): string {
  // Of a stream of HTTP/2 it is why its connection failed.
  const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
  return WORDS[code ?? ""] ?? code ?? message ?? "the connection failed";
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  EMFILE: "this machine has no file descriptor left",
};
