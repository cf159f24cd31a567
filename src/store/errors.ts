/** The store's one error. */
import type { StoreCode } from "../errors/codes.ts";

/** `code` is from the registry in `errors/codes.ts`; `message` is for a person and names the file. */
export class StoreError extends Error {
  readonly code: StoreCode;

  constructor(code: StoreCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StoreError";
    this.code = code;
  }
}

/** SQLite's primary result codes, as its rescode.html lists them. */
export const SQLITE = { busy: 5, readOnly: 8, cantOpen: 14, notADatabase: 26 } as const;

/** The primary result code of what SQLite threw; undefined: it was not SQLite. */
export function sqliteCode(thrown: unknown): number | undefined {
  const { errcode } = thrown as { readonly errcode?: number };
  // Extended codes have the primary one in their lowest byte.
  return errcode === undefined ? undefined : errcode & 0xff;
}
