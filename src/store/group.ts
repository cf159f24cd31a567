/** One group of writes: prepared in order, then stored in one transaction. */
import { setTimeout as sleep } from "node:timers/promises";
import { effectOf } from "../model/index.ts";
import type { Change, ChangeWord, Kind, Resource } from "../model/types.ts";
import type { Sealed } from "../secrets/index.ts";
import { inSlices, type Pace, rest } from "../util/slices.ts";
import { type Steps, shouldYield } from "../util/steps.ts";
import { type Appender, type ChangeRow, ROWS_PER_STATEMENT } from "./database.ts";
import { createDigest } from "./digest.ts";
import { SQLITE, sqliteCode } from "./errors.ts";
import {
  GROUP_BUDGET_MS,
  LOCK_RETRY_MS,
  LOCK_WAIT_MS,
  MAX_GROUP_CHANGES,
  MAX_GROUP_WRITES,
  SLICE_BYTES,
  SLICE_ROWS,
} from "./limits.ts";
import { type StoredSecrets, secretsNamed } from "./secrets.ts";
import type { Head, Prepared, WriteRequest, WriteResult } from "./types.ts";

/** A write in the queue. */
export interface Waiting {
  readonly request: WriteRequest<unknown>;
  resolve(result: WriteResult<unknown>): void;
  reject(error: unknown): void;
}

/** A revision that a group is about to store. */
export interface Pending {
  readonly head: Head;
  readonly author: string;
  readonly message: string;
  readonly changes: readonly { readonly word: ChangeWord; readonly change: Change }[];
  /** To be stored with them. */
  readonly secrets: readonly Sealed[];
}

export interface Group {
  readonly pending: readonly Pending[];
  /** Every write that was prepared without throwing, with its answer if the transaction succeeds. */
  readonly answers: readonly { readonly waiting: Waiting; readonly result: WriteResult<unknown> }[];
  readonly head: Head;
}

/**
 * Takes writes from the front of `queue` and prepares each on the state that the ones before it leave. A write whose `prepare`
 * throws is rejected at once and changes nothing. Ends at the bounds of limits.ts, but takes at least one write.
 */
export async function prepareGroup(
  start: Head,
  queue: Waiting[],
  { pace, find }: { readonly pace: Pace } & Pick<StoredSecrets, "find">,
): Promise<Group> {
  const deadline = pace.now() + GROUP_BUDGET_MS;
  const pending: Pending[] = [];
  const answers: { waiting: Waiting; result: WriteResult<unknown> }[] = [];
  let head = start;
  let rows = 0;
  while (queue.length > 0 && answers.length < MAX_GROUP_WRITES && rows < MAX_GROUP_CHANGES) {
    const waiting = queue.shift() as Waiting;
    try {
      const prepared = await waiting.request.prepare(head);
      const changed = await inSlices(pendingOf(head, waiting.request, prepared), pace);
      const next = changed === null ? null : { ...changed, secrets: secretsOf(prepared, changed, find) };
      if (next !== null) {
        pending.push(next);
        head = next.head;
        rows += next.changes.length;
      }
      const result = { committed: next !== null, revision: head.revision, result: prepared.result };
      answers.push({ waiting, result });
    } catch (error) {
      waiting.reject(error);
    }
    if (pace.now() > deadline) break;
  }
  return { pending, answers, head };
}

function secretsOf(
  prepared: Prepared<unknown>,
  { changes }: Pick<Pending, "changes">,
  find: StoredSecrets["find"],
): readonly Sealed[] {
  const came = prepared.kind === "commit" ? (prepared.secrets ?? []) : [];
  return secretsNamed(
    changes.map(({ change }) => change),
    came,
    find,
  );
}

