/** The tables: rows in, rows out. Knows SQL and nothing of queues or heads. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ChangeWord } from "../model/types.ts";
import type { Sealed } from "../secrets/index.ts";
import { secretInsertion } from "./secrets.ts";

/** A change as it is stored. `hash` and `body` (JSON) are null when the resource was deleted. */
export interface ChangeRow {
  readonly kind: string;
  readonly name: string;
  readonly change: ChangeWord;
  readonly hash: string | null;
  readonly body: string | null;
}

export interface RevisionRow {
  readonly revision: number;
  readonly time: string;
  readonly author: string;
  readonly message: string;
  /** Resources in the model after this revision. */
  readonly resources: number;
}

/** The columns of a RevisionRow. */
const REVISION = "revision, time, author, message, resources";

/** What the schema gives a database when it is made, and a copy keeps; undefined: it is lost. */
export function identityOf(database: DatabaseSync): string | undefined {
  return (database.prepare("SELECT id FROM identity").get() as { id: string } | undefined)?.id;
}

/** Statements that append. */
export interface Appender {
  /** The database's. */
  readonly identity: string;
  begin(): void;
  revision(row: RevisionRow): void;
  /** Up to ROWS_PER_STATEMENT of them. */
  changes(revision: number, rows: readonly ChangeRow[]): void;
  secret(sealed: Sealed): void;
  /** After its last change: what the revision hashes to. */
  seal(revision: number, digest: string): void;
  commit(): void;
  /** Leaves the transaction, if there still is one (SQLite ends it by itself after some failures). */
  rollback(): void;
}

/** Rows that one statement writes when there are so many: each by itself takes 1.6 times as long. */
export const ROWS_PER_STATEMENT = 32;

/** Prepares the statements on the writing connection. They throw SQLite's errors as they are. */
export function createAppender(writer: DatabaseSync): Appender {
  const begin = writer.prepare("BEGIN IMMEDIATE");
  const commit = writer.prepare("COMMIT");
  const rollback = writer.prepare("ROLLBACK");
  const insertRevision = writer.prepare(
    "INSERT INTO revisions (revision, time, author, message, resources) VALUES (?, ?, ?, ?, ?)",
  );
  const insertion = (rows: number): StatementSync =>
    writer.prepare(
      `INSERT INTO changes (revision, kind, name, change, hash, body) VALUES ${places("(?, ?, ?, ?, ?, ?)", rows)}`,
    );
  const upsertion = (rows: number): StatementSync =>
    writer.prepare(
      `INSERT INTO resources (kind, name, revision) VALUES ${places("(?, ?, ?)", rows)}
       ON CONFLICT (kind, name) DO UPDATE SET revision = excluded.revision`,
    );
  const insert = { one: insertion(1), many: insertion(ROWS_PER_STATEMENT) };
  const upsert = { one: upsertion(1), many: upsertion(ROWS_PER_STATEMENT) };
  const seal = writer.prepare("UPDATE revisions SET digest = ? WHERE revision = ?");
  const remove = writer.prepare("DELETE FROM resources WHERE kind = ? AND name = ?");
  return {
    identity: identityOf(writer) ?? "",
    begin: () => void begin.run(),
    revision: (row) => void insertRevision.run(row.revision, row.time, row.author, row.message, row.resources),
    changes(revision, rows) {
      runAll(
        insert,
        rows.map(({ kind, name, change, hash, body }) => [revision, kind, name, change, hash, body]),
      );
      const present = rows.filter(({ body }) => body !== null);
      runAll(
        upsert,
        present.map(({ kind, name }) => [kind, name, revision]),
      );
      for (const { kind, name, body } of rows) if (body === null) remove.run(kind, name);
    },
    secret: secretInsertion(writer),
    seal: (revision, digest) => void seal.run(digest, revision),
    commit: () => void commit.run(),
    rollback() {
      if (writer.isTransaction) rollback.run();
    },
  };
}

function places(row: string, rows: number): string {
  return Array.from({ length: rows }, () => row).join(", ");
}

/** All at once when they are as many as a statement takes. */
function runAll(
  { one, many }: { readonly one: StatementSync; readonly many: StatementSync },
  rows: readonly (readonly (string | number | null)[])[],
): void {
  if (rows.length === ROWS_PER_STATEMENT) many.run(...rows.flat());
  else for (const row of rows) one.run(...row);
}

/** A stored resource: present (`body`) or, in an older model, absent (null). */
export interface ResourceRow {
  readonly kind: string;
  readonly name: string;
  readonly hash: string | null;
  readonly body: string | null;
}

/** Statements that read. */
export interface Finder {
  /** The newest revision's row; undefined in an empty database. */
  newest(): RevisionRow | undefined;
  countRevisions(): number;
  /** The present resources by kind and name; `body` is null where the change that `resources` names is not there. */
  current(): Iterable<ResourceRow>;
  revision(revision: number): RevisionRow | undefined;
  revisionsBelow(before: number, limit: number): RevisionRow[];
  changesOf(revision: number): { kind: string; name: string; change: ChangeWord }[];
  countChangesOf(revision: number): number;
  /** The resources that changed after `revision`. */
  changedSince(revision: number): { kind: string; name: string }[];
  /** A resource as it was at `revision`. */
  resourceAt(key: { readonly kind: string; readonly name: string }, revision: number): ResourceRow;
}

/** Prepares the statements on the reading connection. They throw SQLite's errors as they are. */
export function createFinder(reader: DatabaseSync): Finder {
  const one = (sql: string): StatementSync => reader.prepare(sql);
  const newest = one(`SELECT ${REVISION} FROM revisions ORDER BY revision DESC LIMIT 1`);
  const countRevisions = one("SELECT count(*) AS n FROM revisions");
  const current = one(
    `SELECT r.kind, r.name, c.hash, c.body FROM resources r
     LEFT JOIN changes c ON c.kind = r.kind AND c.name = r.name AND c.revision = r.revision ORDER BY r.kind, r.name`,
  );
  const revision = one(`SELECT ${REVISION} FROM revisions WHERE revision = ?`);
  const below = one(`SELECT ${REVISION} FROM revisions WHERE revision < ? ORDER BY revision DESC LIMIT ?`);
  const changesOf = one("SELECT kind, name, change FROM changes WHERE revision = ? ORDER BY kind, name");
  const countChangesOf = one("SELECT count(*) AS n FROM changes WHERE revision = ?");
  const changedSince = one("SELECT DISTINCT kind, name FROM changes WHERE revision > ?");
  const resourceAt = one(
    "SELECT hash, body FROM changes WHERE kind = ? AND name = ? AND revision <= ? ORDER BY revision DESC LIMIT 1",
  );
  const count = (row: unknown): number => (row as { n: number }).n;
  return {
    newest: () => newest.get() as RevisionRow | undefined,
    countRevisions: () => count(countRevisions.get()),
    current: () => current.iterate() as Iterable<ResourceRow>,
    revision: (number) => revision.get(number) as RevisionRow | undefined,
    revisionsBelow: (before, limit) => below.all(before, limit) as unknown as RevisionRow[],
    changesOf: (number) => changesOf.all(number) as { kind: string; name: string; change: ChangeWord }[],
    countChangesOf: (number) => count(countChangesOf.get(number)),
    changedSince: (number) => changedSince.all(number) as { kind: string; name: string }[],
    resourceAt({ kind, name }, number) {
      const row = resourceAt.get(kind, name, number) as Pick<ResourceRow, "hash" | "body"> | undefined;
      return { kind, name, hash: row?.hash ?? null, body: row?.body ?? null };
    },
  };
}
