/**
 * The store room.
 *
 * Input: writes, each a function from the present model to a set of changes. Output: numbered revisions, durable before they
 * are answered, and models as values: the newest, and any older one. Guarantee: revisions are append-only and have no gaps;
 * writes are prepared one at a time, in order, however long one takes; what was answered survives `kill -9`; a failed
 * transaction changes nothing; two processes never write one directory; what is damaged is refused at the start, for a reason and
 * without a change. It does not judge what is written (that is the
 * caller's `prepare`), and says no more to others than "this is the newest revision".
 */
export { StoreError } from "./errors.ts";
export type { Exposed } from "./files.ts";
export {
  type Backup,
  backupStore,
  type Compacted,
  checkStore,
  compactStore,
  type StoreReport,
} from "./maintain.ts";
export { type Resealing, resealStore } from "./reseal.ts";
export type { StoredSecrets } from "./secrets.ts";
export { openStore, type StoreOptions } from "./store.ts";
export type { Head, Prepared, RevisionInfo, Store, WriteRequest, WriteResult } from "./types.ts";
