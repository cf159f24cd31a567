/**
 * Rendered files of fleets: made when somebody asks, and a moment after a commit when somebody listens.
 * Nobody does: then a commit costs nothing here. They are made in slices; the last good output stays meanwhile.
 */
import type { FleetIr } from "../ir/index.ts";
import { effectOf, type Rendering } from "../pipeline/index.ts";
import type { Effect } from "../targets/target.ts";
import { inSlices, type Pace, systemPace } from "../util/slices.ts";
import type { Steps } from "../util/steps.ts";
import type { FleetFiles, Publication } from "./types.ts";

/** Changes that follow each other within this are rendered once: a reload costs a proxy far more than this wait. */
const QUIET_MS = 100;
/** However fast changes come, listeners' files are not older than this; an agent reloads every two seconds at most. */
const CEILING_MS = 1000;

type FilesListener = (fleet: string, files: FleetFiles | null) => void;

/** A fleet for as long as it is there and stays with its proxy. */
interface Entry {
  /** The newest, and its revision; what is being rendered may be older. */
  ir: FleetIr;
  revision: number;
  /** The last good output, and what was rendered for it. */
  files: FleetFiles | null;
  rendering: Rendering<"files"> | null;
  /** The newest revision whose rendering has ended, well or not: it is not tried again. */
  tried: number;
  /** What is under way; never rejects. */
  underWay: Promise<void> | null;
}

/** Comes before every revision. */
const NONE_TRIED = -1;

export interface FileOutput {
  /** The file fleets of a revision. Fleets that are no longer there are reported gone; those that are `kept` stay as they are. */
  update(fleets: readonly FleetIr[], revision: number, kept?: ReadonlySet<string>): void;
  /**
   * The files of the newest revision, or of a later one that came while they were made; when these cannot be made, or after
   * `close`, the last good ones. Null: no such fleet. Rejects with NoGoodFilesError.
   */
  get(fleet: string): Promise<FleetFiles | null>;
  /** The last good ones, as they are now; null: there are none. */
  last(fleet: string): FleetFiles | null;
  onFiles(listener: FilesListener): () => void;
  /** What is under way is given up; listeners hear nothing afterwards. */
  close(): void;
}

/** The files of the fleet's only revisions so far cannot be made. */
export class NoGoodFilesError extends Error {
  constructor(fleet: string) {
    super(`the files of fleet ${fleet} cannot be made; its status says why`);
  }
}

