/** One process per data directory. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "./errors.ts";

/** A file of its own, so that backup tools may read the data beside a running server. */
const LOCK_FILE = "lock";

/** SQLite's primary result codes (https://sqlite.org/rescode.html). */
const SQLITE_BUSY = 5;

/**
 * Takes the directory, or throws STORE-LOCKED. The lock is an exclusive transaction on an empty database: the kernel drops it
 * with the process, so a killed server never leaves a stale one. Returns the release.
 */
export function lockDirectory(dir: string): () => void {
  const database = new DatabaseSync(join(dir, LOCK_FILE), { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) throw cause;
    throw new StoreError("STORE-LOCKED", `the data directory ${dir} is in use by another Trimtab process`, cause);
  }
  return () => database.close();
}
