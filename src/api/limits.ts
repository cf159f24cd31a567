/** The API's bounds. `Limits` can be set smaller in tests; nothing else should need to. */

export interface Limits {
  readonly resourceBodyBytes: number;
  readonly configBodyBytes: number;
  readonly headerBytes: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly timeoutCheckMs: number;
  readonly connections: number;
  readonly configWrites: number;
}

/** The bounds in force unless a test sets others: sizes in bytes, times in milliseconds, counts; each with its reason. */
export const defaultLimits: Limits = {
  /**
   * A route of 256 rules with 64 short matches each, the largest that the schemas allow and people could mean, has 490 KB; one of
   * 256 rules with four matches and header changes, indented, 400 KB; a cluster of 1 000 endpoints 150 KB.
   */
  resourceBodyBytes: 512 * 1024,
  /** 100 000 routes of 300 bytes. */
  configBodyBytes: 32 * 1024 * 1024,
  /** Node's own default: room for a token and conditions, none for abuse. */
  headerBytes: 16 * 1024,
  /** Headers fit in one packet or two: a client that needs longer is broken or hostile. */
  headersTimeoutMs: 10_000,
  /** 32 MiB at 1 MiB/s take 32 s. */
  requestTimeoutMs: 60_000,
  /** No byte in either direction for this long: the peer is gone or does not read. */
  idleTimeoutMs: 60_000,
  /** Longer than the usual poll interval of an agent or a dashboard (5 s), so that polls share a connection. */
  keepAliveTimeoutMs: 15_000,
  /** How often Node looks for requests over their time; its default, 30 s, would let a half-open client stay that much longer. */
  timeoutCheckMs: 1_000,
  /** Agents, CI jobs and people of one installation; what they may hold together is bounded by RECEIVED_BYTES and BODY_MEMORY_BYTES. */
  connections: 256,
  /** Whole-configuration writes that are worked on; their memory is bounded by BODY_MEMORY_BYTES. One more is told to come back. */
  configWrites: 4,
};

/** Requests of one connection that wait for their answers. Hardly a client sends a second one before it has the first answer. */
export const MAX_PIPELINED = 8;

/** Of all connections: known clients that only wait make room when strangers, among them new known ones, would have fewer. */
export const STRANGERS_SHARE = 1 / 4;

/** Whole configurations that are being sent, of different revisions or formats; each is there once, however many read it. */
export const SHARED_TEXT_BYTES = 128 * 1024 * 1024;

/** Items of a list page: a page of 1 000 routes is about 300 KB. */
export const MAX_PAGE = 1000;
export const DEFAULT_PAGE = 100;

/** Revisions of a page: each lists what it changed. */
export const MAX_REVISIONS_PAGE = 500;

/** Problems in one answer; the rest is counted. Nobody mends more than this before asking again. */
export const MAX_ERRORS = 1000;

/** Label conditions of one list request: as many as a resource may have labels. */
export const MAX_LABEL_FILTERS = 32;

/** Characters. An author is a name or an address; a message is a commit's subject and a few lines. */
export const MAX_AUTHOR = 128;
export const MAX_MESSAGE = 1024;

/** Levels of lists and objects in a body. The model has 9; what copies or prints a document may recurse. */
export const MAX_JSON_DEPTH = 64;

/** Keys of one object. The model's largest has 32; of more than this only the first 1 000 would be told to be unknown. */
export const MAX_JSON_KEYS = 10_000;

/** Lists, objects and commas of one resource: 256 rules with 64 short matches have 50 000. Its checks take about 1 us for each. */
export const MAX_RESOURCE_VALUES = 64 * 1024;

/** Bytes of one string or number, or of blanks in a row. The model's longest has 4 096; JSON.parse takes 4 ms for this many escapes. */
export const MAX_SCALAR_BYTES = 2 * 1024 * 1024;

/** Neighbouring values of a long list or object are built in one step up to this many bytes: at most 1.5 ms, in the worst shape. */
export const RUN_BYTES = 16 * 1024;

