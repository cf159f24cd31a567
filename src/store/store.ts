/** The store: the head in memory, the queue in front of the disk. */
import { join } from "node:path";
import { emptySnapshot } from "../model/index.ts";
import { inSlices, type Pace, systemPace } from "../util/slices.ts";
import { createAppender, type Finder, type RevisionRow } from "./database.ts";
import { StoreError, storeErrorOf } from "./errors.ts";
import { DATABASE_FILE, type Exposed, openFolder } from "./files.ts";
import { prepareGroup, storeGroup, type Waiting } from "./group.ts";
import { MAX_PAGE_CHANGES, MAX_QUEUED_WRITES } from "./limits.ts";
import { loadSnapshot } from "./load.ts";
import { lockDirectory } from "./lock.ts";
import { openDatabase } from "./open.ts";
import type { Head, RevisionInfo, Store, WriteRequest, WriteResult } from "./types.ts";

export interface StoreOptions {
  /** The data directory; made (mode 0700) when it is not there. */
  readonly dir: string;
  /** Gives each revision its time. */
  readonly now: () => Date;
  /** Default: the process's own. */
  readonly pace?: Pace | undefined;
  /** Told what others may read, and only another user can close. */
  readonly onExposed?: ((exposed: Exposed) => void) | undefined;
}

/**
 * Opens a data directory for this process alone, and checks what is in it. Throws StoreError: STORE-LOCKED, STORE-BUSY,
 * STORE-NEWER, STORE-FOREIGN, STORE-CORRUPT, STORE-FULL, STORE-UNWRITABLE.
 */
export function openStore(options: StoreOptions): Store {
  for (const exposed of openFolder(options.dir)) options.onExposed?.(exposed);
  const unlock = lockDirectory(options.dir);
  try {
    return startStore(options, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function startStore({ dir, now, pace = systemPace }: StoreOptions, unlock: () => void): Store {
  const database = openDatabase(dir);
  const { finder, mark, secrets } = database;
  const file = join(dir, DATABASE_FILE);
  const appender = createAppender(database.writer);
  const queue: Waiting[] = [];
  const listeners = new Set<CommitListener>();
  /** Models that are being read, and listeners that writers wait for: the database is not closed under them. */
  const open = new Set<Promise<unknown>>();
  let head: Head = database.head;
  let pump: Promise<void> | null = null;
  let closing: Promise<void> | null = null;
  let writeFailures = 0;

  /** Runs until the queue is empty. Starts a turn later, so that requests that arrived together share a transaction. */
  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      await new Promise((resume) => setImmediate(resume));
      const group = await prepareGroup(head, queue, { pace, find: secrets.find });
      const { pending } = group;
      try {
        if (pending.length > 0) await storeGroup(appender, { pending, time: now().toISOString(), pace });
      } catch (cause) {
        const error = storeErrorOf(cause, file, "write");
        writeFailures += group.answers.length;
        for (const { waiting } of group.answers) waiting.reject(error);
        continue;
      }
      head = group.head;
      const answer = (): void => {
        for (const { waiting, result } of group.answers) waiting.resolve(result);
      };
      if (pending.length === 0) {
        answer();
        continue;
      }
      mark.raise(head.revision);
      // The next group does not wait for it.
      keepOpen(announce(listeners, head).then(answer));
    }
    // In the turn that found the queue empty: a write that comes later must start a pump of its own.
    pump = null;
  };

  const keepOpen = <T>(work: Promise<T>): Promise<T> => {
    open.add(work);
    return work.finally(() => open.delete(work));
  };

  const write = <T>(request: WriteRequest<T>): Promise<WriteResult<T>> => {
    if (closing !== null) return Promise.reject(new StoreError("STORE-CLOSED", "the store is closed"));
    if (queue.length >= MAX_QUEUED_WRITES) {
      return Promise.reject(new StoreError("STORE-QUEUE-FULL", `${queue.length} writes are waiting already`));
    }
    return new Promise<WriteResult<T>>((resolve, reject) => {
      queue.push({ request, resolve: resolve as (result: WriteResult<unknown>) => void, reject });
      pump ??= drain();
    });
  };

  return {
    head: () => head,
    write,
    revisions: ({ before, limit }) => reading(file, () => pageOf(finder, before ?? head.revision + 1, limit)),
    revision: (number) =>
      reading(file, () => {
        const row = finder.revision(number);
        return row === undefined ? null : infoOf(finder, row);
      }),
    async snapshotAt(number) {
      if (!Number.isInteger(number) || number < 0 || number > head.revision) return null;
      if (number === 0) return emptySnapshot;
      const read = (async () => inSlices(loadSnapshot(finder, head, number), pace))().catch((cause) => {
        throw storeErrorOf(cause, file, "read");
      });
      return keepOpen(read);
    },
    secrets,
    writeFailures: () => writeFailures,
    onCommit(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closing ??= (async () => {
        await pump;
        await Promise.allSettled(open);
        database.close();
        unlock();
      })();
      return closing;
    },
  };
}

function reading<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw storeErrorOf(cause, file, "read");
  }
}

type CommitListener = (head: Head) => void | Promise<void>;

/** A listener that fails is a defect of its own room: it must neither keep the others from hearing nor the writers waiting. */
async function announce(listeners: ReadonlySet<CommitListener>, head: Head): Promise<void> {
  const tell = async (listener: CommitListener): Promise<void> => {
    try {
      await listener(head);
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
  };
  await Promise.all([...listeners].map(tell));
}

/** Newest first. May have fewer than `limit` entries when their lists of changes are long, but at least one if there is one. */
function pageOf(finder: Finder, before: number, limit: number): RevisionInfo[] {
  const page: RevisionInfo[] = [];
  let changes = 0;
  for (const row of finder.revisionsBelow(before, limit)) {
    changes += finder.countChangesOf(row.revision);
    if (page.length > 0 && changes > MAX_PAGE_CHANGES) break;
    page.push(infoOf(finder, row));
  }
  return page;
}

function infoOf(finder: Finder, { revision, time, author, message }: RevisionRow): RevisionInfo {
  return { revision, time, author, message, changes: finder.changesOf(revision) };
}