/** Starts without fleets. `onFailure` is called when a target throws; the fleet then keeps its last good files. */
export function createFileOutput(options: {
  readonly render: (ir: FleetIr) => Steps<Rendering<"files">>;
  readonly onFailure: (fleet: string, error: unknown, revision: number) => void;
  readonly onPublished: (publication: Publication) => void;
  /** The last good files are those of a later revision too. */
  readonly onUnchanged?: (fleet: string, revision: number) => void;
  /** Default: the process's own. */
  readonly pace?: Pace | undefined;
}): FileOutput {
  const entries = new Map<string, Entry>();
  const listeners = new Set<FilesListener>();
  const pace = options.pace ?? systemPace;
  let closed = false;

  /** A listener that throws is its own problem: it must not stop the others, nor count as a failed rendering. */
  const tell = (fleet: string, files: FleetFiles | null): void => {
    for (const listener of listeners) {
      try {
        listener(fleet, files);
      } catch (error) {
        options.onFailure(fleet, error, files?.revision ?? 0);
      }
    }
  };

  /** Renders the newest IR of a fleet. What has lost its fleet on the way is given up and leaves no trace. */
  const render = async (entry: Entry): Promise<void> => {
    const { ir, revision } = entry;
    const isWanted = (): boolean => !closed && entries.get(ir.name) === entry;
    const before = entry.files?.generation;
    let rendering: Rendering<"files"> | null = null;
    let effect: Effect = "none";
    try {
      rendering = await inSlices(whileWanted(isWanted, options.render(ir)), pace);
      if (rendering !== null) effect = effectOf(entry.rendering, rendering);
    } catch (error) {
      if (isWanted()) options.onFailure(ir.name, error, revision);
    }
    if (!isWanted()) return;
    // The same IR may have been committed once more meanwhile.
    entry.tried = entry.ir === ir ? entry.revision : revision;
    if (rendering === null) return;
    const { generation, files, sockets } = rendering.whole;
    entry.rendering = rendering;
    entry.files = { fleet: ir.name, proxy: ir.proxy, revision: entry.tried, generation, files, sockets };
    options.onPublished({ fleet: ir.name, revision: entry.tried, effect });
    if (generation !== before) tell(ir.name, entry.files);
  };

  /**
   * One rendering of a fleet at a time. Who comes while one of an older revision is under way waits for it and for the next;
   * no further, however fast changes come. Null: no such fleet.
   */
  const refresh = async (name: string): Promise<Entry | null> => {
    const asked = entries.get(name)?.revision ?? NONE_TRIED;
    for (;;) {
      const entry = entries.get(name);
      if (entry === undefined) return null;
      if (closed || entry.tried >= asked) return entry;
      entry.underWay ??= render(entry).finally(() => {
        entry.underWay = null;
      });
      await entry.underWay;
      // Those who have their answer now must have it before listeners hear of the next.
      if (entry.tried < asked) await pace.turn();
    }
  };

  const schedule = debounced(async () => {
    for (const name of [...entries.keys()]) await refresh(name);
  });

  return {
    update(fleets, revision, kept) {
      const names = new Set(fleets.map(({ name }) => name));
      for (const name of [...entries.keys()]) {
        if (names.has(name) || kept?.has(name)) continue;
        entries.delete(name);
        tell(name, null);
      }
      for (const ir of fleets) {
        const old = entries.get(ir.name);
        if (old?.ir.proxy === ir.proxy) {
          if (renew(old, ir, revision)) options.onUnchanged?.(ir.name, revision);
        } else entries.set(ir.name, { ir, revision, files: null, rendering: null, tried: NONE_TRIED, underWay: null });
      }
      if (listeners.size > 0) schedule.soon();
    },
    async get(fleet) {
      const entry = await refresh(fleet);
      if (entry === null) return null;
      if (entry.files === null) throw new NoGoodFilesError(fleet);
      return entry.files;
    },
    last: (fleet) => entries.get(fleet)?.files ?? null,
    onFiles(listener) {
      listeners.add(listener);
      schedule.soon();
      return () => listeners.delete(listener);
    },
    close() {
      closed = true;
      schedule.cancel();
    },
  };
}

/**
 * Output that this IR did not make keeps the revision that it is of, until a rendering replaces it. Says whether the last good files are
 * those of this revision.
 */
function renew(entry: Entry, ir: FleetIr, revision: number): boolean {
  let isGood = false;
  if (entry.ir === ir && entry.tried === entry.revision) {
    if (entry.files?.revision === entry.revision) {
      entry.files = { ...entry.files, revision };
      isGood = true;
    }
    entry.tried = revision;
  }
  entry.ir = ir;
  entry.revision = revision;
  return isGood;
}

/** Null: given up, because nobody wants it any more. */
function* whileWanted<T>(isWanted: () => boolean, steps: Steps<T>): Steps<T | null> {
  while (isWanted()) {
    const step = steps.next();
    if (step.done) return step.value;
    yield;
  }
  return null;
}

/** Runs `work` once things are quiet, at the latest at the ceiling, and never twice at once. It must not reject. */
function debounced(work: () => Promise<void>): { soon: () => void; cancel: () => void } {
  let quiet: NodeJS.Timeout | undefined;
  let ceiling: NodeJS.Timeout | undefined;
  let running = false;
  let again = false;
  const cancel = (): void => {
    clearTimeout(quiet);
    clearTimeout(ceiling);
    ceiling = undefined;
  };
  const run = async (): Promise<void> => {
    cancel();
    again = running;
    if (running) return;
    running = true;
    do {
      again = false;
      await work();
    } while (again);
    running = false;
  };
  return {
    soon: () => {
      clearTimeout(quiet);
      quiet = setTimeout(run, QUIET_MS);
      ceiling ??= setTimeout(run, CEILING_MS);
    },
    cancel,
  };
}
