/** The store's bounds. */

/** Waiting writes: about one second's worth of commits, each in a group of its own. Later ones are told to come back. */
export const MAX_QUEUED_WRITES = 1024;

/** Writes in one transaction: a larger group gains no throughput (the fsync is shared enough) and only delays answers. */
export const MAX_GROUP_WRITES = 256;

/** Changes at which a group takes no further write. One write may have more: its rows are then written in slices. */
export const MAX_GROUP_CHANGES = 1024;

/** Preparing stops for this group after this time: half of what the event loop may be blocked for, as the fsync comes on top. */
export const GROUP_BUDGET_MS = 20;

/** Rows written before the event loop gets a turn. 20 000 small rows took 138 ms, with no pause above 8 ms. */
export const SLICE_BYTES = 512 * 1024;
export const SLICE_ROWS = 500;

/** A page of revisions ends early when their lists of changes together are longer (a whole configuration may change 10^5). */
export const MAX_PAGE_CHANGES = 10_000;

/**
 * Another process that holds the database's lock (a backup tool, a person with the sqlite3 shell) is waited for: by writes in
 * turns of the event loop, long enough for what takes a moment and shorter than clients wait for an answer; by the start, which
 * nobody waits for, as long as a copy of a large database may take.
 */
export const LOCK_WAIT_MS = 2_000;
export const LOCK_RETRY_MS = 20;
export const START_LOCK_WAIT_MS = 5_000;

/** Of readers, whom only another process's recovery of the log can keep waiting: less than the event loop may be blocked. */
export const READ_LOCK_WAIT_MS = 20;

/**
 * A larger database is looked at in part when a server starts: this much takes 3 s of a slow CPU, and a start is what all proxies
 * that were restarted wait for. `store check` looks at all of any.
 */
export const START_CHECK_BYTES = 128 * 1024 * 1024;

/** Of a larger one so many changes are read, the newest: what is restored is mostly one of them. */
export const START_CHECK_CHANGES = 20_000;

/** What is wrong beyond this says nothing new. */
export const MAX_DAMAGES = 50;

/** The write-ahead log is cut back to this after a checkpoint: one very large write must not hold its size for ever. */
export const WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024;
