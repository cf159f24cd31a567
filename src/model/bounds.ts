/** How large a model may be, and what it amounts to may be: every limit is a share of the memory that the server may take. */

/** Bytes of memory that the server stays below unless it is told otherwise (`serve --memory-limit`). */
export const DEFAULT_MEMORY = 2 * 1024 * 1024 * 1024;

/** The least that a server can be told to live with: Node, the program and its xDS clients take half of it. */
export const MIN_MEMORY = 256 * 1024 * 1024;

export interface Bounds {
  /** Of all documents, as JSON. */
  readonly documentBytes: number;
  /** Matches of rules, each counted for every hostname, listener and fleet that it serves. */
  readonly rules: number;
  /** What it takes to make the regular expressions of all documents ready for PCRE2: about microseconds of one core. */
  readonly regexWork: number;
  /** Hostnames of routes, each counted for every listener and fleet. */
  readonly hosts: number;
  /** Memory that it takes to render all fleets, in bytes: an estimate that is rather too high. */
  readonly renderingMemory: number;
  /** Rules that are tried in turn after the first, over all paths and hosts of all fleets whose proxies look paths up. */
  readonly lookups: number;
}

/** With DEFAULT_MEMORY. What each takes was measured: decision 31. */
const DEFAULTS: Bounds = {
  /** 100 000 routes of 300 bytes take two thirds of it. A byte takes about nine of memory, in the model and compiled. */
  documentBytes: 48 * 1024 * 1024,
  /** 100 000 routes on two listeners of three fleets. One takes 200 bytes of memory until it is written. */
  rules: 600_000,
  /** 100 000 hostnames on three fleets. One takes up to a KiB of memory until it is written. */
  hosts: 300_000,
  /** Two hundred expressions of the worst kind; a usual one takes 100. So the first write after a start waits for seconds at most. */
  regexWork: 4_000_000,
  renderingMemory: 800 * 1024 * 1024,
  /** Each takes up to 2 KiB of memory, and up to 40 µs to write. */
  lookups: 100_000,
};

/** The bounds of a server that may take so many bytes of memory: in proportion. */
export function boundsFor(memory: number): Bounds {
  const share = memory / DEFAULT_MEMORY;
  const scaled = Object.entries(DEFAULTS).map(([name, limit]) => [name, Math.floor(limit * share)]);
  return Object.freeze(Object.fromEntries(scaled)) as unknown as Bounds;
}
