/** The database's schema as an ordered list of steps. A step that was released is never edited: changes are new steps. */
import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "./errors.ts";

/** "trim" in ASCII: tells our files from other SQLite databases. */
export const APPLICATION_ID = 0x7472696d;

/** `user_version` of a database is the number of steps that it has seen. */
export const migrations: readonly string[] = [
  // `resources` says which change of each resource is the present one, so that opening reads no history. The bodies stand in
  // `changes` alone. `revisions.resources` counts the resources after the revision: a lost row shows at opening.
  `CREATE TABLE revisions (
     revision INTEGER PRIMARY KEY CHECK (revision > 0),
     time TEXT NOT NULL,
     author TEXT NOT NULL,
     message TEXT NOT NULL,
     resources INTEGER NOT NULL CHECK (resources >= 0)
   ) STRICT;
   CREATE TABLE changes (
     revision INTEGER NOT NULL REFERENCES revisions (revision),
     kind TEXT NOT NULL,
     name TEXT NOT NULL,
     change TEXT NOT NULL CHECK (change IN ('created', 'updated', 'deleted')),
     hash TEXT,
     body TEXT,
     CHECK ((change = 'deleted') = (body IS NULL) AND (hash IS NULL) = (body IS NULL)),
     PRIMARY KEY (kind, name, revision)
   ) STRICT;
   CREATE INDEX changes_by_revision ON changes (revision);
   CREATE TABLE resources (
     kind TEXT NOT NULL,
     name TEXT NOT NULL,
     revision INTEGER NOT NULL,
     PRIMARY KEY (kind, name)
   ) STRICT, WITHOUT ROWID;`,
  // `digest` covers a revision's row and its changes (digest.ts); null: written before there were any. `identity` tells one
  // database from another: a log beside the wrong one is damage.
  `ALTER TABLE revisions ADD COLUMN digest TEXT;
   CREATE TABLE identity (id TEXT NOT NULL) STRICT;
   INSERT INTO identity VALUES (lower(hex(randomblob(16))));`,
  // Ciphertext of what documents name by reference, with a digest that is checked without the key. `vault` has one row: the key of
  // the fingerprints, sealed, by which a start knows whether it has the right key.
  `CREATE TABLE secrets (reference TEXT PRIMARY KEY, box BLOB NOT NULL, digest TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE vault (id INTEGER PRIMARY KEY CHECK (id = 1), head BLOB NOT NULL) STRICT;`,
];

/** The schema's number. Refuses (STORE-NEWER, STORE-FOREIGN) what a newer or another program wrote. */
export function versionOf(database: DatabaseSync, steps: readonly string[] = migrations): number {
  const version = pragma(database, "user_version");
  const owner = pragma(database, "application_id");
  const tables = database.prepare("SELECT count(*) AS n FROM sqlite_schema").get() as { n: number };
  if (owner !== APPLICATION_ID && (owner !== 0 || version !== 0 || tables.n > 0)) {
    throw new StoreError("STORE-FOREIGN", "the database was not written by Trimtab");
  }
  if (version > steps.length) {
    throw new StoreError(
      "STORE-NEWER",
      `the database has schema ${version}, this program knows up to ${steps.length}: a newer Trimtab wrote it`,
    );
  }
  return version;
}

/** Brings a database to the newest schema, each step in a transaction of its own. Refuses what `versionOf` does. */
export function migrate(database: DatabaseSync, steps: readonly string[] = migrations): void {
  for (let step = versionOf(database, steps); step < steps.length; step++) {
    database.exec("BEGIN IMMEDIATE");
    try {
      database.exec(steps[step] as string);
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${step + 1}`);
      database.exec("COMMIT");
    } catch (cause) {
      // SQLite ends it by itself after some failures.
      if (database.isTransaction) database.exec("ROLLBACK");
      throw cause;
    }
  }
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}
