/**
 * Rendered files of nginx and HAProxy fleets: made when somebody asks, and a moment after a commit when somebody listens.
 * Nobody does: then a commit costs nothing here.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { withPathGroups } from "../compiler/index.ts";
import type { FleetIr, ProxyKind } from "../ir/index.ts";
import type { Target } from "../targets/target.ts";
import type { FleetFiles } from "./types.ts";

/** Changes that follow each other within this are rendered once: a reload costs a proxy far more than this wait. */
const QUIET_MS = 100;
/** However fast changes come, listeners' files are not older than this; an agent reloads every two seconds at most. */
const CEILING_MS = 1000;

type FilesListener = (fleet: string, files: FleetFiles | null) => void;

interface Entry {
  ir: FleetIr;
  revision: number;
  /** Output of `renderedFrom`; null until the first good rendering. */
  files: FleetFiles | null;
  renderedFrom: FleetIr | null;
  /** The IR that could not be rendered: it is not tried again. */
  failedFrom: FleetIr | null;
}

export interface FileOutput {
  /** The file fleets of a revision. Fleets that are no longer there are reported gone. */
  update(fleets: readonly FleetIr[], revision: number): void;
  /** Renders now if need be. Null: no such fleet. Throws when rendering fails and there is no last good output. */
  get(fleet: string): FleetFiles | null;
  onFiles(listener: FilesListener): () => void;
  close(): void;
}

/** Starts without fleets. `onFailure` is told when a target throws; the fleet then keeps its last good files. */
export function createFileOutput(options: {
  readonly targets: Readonly<Record<ProxyKind, Target>>;
  readonly onFailure: (fleet: string, error: unknown) => void;
}): FileOutput {
  const entries = new Map<string, Entry>();
  const listeners = new Set<FilesListener>();

  /** A listener that throws is its own problem: it must not stop the others, nor count as a failed rendering. */
  const tell = (fleet: string, files: FleetFiles | null): void => {
    for (const listener of listeners) {
      try {
        listener(fleet, files);
      } catch (error) {
        options.onFailure(fleet, error);
      }
    }
  };

  const render = (entry: Entry): FleetFiles => {
    const { ir, revision } = entry;
    const target = options.targets[ir.proxy];
    const rendered = target.render(target.needsPathGroups ? withPathGroups(ir) : ir);
    if (rendered.kind !== "files") throw new Error(`target ${target.proxy} gave no files`);
    return { fleet: ir.name, proxy: ir.proxy, revision, generation: rendered.generation, files: rendered.files };
  };

  /** The newest output; when it cannot be made, the last good one (null: never any). */
  const refresh = (name: string): FleetFiles | null => {
    const entry = entries.get(name);
    if (entry === undefined) return null;
    if (entry.renderedFrom === entry.ir || entry.failedFrom === entry.ir) return entry.files;
    const before = entry.files?.generation;
    try {
      entry.files = render(entry);
      entry.renderedFrom = entry.ir;
    } catch (error) {
      entry.failedFrom = entry.ir;
      options.onFailure(name, error);
      return entry.files;
    }
    if (entry.files.generation !== before) tell(name, entry.files);
    return entry.files;
  };

  const schedule = debounced(async () => {
    // One fleet per turn of the event loop: a large one takes tens of milliseconds.
    for (const name of [...entries.keys()]) {
      refresh(name);
      await nextTurn();
    }
  });

  return {
    update(fleets, revision) {
      const names = new Set(fleets.map(({ name }) => name));
      for (const name of [...entries.keys()]) {
        if (names.has(name)) continue;
        entries.delete(name);
        tell(name, null);
      }
      for (const ir of fleets) {
        const old = entries.get(ir.name);
        const kept = old?.ir.proxy === ir.proxy ? old : undefined;
        // Output that this IR did not make keeps the revision that it is of, until a rendering replaces it.
        const current = kept !== undefined && kept.renderedFrom === ir;
        const files = kept?.files != null && current ? { ...kept.files, revision } : (kept?.files ?? null);
        entries.set(ir.name, {
          ir,
          revision,
          files,
          renderedFrom: kept?.renderedFrom ?? null,
          failedFrom: kept?.failedFrom ?? null,
        });
      }
      if (listeners.size > 0) schedule.soon();
    },
    get(fleet) {
      const files = refresh(fleet);
      if (files === null && entries.has(fleet))
        throw new Error(`the files of fleet ${fleet} cannot be made; the log says why`);
      return files;
    },
    onFiles(listener) {
      listeners.add(listener);
      schedule.soon();
      return () => listeners.delete(listener);
    },
    close: schedule.cancel,
  };
}

/** Runs `work` once things are quiet, at the latest at the ceiling. */
function debounced(work: () => Promise<void>): { soon: () => void; cancel: () => void } {
  let quiet: NodeJS.Timeout | undefined;
  let ceiling: NodeJS.Timeout | undefined;
  const cancel = (): void => {
    clearTimeout(quiet);
    clearTimeout(ceiling);
    ceiling = undefined;
  };
  const run = (): void => {
    cancel();
    void work();
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
