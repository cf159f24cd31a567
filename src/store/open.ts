/** Opens a data directory's database: makes a new one, or refuses one that is damaged before anything is changed in it. */
import { lstatSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { firstDamage } from "./check.ts";
import { createFinder, type Finder, identityOf } from "./database.ts";
import { StoreError, storeErrorOf } from "./errors.ts";
import { COMPANIONS, DATABASE_FILE, MARK_FILE, makeFile, NEW_DATABASE_FILE, syncDirectory } from "./files.ts";
import { READ_LOCK_WAIT_MS, START_LOCK_WAIT_MS, WAL_SIZE_LIMIT_BYTES } from "./limits.ts";
import { loadHead } from "./load.ts";
import { type Mark, openMark, readMark } from "./mark.ts";
import { migrate, migrations } from "./migrations.ts";
import { createStoredSecrets, type StoredSecrets } from "./secrets.ts";
import type { Head } from "./types.ts";

/** An open database. */
export interface Opened {
  readonly writer: DatabaseSync;
  readonly finder: Finder;
  readonly head: Head;
  readonly mark: Mark;
  readonly secrets: StoredSecrets;
  close(): void;
}

/** Throws StoreError. Whoever calls holds the directory's lock. */
export function openDatabase(dir: string): Opened {
  const file = join(dir, DATABASE_FILE);
  const open: { close(): void }[] = [];
  const close = (): void => {
    for (const one of open.splice(0).reverse()) one.close();
  };
  try {
    if (!isThere(dir)) createDatabase(dir);
    const mark = readMark(dir);
    const reader = openReader(file, START_LOCK_WAIT_MS);
    open.push(reader);
    const damage = firstDamage(reader, { dir, mark });
    if (damage !== null) throw new StoreError("STORE-CORRUPT", damage);
    const finder = createFinder(reader);
    const head = loadHead(finder);
    const writer = openWriter(file);
    open.push({ close: () => closeWriter(writer) });
    reader.exec(`PRAGMA busy_timeout = ${READ_LOCK_WAIT_MS}`);
    // A new database, or a copy, has had no log until now: with its first look the reader knows that there is one.
    finder.newest();
    const newMark = openMark(dir, { database: identityOf(writer) ?? "", revision: head.revision });
    open.push(newMark);
    return { writer, finder, head, mark: newMark, secrets: createStoredSecrets(writer, reader), close };
  } catch (cause) {
    close();
    throw storeErrorOf(cause, file, "open");
  }
}

/** Sees committed rows only, also while a writer is inside a transaction. */
export function openReader(file: string, waitMs: number): DatabaseSync {
  return new DatabaseSync(file, { readOnly: true, timeout: waitMs });
}

/**
 * Whether there is a database; false: there never was one. Throws STORE-CORRUPT when it must have been lost: an empty model
 * instead of it would take every route away.
 */
export function isThere(dir: string): boolean {
  const file = join(dir, DATABASE_FILE);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) {
    const left = [DATABASE_FILE, ...COMPANIONS.map((end) => DATABASE_FILE + end), MARK_FILE].filter(
      (name) => lstatSync(join(dir, name), { throwIfNoEntry: false }) !== undefined,
    );
    if (left.length === 0) return false;
    throw new StoreError(
      "STORE-CORRUPT",
      `the database is gone, but ${left.join(", ")} ${left.length > 1 ? "are" : "is"} still there: restore a backup, or empty the directory to begin anew`,
    );
  }
  if (!found.isFile()) throw new StoreError("STORE-FOREIGN", `this is ${kindOf(found)}, not a database`);
  if (found.size === 0) {
    throw new StoreError(
      "STORE-CORRUPT",
      "the file is empty, which no database of ours ever is: restore a backup, or empty the directory to begin anew",
    );
  }
  return true;
}

function kindOf(found: { isDirectory(): boolean }): string {
  return found.isDirectory() ? "a directory" : "no plain file";
}

/** Under another name until it has its tables: one under its own name that has none is damage. */
function createDatabase(dir: string): void {
  const draft = join(dir, NEW_DATABASE_FILE);
  for (const end of ["", ...COMPANIONS]) rmSync(draft + end, { force: true });
  makeFile(draft);
  const database = new DatabaseSync(draft);
  try {
    database.exec("PRAGMA synchronous = FULL");
    migrate(database);
  } finally {
    database.close();
  }
  renameSync(draft, join(dir, DATABASE_FILE));
  syncDirectory(dir);
}

function openWriter(file: string): DatabaseSync {
  const writer = new DatabaseSync(file, { timeout: START_LOCK_WAIT_MS });
  try {
    writer.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
       PRAGMA journal_size_limit = ${WAL_SIZE_LIMIT_BYTES}`,
    );
    migrate(writer);
    proveWritable(writer);
    // From now on the event loop has others to serve: writes wait in turns.
    writer.exec("PRAGMA busy_timeout = 0");
    return writer;
  } catch (cause) {
    writer.close();
    throw cause;
  }
}

/**
 * Folds the log into the database. Closed before the reader, which may not remove the log and its index: the next start has
 * them, also on a full disk, which has no room for new ones.
 */
function closeWriter(writer: DatabaseSync): void {
  try {
    writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // Another program reads, or the disk is full: the log stays as it is, and the next start reads it.
  }
  writer.close();
}

/**
 * SQLite opens a file that it may only read, and says so at the first write: better now than to whoever writes. Nothing
 * reaches the disk: a full one does not keep the server from serving what is stored.
 */
function proveWritable(writer: DatabaseSync): void {
  writer.exec("BEGIN IMMEDIATE");
  try {
    writer.exec(`PRAGMA user_version = ${migrations.length}`);
  } finally {
    writer.exec("ROLLBACK");
  }
}
