/** Rows to models. */
import { applyChanges, emptySnapshot, kinds, makeResource } from "../model/index.ts";
import type { Bodies, Change, Kind, Resource, Snapshot } from "../model/types.ts";
import { reasonOf } from "../util/reason.ts";
import type { Steps } from "../util/steps.ts";
import type { Finder, ResourceRow } from "./database.ts";
import { StoreError } from "./errors.ts";
import type { Head } from "./types.ts";

/** The newest committed state. Throws STORE-CORRUPT when any row is not what was written: never a part of a model. */
export function loadHead(finder: Finder): Head {
  const newest = finder.newest();
  const revision = newest?.revision ?? 0;
  if (finder.countRevisions() !== revision) {
    throw new StoreError(
      "STORE-CORRUPT",
      `revisions are missing: the newest is ${revision}, but ${finder.countRevisions()} are stored`,
    );
  }
  const changes: Change[] = [];
  for (const row of finder.current()) changes.push({ ...keyOf(row), resource: readResource(row) } as Change);
  if (changes.length !== (newest?.resources ?? 0)) {
    throw new StoreError(
      "STORE-CORRUPT",
      `resources are missing: revision ${revision} has ${newest?.resources ?? 0}, but ${changes.length} are stored`,
    );
  }
  return { revision, snapshot: applyChanges(emptySnapshot, changes) };
}

/**
 * The model as of `revision`: the head with every later change undone, so unchanged resources stay the same objects. What is
 * committed meanwhile makes no difference: it changes neither `head` nor what was.
 */
export function* loadSnapshot(finder: Finder, head: Head, revision: number): Steps<Snapshot> {
  const changes: Change[] = [];
  for (const key of finder.changedSince(revision)) {
    yield;
    changes.push(undone(head, finder.resourceAt(key, revision)));
  }
  return changes.length === 0 ? head.snapshot : applyChanges(head.snapshot, changes);
}

function undone(head: Head, row: ResourceRow): Change {
  const key = keyOf(row);
  if (row.body === null) return { ...key, resource: null } as Change;
  const present = (head.snapshot[key.kind] as ReadonlyMap<string, Resource>).get(key.name);
  return { ...key, resource: present?.hash === row.hash ? present : readResource(row) } as Change;
}

function keyOf({ kind, name }: ResourceRow): { kind: Kind; name: string } {
  if (!kinds.includes(kind as Kind))
    throw new StoreError("STORE-CORRUPT", `the kind of the stored resource ${kind} ${name} is unknown`);
  return { kind: kind as Kind, name };
}

/** A stored resource; throws STORE-CORRUPT when it is not what was written. */
export function readResource(row: ResourceRow): Resource {
  const { kind } = keyOf(row);
  const where = `the stored ${row.kind} ${row.name}`;
  if (row.body === null) throw new StoreError("STORE-CORRUPT", `${where} has no content`);
  let resource: Resource;
  try {
    resource = makeResource(kind, JSON.parse(row.body) as Bodies[Kind]);
  } catch (cause) {
    throw new StoreError("STORE-CORRUPT", `${where} cannot be read: ${reasonOf(cause)}`, cause);
  }
  if (resource.hash !== row.hash || resource.name !== row.name) {
    throw new StoreError(
      "STORE-CORRUPT",
      `${where} is not what was written: its hash is ${resource.hash}, not ${row.hash}`,
    );
  }
  return resource;
}
