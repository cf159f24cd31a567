/** What a person does with a data directory: look at it, copy it, give space back. */
import { closeSync, fsyncSync, linkSync, lstatSync, openSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { reasonOf } from "../util/reason.ts";
import { type Beside, damages } from "./check.ts";
import { createFinder } from "./database.ts";
import { StoreError, storeErrorOf } from "./errors.ts";
import { COMPANIONS, DATABASE_FILE, type Exposed, exposedIn, makeFile, syncDirectory } from "./files.ts";
import { MAX_DAMAGES, START_LOCK_WAIT_MS } from "./limits.ts";
import { loadHead } from "./load.ts";
import { lockDirectory } from "./lock.ts";
import { readMark } from "./mark.ts";
import { isThere, openDatabase, openReader } from "./open.ts";

/** What a directory holds. */
export interface StoreReport {
  /** All that is wrong, at most `MAX_DAMAGES`; empty: the directory can be served. */
  readonly damages: readonly string[];
  /** What others than the owner may read. */
  readonly exposed: readonly Exposed[];
  /** The newest; zero when something is wrong. */
  readonly revision: number;
  /** Of the database and its log. */
  readonly bytes: number;
}

/** Looks at everything, changes nothing, and may be used beside a running server, which goes on writing. */
export function checkStore(dir: string): StoreReport {
  const file = join(dir, DATABASE_FILE);
  const exposed = exposedIn(dir);
  try {
    requireDatabase(dir);
    const mark = readMark(dir);
    const found = withReader(file, (reader) => inspect(reader, { dir, mark }));
    return { ...found, exposed, bytes: bytesIn(dir) };
  } catch (cause) {
    return { damages: [reasonOf(storeErrorOf(cause, file, "open"))], exposed, revision: 0, bytes: bytesIn(dir) };
  }
}

/** A copy that was made. */
export interface Backup {
  readonly revision: number;
  readonly bytes: number;
}

/**
 * Copies the database as it is at one moment, also while a server writes to it. The copy is checked before it gets its name;
 * only its owner may read it; a file that is there is never replaced.
 */
export function backupStore(dir: string, target: string): Backup {
  const file = join(dir, DATABASE_FILE);
  const draft = `${target}.unfinished-${process.pid}`;
  requireDatabase(dir);
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw alreadyThere(target);
  try {
    makeFile(draft);
    withReader(file, (reader) => reader.prepare("VACUUM INTO ?").run(draft));
    const { damages: found, revision } = withReader(draft, (copy) => inspect(copy, { dir, mark: null }));
    if (found[0] !== undefined) throw new StoreError("STORE-CORRUPT", found[0]);
    syncFile(draft);
    giveName(draft, target);
    return { revision, bytes: statSync(target).size };
  } catch (cause) {
    throw cause instanceof StoreError ? cause : storeErrorOf(cause, target, "write");
  } finally {
    for (const end of ["", ...COMPANIONS]) rmSync(draft + end, { force: true });
  }
}

/** Bytes of a directory's database. */
export interface Compacted {
  readonly before: number;
  readonly after: number;
}

/**
 * Writes the database anew without the space that it no longer needs. Every revision stays: history is never rewritten. Refuses
 * (STORE-LOCKED) while a server owns the directory, and what is damaged.
 */
export function compactStore(dir: string): Compacted {
  requireDatabase(dir);
  const unlock = lockDirectory(dir);
  try {
    const before = bytesIn(dir);
    const database = openDatabase(dir);
    try {
      database.writer.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (cause) {
      throw storeErrorOf(cause, join(dir, DATABASE_FILE), "write");
    } finally {
      database.close();
    }
    return { before, after: bytesIn(dir) };
  } finally {
    unlock();
  }
}

/** Everything that a start looks at, and all of it however large the database is. */
function inspect(reader: DatabaseSync, beside: Beside): Pick<StoreReport, "damages" | "revision"> {
  const found: string[] = [];
  for (const damage of damages(reader, beside)) {
    found.push(damage);
    if (found.length === MAX_DAMAGES) break;
  }
  if (found.length > 0) return { damages: found, revision: 0 };
  try {
    return { damages: [], revision: loadHead(createFinder(reader)).revision };
  } catch (cause) {
    return { damages: [reasonOf(cause)], revision: 0 };
  }
}

function withReader<T>(file: string, read: (reader: DatabaseSync) => T): T {
  const reader = openReader(file, START_LOCK_WAIT_MS);
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}

function requireDatabase(dir: string): void {
  try {
    if (isThere(dir)) return;
  } catch (cause) {
    throw storeErrorOf(cause, join(dir, DATABASE_FILE), "open");
  }
  throw new StoreError("STORE-MISSING", `there is no database in ${dir}`);
}

function alreadyThere(target: string): StoreError {
  return new StoreError("STORE-UNWRITABLE", `${target} is there already: a backup replaces nothing`);
}

/** By a link, which fails where somebody else was faster; a rename would replace what that one wrote. */
function giveName(draft: string, target: string): void {
  try {
    linkSync(draft, target);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") throw alreadyThere(target);
    throw cause;
  }
  syncDirectory(dirname(target));
}

function syncFile(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function bytesIn(dir: string): number {
  const sizes = ["", ...COMPANIONS.filter((end) => end !== "-shm")].map(
    (end) => statSync(join(dir, DATABASE_FILE + end), { throwIfNoEntry: false })?.size ?? 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
