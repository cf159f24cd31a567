/** The files of a data directory: their names, and that nobody else may read them. */
import { chmodSync, closeSync, existsSync, fchmodSync, fsyncSync, openSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { nextKeyFile, SECRET_KEY_FILE } from "../secrets/index.ts";
import { makeDirectory } from "../util/makeDirectory.ts";
import { reasonOf } from "../util/reason.ts";
import { StoreError } from "./errors.ts";

/** Of the file in the data directory. */
export const DATABASE_FILE = "trimtab.db";
/** While it is made. */
export const NEW_DATABASE_FILE = `${DATABASE_FILE}.new`;
/** A file of its own, so that backup tools may read the data beside a running server. */
export const LOCK_FILE = "lock";
/** The newest revision that was answered: see mark.ts. */
export const MARK_FILE = "acknowledged";
/** SQLite's own, beside a database; it gives them the database's mode. */
export const COMPANIONS = ["-wal", "-shm", "-journal"] as const;

/** What a data directory and its files are to everybody but their owner: closed. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/** What stays open to others, as nobody but the owner of the file can close it. */
export interface Exposed {
  readonly path: string;
  /** As `755`. */
  readonly mode: string;
}

/**
 * Makes the folder if it is not there, closed to others whatever the umask says. One that is there is closed when only our files
 * are in it: one with other things in it is not ours alone. Files of ours that others may read (an older Trimtab left the mode
 * to the umask) are closed. Gives what could not be.
 */
export function openFolder(dir: string): readonly Exposed[] {
  try {
    const isNew = !existsSync(dir);
    makeDirectory(dir, DIRECTORY_MODE);
    if (isNew) chmodSync(dir, DIRECTORY_MODE);
    const names = readdirSync(dir);
    const ours = names.filter(isOurs);
    if (ours.length === names.length) close(dir);
    // A key that others could read is no secret any more: it is refused, not closed.
    for (const name of ours) if (!KEYS.includes(name)) close(join(dir, name));
    return exposedIn(dir);
  } catch (cause) {
    throw new StoreError("STORE-UNWRITABLE", `cannot keep data in ${dir}: ${reasonOf(cause)}`, cause);
  }
}

/** What others than the owner may read; nothing when there is no such folder. */
export function exposedIn(dir: string): readonly Exposed[] {
  if (!(statSync(dir, { throwIfNoEntry: false })?.isDirectory() ?? false)) return [];
  return [
    dir,
    ...readdirSync(dir)
      .filter(isOurs)
      .map((name) => join(dir, name)),
  ].flatMap(exposureOf);
}

/** Makes an empty file that only its owner may read, whatever the umask. One that is there is left as it is. */
export function makeFile(path: string): void {
  try {
    const handle = openSync(path, "wx", FILE_MODE);
    fchmodSync(handle, FILE_MODE);
    closeSync(handle);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** The names of new files must survive a power cut as their contents do. */
export function syncDirectory(dir: string): void {
  const handle = openSync(dir, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** What seals the secrets in the database. */
const KEYS: readonly string[] = [SECRET_KEY_FILE, nextKeyFile(SECRET_KEY_FILE)];

function isOurs(name: string): boolean {
  const own = [DATABASE_FILE, NEW_DATABASE_FILE].flatMap((file) => [file, ...COMPANIONS.map((end) => file + end)]);
  return [...own, ...KEYS, LOCK_FILE, MARK_FILE, `${MARK_FILE}.new`].includes(name);
}

/** Takes rights from others; gives none to anybody. */
function close(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || (!found.isFile() && !found.isDirectory()) || !isOpen(found.mode)) return;
  try {
    chmodSync(path, found.mode & OWNER);
  } catch (error) {
    // Another user's: it is told, and the server runs as it did.
    if (!["EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

function exposureOf(path: string): Exposed[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !isOpen(found.mode)) return [];
  return [{ path, mode: (found.mode & 0o777).toString(8) }];
}

const OWNER = 0o700;

function isOpen(mode: number): boolean {
  return (mode & 0o777 & ~OWNER) !== 0;
}
