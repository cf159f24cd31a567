/**
 * Whether a database holds what was written to it: SQLite's own checks, the schema, and that revisions, changes and resources
 * tell the same story. Only reads.
 */
import { DatabaseSync } from "node:sqlite";
import { kinds } from "../model/index.ts";
import type { Kind } from "../model/types.ts";
import { reasonOf } from "../util/reason.ts";
import { type ChangeRow, identityOf, type RevisionRow } from "./database.ts";
import { createDigest } from "./digest.ts";
import { START_CHECK_BYTES, START_CHECK_CHANGES } from "./limits.ts";
import { readResource } from "./load.ts";
import { disagreement, type MarkText } from "./mark.ts";
import { migrate, migrations, versionOf } from "./migrations.ts";
import { secretDamages } from "./secrets.ts";

/** The schema from which on there are digests and an identity. */
const DIGEST_SCHEMA = 2;
/** The schema from which on there are secrets. */
const SECRETS_SCHEMA = 3;

/** What a check needs beside the database. */
export interface Beside {
  readonly dir: string;
  /** Read before the database was opened, so that a running server is not ahead of what is found. */
  readonly mark: MarkText | null;
}

/** What a server looks at before it starts; null: nothing is wrong. The bodies of the head are looked at when it is loaded. */
export function firstDamage(reader: DatabaseSync, beside: Beside): string | null {
  const isLarge = bytesOf(reader) > START_CHECK_BYTES;
  for (const damage of isLarge ? newestDamages(reader, beside) : damages(reader, beside)) return damage;
  return null;
}

/** All that is wrong, as far as it can be told: behind a damaged schema or structure nothing else is looked at. */
export function* damages(reader: DatabaseSync, beside: Beside): Generator<string> {
  let sound = true;
  for (const damage of chain(schemaDamages(reader), structureDamages(reader, "PRAGMA integrity_check"))) {
    sound = false;
    yield damage;
  }
  if (!sound) return;
  yield* gapDamages(reader);
  yield* found(reader, HEAD_STORIES);
  if (hasUnsealed(reader)) yield* found(reader, HISTORY_STORIES);
  yield* digestDamages(reader, Number.POSITIVE_INFINITY);
  if (versionOf(reader) >= SECRETS_SCHEMA) yield* secretDamages(reader, true);
  yield* markDamages(reader, beside);
}

/** Of a large database: what the head and the newest revisions hang on. */
function* newestDamages(reader: DatabaseSync, beside: Beside): Generator<string> {
  yield* schemaDamages(reader);
  for (const table of ["revisions", "resources"]) yield* structureDamages(reader, `PRAGMA quick_check(${table})`);
  yield* gapDamages(reader);
  yield* found(reader, HEAD_STORIES);
  yield* digestDamages(reader, START_CHECK_CHANGES);
  if (versionOf(reader) >= SECRETS_SCHEMA) yield* secretDamages(reader, false);
  yield* markDamages(reader, beside);
}

function* chain<T>(...parts: readonly Iterable<T>[]): Generator<T> {
  for (const part of parts) yield* part;
}

/** The tables and indices must be those that the migrations make. More of them (a person's own index) do no harm. */
function* schemaDamages(reader: DatabaseSync): Generator<string> {
  const version = versionOf(reader);
  if (version === 0) {
    yield "it has no tables, which no database of ours ever lacks: restore a backup, or empty the directory to begin anew";
    return;
  }
  const model = new DatabaseSync(":memory:");
  migrate(model, migrations.slice(0, version));
  const query = "SELECT type, name, sql FROM sqlite_schema";
  const stored = new Map(
    reader
      .prepare(query)
      .all()
      .map((row) => [`${row.type} ${row.name}`, row.sql]),
  );
  for (const { type, name, sql } of model.prepare(query).all()) {
    const there = stored.get(`${type} ${name}`);
    if (there === undefined) yield `the ${type} ${name} is missing`;
    else if (there !== sql) yield `the ${type} ${name} is not what was made`;
  }
  model.close();
}

function* structureDamages(reader: DatabaseSync, pragma: string): Generator<string> {
  for (const row of reader.prepare(pragma).all()) {
    const told = String(Object.values(row)[0]);
    if (told !== "ok") yield told;
  }
}

function* gapDamages(reader: DatabaseSync): Generator<string> {
  const { n } = reader.prepare("SELECT count(*) AS n FROM revisions").get() as { n: number };
  const newest = newestOf(reader);
  if (n !== newest) yield `revisions are missing: the newest is ${newest}, but ${n} are stored`;
}

function newestOf(reader: DatabaseSync): number {
  return (reader.prepare("SELECT coalesce(max(revision), 0) AS n FROM revisions").get() as { n: number }).n;
}