/** JSON up to this many bytes is checked in place: 3 ms in the worst shape (objects with keys of their own). Larger, in a worker. */
export const INLINE_BODY_BYTES = 32 * 1024;

/** YAML of this size (20 000 routes) takes its worker 0.5 s, 5 s in the worst shape on a busy machine, and up to 500 MB. */
export const MAX_YAML_BYTES = 4 * 1024 * 1024;

/** What a YAML body may say as JSON, its aliases written out: what a configuration may have. */
export const MAX_YAML_JSON_BYTES = 32 * 1024 * 1024;

/** Aliases of a YAML document: enough for anchors. */
export const MAX_YAML_ALIASES = 1000;

/** A worker that reads one body for longer is ended: the worst of 32 MiB take a third of this on a busy machine. */
export const CHECK_TIMEOUT_MS = 15_000;

/** A worker that has not begun by then does not come: it loads in 0.1 s, and took 17 s where 25 processes wanted two cores. */
export const WORKER_START_TIMEOUT_MS = 60_000;

/** Heap of a worker: twice what the worst YAML takes. Beyond it the body is refused instead of the machine's memory used up. */
export const WORKER_HEAP_MB = 768;

/** An idle worker ends, and its heap with it. A pipeline that applies many documents keeps it for all of them. */
export const WORKER_IDLE_MS = 5_000;

/** Bodies that wait for a worker: with RECEIVED_BYTES the first bound that is met is that of the memory, unless they are small. */
export const MAX_WAITING_CHECKS = 64;

/** Pieces that a body may come in whatever their size: lines of a small document, one by one. */
export const UNCOUNTED_CHUNKS = 1024;

/** Bytes that the pieces of a body have on average beyond that. A line of YAML has 20. */
export const MIN_CHUNK_BYTES = 16;

/** Bytes of all bodies that are taken in one turn of the event loop: 2 ms of copying; of each connection Node may bring 64 KiB more. */
export const BYTES_PER_TURN = 2 * 1024 * 1024;

/** Of the bodies that wait so many go on in each turn: 1 MiB, when all of them bring what Node reads at once. */
export const RESUMED_PER_TURN = 16;

/** A piece below this costs its event more than its bytes. */
export const TINY_PIECE_BYTES = 1024;

/** Bytes of larger bodies that are received or wait: four of the largest. */
export const RECEIVED_BYTES = 128 * 1024 * 1024;

/** Who sends slower than this (bytes a millisecond) could not bring the largest body within the request's time. */
export const MIN_UPLOAD_RATE = 512;

/** Over how long it is looked how fast somebody sends. */
export const RATE_WINDOW_MS = 1_000;

/** All larger bodies together once they are built, until their request is answered. A whole configuration of 32 MiB takes half of it. */
export const BODY_MEMORY_BYTES = 512 * 1024 * 1024;

/** What a list or object takes in memory, and what another value does: at most, over all shapes. */
export const BYTES_PER_CONTAINER = 160;
export const BYTES_PER_VALUE = 40;

/** A body waits this long for room in the memory of all bodies; then its sender is told to come back. */
export const MEMORY_PATIENCE_MS = 20_000;

/** Resources turned into YAML in one step (about 0.15 ms each). */
export const YAML_SLICE = 20;

/** The rest of a body whose answer is known already may come in this time; a body of 10 MiB on a slow network does. */
export const DRAIN_MS = 1_000;

/** What runs when the server is told to stop may finish in this time; then its connections are cut. */
export const CLOSE_GRACE_MS = 3_000;

/** A write that makes more to be looked at (see `extentOf`) is judged before its turn: this much takes 10 to 50 ms. */
export const LARGE_EXTENT = 10_000;

/** How often such a write is judged before its turn. Then it is judged in its turn, however long others wait: that must be rare. */
export const MAX_TRIES_ASIDE = 3;
