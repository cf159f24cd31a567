/**
 * A note beside the database of which database this is and of the newest revision that was answered. It is how a start knows
 * that revisions are gone: a log that was cut off, taken away or taken from another database leaves a database that is sound in
 * itself, and older. Written after each commit without waiting for the disk: it outlives `kill -9`, and after a power cut it may
 * be older than the database, never newer.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "./errors.ts";
import { MARK_FILE, makeFile, syncDirectory } from "./files.ts";

/** What the note says. */
export interface MarkText {
  /** The database's identity. */
  readonly database: string;
  readonly revision: number;
}

export interface Mark {
  /** Notes that a revision was stored. */
  raise(revision: number): void;
  close(): void;
}

/** All notes are as long: writing over one leaves nothing of it, and needs no new place on the disk. */
const LENGTH = 128;

/** Null when there is none: the database is new, or from a backup. Throws STORE-CORRUPT when it cannot be understood. */
export function readMark(dir: string): MarkText | null {
  const path = join(dir, MARK_FILE);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  // Of a start that was cut off, or whose disk was full, before it was written.
  if (/^\0*$/.test(text)) return null;
  try {
    const { database, revision } = JSON.parse(text) as Partial<MarkText>;
    if (typeof database === "string" && Number.isSafeInteger(revision)) return { database, revision: Number(revision) };
  } catch {
    // Said below.
  }
  throw new StoreError(
    "STORE-CORRUPT",
    `${path} does not say which revision was the newest. When the database is known to be whole, remove this file`,
  );
}

/** Why the database is not the one, or not as new as the one, that the note speaks of; null when it is. */
export function disagreement(dir: string, mark: MarkText, found: MarkText): string | null {
  const file = join(dir, MARK_FILE);
  if (found.database !== mark.database) {
    return `this is another database than the one that was used here before (${found.database}, not ${mark.database}): if that is meant, remove ${file}`;
  }
  if (found.revision >= mark.revision) return null;
  return `revision ${mark.revision} was acknowledged, but the newest that is stored is ${found.revision}: restore a newer backup, or remove ${file} to go on without the others`;
}

/** Begins the note. What cannot be noted (a full disk) is a warning less, and no reason not to serve. */
export function openMark(dir: string, { database, revision }: MarkText): Mark {
  const path = join(dir, MARK_FILE);
  let handle = openFile(dir, path);
  const raise = (newest: number): void => {
    if (handle === null) return;
    try {
      writeSync(handle, `${JSON.stringify({ database, revision: newest }).padEnd(LENGTH - 1)}\n`, 0);
    } catch {
      // The note before stays: it is older, so what it says is still true.
    }
  };
  raise(revision);
  return {
    raise,
    close() {
      if (handle !== null) closeSync(handle);
      handle = null;
    },
  };
}

function openFile(dir: string, path: string): number | null {
  try {
    makeFile(path);
    const handle = openSync(path, "r+");
    ftruncateSync(handle, LENGTH);
    syncDirectory(dir);
    return handle;
  } catch {
    return null;
  }
}
