/** What is known of each fleet's output: which revision it has, and why a newer one could not be made. */
import { reasonOf } from "../util/reason.ts";
import type { FleetError, FleetStatus, ListenerStatus } from "./types.ts";

/** The fleet is not rendered, for a reason that is none of a defect. */
export class FleetLeftOutError extends Error {
  readonly code = "MODEL-TOO-LARGE";
}

export interface FleetStatuses {
  /** These fleets there are from this revision on; what is known of others is forgotten. */
  readonly renew: (fleets: Iterable<string>, revision: number) => void;
  /** Says whether that is the end of a failure. */
  readonly published: (fleet: string, revision: number) => boolean;
  /** It will be made when somebody asks. `isNew`: it is not what was tried before, so that what was wrong then is not known to be now. */
  readonly pending: (fleet: string, isNew: boolean) => void;
  /** The whole model cannot be compiled. */
  readonly uncompiled: (revision: number, error: unknown) => void;
  /** Says whether this is news: the same failure of the next revision is not. */
  readonly failed: (fleet: string, revision: number, error: unknown) => boolean;
  /** Null: no such fleet. */
  readonly of: (fleet: string) => FleetStatus | null;
  readonly all: () => readonly FleetStatus[];
  /** How often output could not be made since the fleet is there, by fleet. */
  readonly failures: () => Iterable<readonly [fleet: string, count: number]>;
}

interface Entry {
  published: number | null;
  error: FleetError | null;
  /** The error befell all fleets at once. */
  isOfAll: boolean;
  /** No output was made since the last error, also when that is not known to be true of what is tried next. */
  isFailing: boolean;
  failures: number;
}

/** Characters of a message; a renderer may quote what it chokes on. */
const MAX_MESSAGE = 500;

/** Knows no fleet yet. `listenersOf`: where the listeners of a fleet stand; null: nothing is known of them. */
export function createFleetStatuses(
  listenersOf: (fleet: string) => readonly ListenerStatus[] | null,
  now: () => Date = () => new Date(),
): FleetStatuses {
  const entries = new Map<string, Entry>();
  let newest = 0;
  const shown = (fleet: string, { published, error }: Entry): FleetStatus => {
    const state = error !== null ? "failed" : published === newest ? "current" : "behind";
    const listeners = listenersOf(fleet) ?? [];
    return { fleet, state, revision: newest, publishedRevision: published, error, listeners };
  };
  const failed = (fleet: string, revision: number, error: unknown): boolean => {
    const entry = entries.get(fleet);
    if (entry === undefined) return false;
    entry.failures += 1;
    entry.isFailing = true;
    const message = reasonOf(error).slice(0, MAX_MESSAGE);
    if (entry.error?.message === message) return false;
    const code = error instanceof FleetLeftOutError ? error.code : "FLEET-NOT-RENDERED";
    entry.error = { code, message, revision, since: now().toISOString() };
    entry.isOfAll = false;
    return true;
  };
  return {
    renew(fleets, revision) {
      const names = new Set(fleets);
      newest = revision;
      for (const name of entries.keys()) if (!names.has(name)) entries.delete(name);
      for (const name of names)
        if (!entries.has(name))
          entries.set(name, { published: null, error: null, isOfAll: false, isFailing: false, failures: 0 });
    },
    published(fleet, revision) {
      const entry = entries.get(fleet);
      if (entry === undefined) return false;
      const { isFailing } = entry;
      Object.assign(entry, { published: revision, error: null, isFailing: false });
      return isFailing;
    },
    pending(fleet, isNew) {
      const entry = entries.get(fleet);
      if (entry !== undefined && (isNew || entry.isOfAll)) entry.error = null;
    },
    uncompiled(revision, error) {
      for (const [fleet, entry] of entries) if (failed(fleet, revision, error)) entry.isOfAll = true;
    },
    failed,
    of(fleet) {
      const entry = entries.get(fleet);
      return entry === undefined ? null : shown(fleet, entry);
    },
    all: () => [...entries].map(([fleet, entry]) => shown(fleet, entry)),
    failures: () => [...entries].map(([fleet, { failures }]) => [fleet, failures] as const),
  };
}
