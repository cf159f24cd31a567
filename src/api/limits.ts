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
  /** Far above any resource that people write (a route of 256 rules has some 100 KB); 1 MiB parses in about 17 ms. */
  resourceBodyBytes: 1024 * 1024,
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
  /** Agents, CI jobs and people of one installation; times resourceBodyBytes, all of them at once hold 256 MiB. */
  connections: 256,
  /** Whole-configuration writes being received or worked on: 4 times 32 MiB and their parsed models fit in 1 GiB. */
  configWrites: 4,
};

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

/** Levels of lists and objects in a JSON body. The model has 9; what copies or prints a document may recurse. */
export const MAX_JSON_DEPTH = 64;

/** Bytes of a body that are looked at in one step (about 0.2 ms). */
export const BYTES_PER_STEP = 64 * 1024;

/** Values of a body that are looked at in one step (about 0.1 ms). */
export const NODES_PER_STEP = 512;

/** YAML up to this many bytes is parsed in place; above, in a worker thread: parsing takes 2 to 5 ms of CPU a KiB. */
export const INLINE_YAML_BYTES = 8 * 1024;

/** Parsing YAML takes about 250 bytes of memory for each of the text: 4 MiB (20 000 routes) take 1 GiB. Beyond it JSON is the way. */
export const MAX_YAML_BYTES = 4 * 1024 * 1024;

/** A worker that parses longer than this is ended: 4 MiB took 15 s on a machine with load 8. */
export const YAML_TIMEOUT_MS = 60_000;

/** What a worker may hold; beyond it the document is refused instead of the machine's memory used up. */
export const YAML_HEAP_MB = 1024;

/** Aliases that a YAML document may expand: enough for anchors, too few for an entity bomb. */
export const MAX_YAML_ALIASES = 1000;

/** Resources turned into YAML in one step (about 0.15 ms each). */
export const YAML_SLICE = 20;

/** The rest of a body whose answer is known already may come in this time; a body of 10 MiB on a slow network does. */
export const DRAIN_MS = 1_000;

/** What runs when the server is told to stop may finish in this time; then its connections are cut. */
export const CLOSE_GRACE_MS = 3_000;
