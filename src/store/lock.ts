/** One process per data directory. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { reasonOf } from "../util/reason.ts";
import { SQLITE, StoreError, sqliteCode } from "./errors.ts";
import { LOCK_FILE, makeFile } from "./files.ts";

/**
 * Takes the directory, or throws STORE-LOCKED, STORE-FOREIGN or STORE-UNWRITABLE. The lock is an exclusive transaction on an
 * empty database: the kernel drops it with the process, so a killed server never leaves a stale one. Returns the release.
 */
export function lockDirectory(dir: string): () => void {
  const file = join(dir, LOCK_FILE);
  let database: DatabaseSync | undefined;
  try {
    makeFile(file);
    if (!statSync(file).isFile()) throw new StoreError("STORE-FOREIGN", `${file} is not a plain file`);
    database = new DatabaseSync(file, { timeout: 0 });
    // Nothing is ever written, so a journal file, for which a full disk has no room, is for nothing.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (cause) {
    database?.close();
    throw refusal({ dir, file }, cause);
  }
  const held = database;
  return () => held.close();
}

function refusal({ dir, file }: { readonly dir: string; readonly file: string }, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const code = sqliteCode(cause);
  if (code === SQLITE.busy)
    return new StoreError("STORE-LOCKED", `the data directory ${dir} is in use by another Trimtab process`, cause);
  if (code === SQLITE.notADatabase)
    return new StoreError("STORE-FOREIGN", `${file} was not written by Trimtab: ${reasonOf(cause)}`, cause);
  return new StoreError("STORE-UNWRITABLE", `cannot keep data in ${dir}: ${file}: ${reasonOf(cause)}`, cause);
}
