/** All secrets of a data directory sealed anew, for another key. */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Sealed } from "../secrets/index.ts";
import { StoreError, storeErrorOf } from "./errors.ts";
import { DATABASE_FILE } from "./files.ts";
import { lockDirectory } from "./lock.ts";
import { isThere, openDatabase } from "./open.ts";
import { replaceHead, secretReplacement } from "./secrets.ts";

/** What takes the place of what is stored. References stay. */
export interface Resealing {
  readonly head: Uint8Array;
  /** Throws when it cannot be opened. */
  reseal(sealed: Sealed): Sealed;
}

/**
 * In one transaction: after it all are sealed by the new key, or, whatever befell, all by the old. What was sealed by the old one is
 * wiped from the file. `begin` is given the vault's head; null: nothing was ever sealed. Refuses (STORE-LOCKED) while a server owns
 * the directory. Gives how many there are.
 */
export function resealStore(dir: string, begin: (head: Uint8Array | null) => Resealing): number {
  if (!isThere(dir)) throw new StoreError("STORE-MISSING", `there is no database in ${dir}`);
  const unlock = lockDirectory(dir);
  try {
    const database = openDatabase(dir);
    try {
      const resealing = begin(database.secrets.head());
      const count = replaceAll(database.writer, resealing, join(dir, DATABASE_FILE));
      database.writer.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
      return count;
    } finally {
      database.close();
    }
  } finally {
    unlock();
  }
}

function replaceAll(writer: DatabaseSync, { head, reseal }: Resealing, file: string): number {
  const references = writer.prepare("SELECT reference FROM secrets ORDER BY reference");
  const box = writer.prepare("SELECT box FROM secrets WHERE reference = ?");
  const replace = secretReplacement(writer);
  writer.exec("BEGIN IMMEDIATE");
  try {
    const all = references.all() as { reference: string }[];
    for (const { reference } of all) replace(reseal({ reference, ...(box.get(reference) as { box: Uint8Array }) }));
    replaceHead(writer, head);
    writer.exec("COMMIT");
    return all.length;
  } catch (cause) {
    if (writer.isTransaction) writer.exec("ROLLBACK");
    throw cause instanceof Error && "errcode" in cause ? storeErrorOf(cause, file, "write") : cause;
  }
}
