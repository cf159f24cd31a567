/**
 * What a revision hashes to: the database that it is in, its own row and all of its changes, as they are stored. The database
 * stands in it because a log that is laid over another database leaves that one's other pages.
 */
import { createHash, type Hash } from "node:crypto";
import type { ChangeRow, RevisionRow } from "./database.ts";

/** 128 bits: what is found is damage, not an attack. */
const HEX_DIGITS = 32;

/** Takes the changes of one revision in the order in which they are stored. */
export interface Digest {
  add(row: ChangeRow): void;
  end(): string;
}

/** Begins with the database's identity and the revision's own row. */
export function createDigest(identity: string, row: RevisionRow): Digest {
  const { revision, time, author, message, resources } = row;
  const hash = createHash("sha256");
  add(hash, identity, String(revision), time, author, message, String(resources));
  return {
    add: ({ kind, name, change, hash: content, body }) => add(hash, kind, name, change, content, body),
    end: () => hash.digest("hex").slice(0, HEX_DIGITS),
  };
}

/** Each part is framed by its length, so that no two lists of parts hash alike. One text: the hash is told of each list once. */
function add(hash: Hash, ...parts: readonly (string | null)[]): void {
  let text = "";
  for (const part of parts) text += part === null ? "-" : `${part.length}:${part}`;
  hash.update(text);
}
