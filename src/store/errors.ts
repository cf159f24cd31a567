/** The store's one error, and what SQLite's own become. */
import type { StoreCode } from "../errors/codes.ts";
import { reasonOf } from "../util/reason.ts";

/** `code` is from the registry in `errors/codes.ts`; `message` is for a person and names the file. */
export class StoreError extends Error {
  readonly code: StoreCode;

  constructor(code: StoreCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StoreError";
    this.code = code;
  }
}

/** SQLite's result codes, as its rescode.html lists them. */
export const SQLITE = {
  busy: 5,
  locked: 6,
  ioError: 10,
  corrupt: 11,
  full: 13,
  /** Extended: the file ends before it should. */
  shortRead: 522,
  notADatabase: 26,
} as const;

/** The primary result code of what SQLite threw; undefined: it was not SQLite. */
export function sqliteCode(thrown: unknown): number | undefined {
  const { errcode } = thrown as { readonly errcode?: number };
  // Extended codes have the primary one in their lowest byte.
  return errcode === undefined ? undefined : errcode & 0xff;
}

/** What was being done when SQLite threw. */
export type Doing = "open" | "read" | "write";

/** A StoreError for whatever was thrown. `file` is the database; a StoreError keeps its code and is told of the file. */
export function storeErrorOf(cause: unknown, file: string, doing: Doing): StoreError {
  return new StoreError(codeOf(cause, doing), `${file}: ${reasonOf(cause)}`, cause);
}

/** What does not say that the data are damaged: the file or the disk cannot be used. */
const UNUSABLE: Readonly<Record<Doing, StoreCode>> = {
  open: "STORE-UNWRITABLE",
  read: "STORE-READ-FAILED",
  write: "STORE-WRITE-FAILED",
};

function codeOf(cause: unknown, doing: Doing): StoreCode {
  if (cause instanceof StoreError) return cause.code;
  const code = sqliteCode(cause);
  if (code === SQLITE.busy || code === SQLITE.locked) return "STORE-BUSY";
  if (code === SQLITE.full) return "STORE-FULL";
  // What is damaged refuses writes too, but says so best when it is next opened.
  if (doing !== "write" && isDamage(cause)) return "STORE-CORRUPT";
  if (code !== undefined || isSystemError(cause)) return UNUSABLE[doing];
  return doing === "write" ? "STORE-WRITE-FAILED" : "STORE-CORRUPT";
}

function isDamage(cause: unknown): boolean {
  const code = sqliteCode(cause);
  // 1, the generic error: a table or column is not there.
  const damage: readonly (number | undefined)[] = [1, SQLITE.corrupt, SQLITE.notADatabase];
  return damage.includes(code) || (cause as { readonly errcode?: number }).errcode === SQLITE.shortRead;
}

function isSystemError(cause: unknown): boolean {
  return typeof (cause as NodeJS.ErrnoException).syscall === "string";
}
