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

  const tell = (fleet: string, files: FleetFiles | null): void => {
    for (const listener of listeners) listener(fleet, files);
  };

  const refresh = (name: string): FleetFiles | null => {
    const entry = entries.get(name);
    if (entry === undefined) return null;
    if (entry.renderedFrom === entry.ir) return entry.files;
    const before = entry.files?.generation;
    const target = options.targets[entry.ir.proxy];
    const rendered = target.render(target.needsPathGroups ? withPathGroups(entry.ir) : entry.ir);
    if (rendered.kind !== "files") throw new Error(`target ${target.proxy} gave no files`);
    entry.renderedFrom = entry.ir;
    const { files, generation } = rendered;
    entry.files = { fleet: name, proxy: entry.ir.proxy, revision: entry.revision, generation, files };
    if (generation !== before) tell(name, entry.files);
    return entry.files;
  };

  const refreshSafely = (name: string): FleetFiles | null => {
    try {
      return refresh(name);
    } catch (error) {
      options.onFailure(name, error);
      return entries.get(name)?.files ?? null;
    }
  };

  const schedule = debounced(async () => {
    // One fleet per turn of the event loop: a large one takes tens of milliseconds.
    for (const name of [...entries.keys()]) {
      refreshSafely(name);
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
        const files = kept?.files == null ? null : { ...kept.files, revision };
        entries.set(ir.name, { ir, revision, files, renderedFrom: kept?.renderedFrom ?? null });
      }
      if (listeners.size > 0) schedule.soon();
    },
    get(fleet) {
      const files = refreshSafely(fleet);
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
