/** What all probes have in common: they end once, in time, and look for text in the beginning of an answer. */
import { MAX_ANSWER_BYTES } from "../../ir/index.ts";
import { foundIn } from "../../regex/index.ts";

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

/** What is put into it piece by piece is looked through. `isLast`: no more comes. */
export type Search = (chunk: Buffer, isLast?: boolean) => Verdict;

/** Looks for a text. */
export function textSearch(wanted: string): Search {
  let seen: Buffer = Buffer.alloc(0);
  return (chunk) => {
    seen = joined(seen, chunk);
    if (seen.includes(wanted)) return "found";
    return seen.length >= MAX_ANSWER_BYTES ? "full" : "not yet";
  };
}

/** Looks for an expression; not at each of many small pieces, but whenever twice as much has come. */
export function regexSearch(regex: string): Search {
  let seen: Buffer = Buffer.alloc(0);
  let looked = 0;
  return (chunk, isLast = false) => {
    seen = joined(seen, chunk);
    const isFull = seen.length >= MAX_ANSWER_BYTES;
    if (!isLast && !isFull && seen.length < 2 * looked) return "not yet";
    looked = seen.length;
    if (foundIn(seen, regex)) return "found";
    return isFull ? "full" : "not yet";
  };
}

function joined(seen: Buffer, chunk: Buffer): Buffer {
  return Buffer.concat([seen, chunk.subarray(0, MAX_ANSWER_BYTES - seen.length)]);
}

/** In short words, without the addresses that the message has. */
export function connectionError(error: unknown): string {
  // Of a stream of HTTP/2 it is why its connection failed.
  const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
  return WORDS[code ?? ""] ?? code ?? message ?? "the connection failed";
}

const NOT_TRUSTED = "its certificate is not of the authority";

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate has another name",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_REVOKED: "its certificate is revoked",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself",
  UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  EMFILE: "this machine has no file descriptor left",
};
