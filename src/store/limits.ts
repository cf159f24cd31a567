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

/** The only other user can be a person with the sqlite3 shell: wait for them less than the event loop may be blocked. */
export const BUSY_TIMEOUT_MS = 40;

/** The write-ahead log is cut back to this after a checkpoint: one very large write must not hold its size for ever. */
export const WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024;