/** Null when there is nothing to store. */
function* pendingOf(
  head: Head,
  request: WriteRequest<unknown>,
  prepared: Prepared<unknown>,
): Steps<Omit<Pending, "secrets"> | null> {
  if (prepared.kind === "decline") return null;
  const changes: { word: ChangeWord; change: Change }[] = [];
  for (const [index, change] of prepared.changes.entries()) {
    const word = effectOf(head.snapshot, change);
    if (word !== null) changes.push({ word, change });
    if (shouldYield(index)) yield;
  }
  if (changes.length === 0) return null;
  yield* checkAgreement(head, prepared.snapshot, changes);
  const next = { revision: head.revision + 1, snapshot: prepared.snapshot };
  return { head: next, author: request.author, message: request.message, changes };
}

/** The snapshot must be the head with the changes applied: otherwise what is served and what is stored would part. */
function* checkAgreement(head: Head, snapshot: Head["snapshot"], changes: Pending["changes"]): Steps<void> {
  const grown: Partial<Record<Kind, number>> = {};
  for (const [index, { word, change }] of changes.entries()) {
    if (shouldYield(index)) yield;
    const after = (snapshot[change.kind] as ReadonlyMap<string, Resource>).get(change.name);
    if (after?.hash !== change.resource?.hash) {
      throw new Error(`write: the snapshot does not hold the change of ${change.kind} ${change.name}`);
    }
    grown[change.kind] = (grown[change.kind] ?? 0) + (word === "created" ? 1 : word === "deleted" ? -1 : 0);
  }
  for (const kind of Object.keys(snapshot) as Kind[]) {
    if (snapshot[kind].size !== head.snapshot[kind].size + (grown[kind] ?? 0)) {
      throw new Error(`write: the snapshot has other resources of kind ${kind} than the changes say`);
    }
  }
}

export interface Storing {
  readonly pending: readonly Pending[];
  /** RFC 3339. */
  readonly time: string;
  readonly pace: Pace;
}

/** Stores a group's revisions in one transaction, pausing between slices of rows. Throws (and stores nothing) on failure. */
export async function storeGroup(appender: Appender, { pending, time, pace }: Storing): Promise<void> {
  let rows = 0;
  let bytes = 0;
  let large = false;
  try {
    await beginPatiently(appender);
    for (const { head, author, message, changes, secrets } of pending) {
      const revision = { revision: head.revision, time, author, message, resources: sizeOf(head) };
      appender.revision(revision);
      for (const sealed of secrets) appender.secret(sealed);
      const digest = createDigest(appender.identity, revision);
      for (const some of batchesOf(changes)) {
        appender.changes(head.revision, some);
        for (const row of some) {
          digest.add(row);
          bytes += row.body?.length ?? 0;
        }
        rows += some.length;
        if (rows < SLICE_ROWS && bytes < SLICE_BYTES) continue;
        rows = 0;
        bytes = 0;
        large = true;
        await pace.turn();
      }
      appender.seal(head.revision, digest.end());
    }
    // Writing the log and bringing the database up to date took 20 ms for 10 000 rows.
    if (large) await rest(pace);
    appender.commit();
  } catch (error) {
    appender.rollback();
    throw error;
  }
}

/** Another process may hold the database's lock, as a backup tool does for a moment. Others have their turns meanwhile. */
async function beginPatiently(appender: Appender): Promise<void> {
  const deadline = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      appender.begin();
      return;
    } catch (error) {
      if (sqliteCode(error) !== SQLITE.busy || performance.now() > deadline) throw error;
    }
    await sleep(LOCK_RETRY_MS);
  }
}

/** Rows that are written at once: as many as a statement takes, or as a slice may have bytes. */
function* batchesOf(changes: Pending["changes"]): Iterable<readonly ChangeRow[]> {
  let batch: ChangeRow[] = [];
  let bytes = 0;
  for (const { word, change } of changes) {
    const row = rowOf(word, change);
    batch.push(row);
    bytes += row.body?.length ?? 0;
    if (batch.length < ROWS_PER_STATEMENT && bytes < SLICE_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function rowOf(change: ChangeWord, { kind, name, resource }: Change): ChangeRow {
  const body = resource === null ? null : JSON.stringify(resource.body);
  return { kind, name, change, hash: resource?.hash ?? null, body };
}

function sizeOf({ snapshot }: Head): number {
  return Object.values(snapshot).reduce((sum, map) => sum + map.size, 0);
}