/** What is wrong, and a query that gives a line for each place. */
type Story = readonly [string, string];

/**
 * The present resources are what the changes lead to. That there are as many as the newest revision says, and that none of them
 * was deleted, is found when the head is loaded.
 */
const HEAD_STORIES: readonly Story[] = [
  [
    "changes of a revision that is not there",
    "SELECT DISTINCT revision AS place FROM changes WHERE revision NOT IN (SELECT revision FROM revisions)",
  ],
  [
    "a revision without changes",
    "SELECT revision AS place FROM revisions WHERE revision NOT IN (SELECT revision FROM changes)",
  ],
  [
    "a resource of the newest model is not its newest change",
    `SELECT kind || ' ' || name || ' at revision ' || revision AS place FROM resources AS r WHERE revision IS NOT
       (SELECT max(revision) FROM changes AS c WHERE c.kind = r.kind AND c.name = r.name)`,
  ],
];

/** Where there are no digests: each resource is created, updated and deleted in an order that can be, and none is lost. */
const HISTORY_STORIES: readonly Story[] = [
  [
    "a change that cannot follow the one before",
    `SELECT kind || ' ' || name || ' at revision ' || revision AS place FROM
       (SELECT *, lag(change, 1, 'deleted') OVER (PARTITION BY kind, name ORDER BY revision) AS before FROM changes)
     WHERE (before = 'deleted') <> (change = 'created')`,
  ],
  [
    "resources are missing or too many",
    `SELECT 'revision ' || revision || ' has ' || resources || ', but its changes lead to ' || stored AS place FROM
       (SELECT revision, resources, sum(grown) OVER (ORDER BY revision) AS stored FROM
         (SELECT revision, sum((change = 'created') - (change = 'deleted')) AS grown FROM changes GROUP BY revision)
         JOIN revisions USING (revision))
     WHERE resources <> stored`,
  ],
];

function* found(reader: DatabaseSync, stories: readonly Story[]): Generator<string> {
  for (const [what, sql] of stories) for (const { place } of reader.prepare(sql).iterate()) yield `${what}: ${place}`;
}

/** Whether there are revisions that were written before there were digests. */
function hasUnsealed(reader: DatabaseSync): boolean {
  if (versionOf(reader) < DIGEST_SCHEMA) return true;
  return reader.prepare("SELECT 1 FROM revisions WHERE digest IS NULL LIMIT 1").get() !== undefined;
}

/**
 * Revisions, the newest first, against their digests; those that were written before there were digests, change by change. Ends
 * behind the revision that uses up `rows` changes.
 */
function* digestDamages(reader: DatabaseSync, rows: number): Generator<string> {
  const isOld = versionOf(reader) < DIGEST_SCHEMA;
  const identity = isOld ? "" : (identityOf(reader) ?? "");
  const changes = reader.prepare(
    "SELECT kind, name, change, hash, body FROM changes WHERE revision = ? ORDER BY rowid",
  );
  const revisions = reader.prepare(`SELECT *${isOld ? ", NULL AS digest" : ""} FROM revisions ORDER BY revision DESC`);
  let left = rows;
  for (const row of revisions.iterate() as Iterable<RevisionRow & { readonly digest: string | null }>) {
    const digest = createDigest(identity, row);
    for (const change of changes.iterate(row.revision) as Iterable<ChangeRow>) {
      digest.add(change);
      left -= 1;
    }
    if (digest.end() !== row.digest) {
      const [told] = contentDamages(changes.iterate(row.revision) as Iterable<ChangeRow>);
      if (told !== undefined || row.digest !== null) yield told ?? `revision ${row.revision} is not what was written`;
    }
    if (left <= 0) return;
  }
}

/** Changes against the hashes of their contents. */
function* contentDamages(changes: Iterable<ChangeRow>): Generator<string> {
  for (const row of changes) {
    if (row.body === null && kinds.includes(row.kind as Kind)) continue;
    try {
      readResource(row);
    } catch (error) {
      yield reasonOf(error);
    }
  }
}

function* markDamages(reader: DatabaseSync, { dir, mark }: Beside): Generator<string> {
  if (mark === null || versionOf(reader) < DIGEST_SCHEMA) return;
  const told = disagreement(dir, mark, { database: identityOf(reader) ?? "", revision: newestOf(reader) });
  if (told !== null) yield told;
}

function bytesOf(reader: DatabaseSync): number {
  const { n } = reader
    .prepare("SELECT page_count * page_size AS n FROM pragma_page_count(), pragma_page_size()")
    .get() as {
    n: number;
  };
  return n;
}
