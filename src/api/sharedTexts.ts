/** Answers of megabytes: made once for all who ask for the same at once, and bounded together until the last has read them. */
import type { FastifyReply } from "fastify";
import { busy } from "./errorHandler.ts";
import { SHARED_TEXT_BYTES } from "./limits.ts";

/** The bytes of a text, which `make` makes when nobody is being sent it. Throws API-BUSY when too much is being sent. */
export type SharedTexts = (key: string, reply: FastifyReply, make: () => string | Promise<string>) => Promise<Buffer>;

interface Shared {
  readonly bytes: Promise<Buffer>;
  size: number;
  readers: number;
}

/** For all routes of an API. */
export function createSharedTexts(): SharedTexts {
  const shared = new Map<string, Shared>();
  let held = 0;
  /** Ends when the text that is being made is there: one at a time. */
  let made: Promise<unknown> = Promise.resolve();
  const share = (key: string, make: () => string | Promise<string>): Shared => {
    const turn = made.then(async () => {
      if (held >= SHARED_TEXT_BYTES) throw busy("other large answers are being read");
      return Buffer.from(await make());
    });
    const entry: Shared = { bytes: turn, size: 0, readers: 0 };
    made = turn.then(
      (bytes) => {
        if (shared.get(key) !== entry) return;
        entry.size = bytes.length;
        held += entry.size;
      },
      () => {},
    );
    shared.set(key, entry);
    return entry;
  };
  return (key, reply, make) => {
    const entry = shared.get(key) ?? share(key, make);
    entry.readers++;
    reply.raw.once("close", () => {
      if (--entry.readers > 0) return;
      shared.delete(key);
      held -= entry.size;
    });
    return entry.bytes;
  };
}
