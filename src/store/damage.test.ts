/** Kinds of damage to a data directory: each is refused at the start, for a reason and without a change, or nothing is lost. */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openStore, StoreError } from "./index.ts";
import { cluster, portOf, put, removal } from "./storeHarness.ts";
import type { Store } from "./types.ts";

const REVISIONS = 60;

let root: string;
/** As a clean end and as `kill -9` leave a directory; and another database after a kill, of as many revisions. */
let closed: string;
let killed: string;
let foreign: string;
/** The one at hand: a copy. */
let dir: string;

const clock = { now: () => new Date("2026-01-02T03:04:05Z") };
const file = (name: string): string => join(dir, name);

/** 300 resources at once, so that tables and indices have several pages, and then one after another. */
async function fill(store: Store, port: number): Promise<void> {
  await store.write(put(...Array.from({ length: 300 }, (_, index) => cluster(`c${index}`, port))));
  for (let count = 2; count < REVISIONS; count++) await store.write(put(cluster(`c${count % 300}`, port + count)));
  await store.write(put(removal("c299")));
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "trimtab-damage-"));
  [closed, killed, foreign] = ["closed", "killed", "foreign"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const [copy, port] of [
    [killed, 100],
    [foreign, 1000],
  ] as const) {
    const made = join(root, "made");
    const store = openStore({ dir: made, ...clock });
    await fill(store, port);
    // What lies on the disk now is what a kill leaves.
    cpSync(made, copy, { recursive: true });
    await store.close();
    if (copy === killed) renameSync(made, closed);
    else rmSync(made, { recursive: true });
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
beforeEach(() => {
  dir = join(root, `d${count++}`);
});

/** What the start says; the revision when it starts with everything that was acknowledged. */
async function startOf(): Promise<string> {
  try {
    const store = openStore({ dir, ...clock });
    const { revision, snapshot } = store.head();
    const whole =
      revision === REVISIONS &&
      snapshot.cluster.size === 299 &&
      portOf(snapshot, "c7") === 107 &&
      portOf(await store.snapshotAt(1), "c7") === 100 &&
      store.revisions({ limit: REVISIONS + 1 }).length === REVISIONS;
    await store.close();
    return whole ? "whole" : `started with revision ${revision}`;
  } catch (error) {
    return error instanceof StoreError ? `${error.code}: ${error.message}` : `not a StoreError: ${error}`;
  }
}

function sql(text: string, name = "trimtab.db"): void {
  const database = new DatabaseSync(file(name));
  // Node 22 has no such guard.
  database.enableDefensive?.(false);
  database.exec("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON");
  database.exec(text);
  database.close();
}

function overwrite(name: string, at: number, bytes: Buffer): void {
  const handle = openSync(file(name), "r+");
  writeSync(handle, bytes, 0, bytes.length, at);
}

const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => (index * 167 + 13) % 251));

/** Of every page that an index or table has. */
function pageOf(name: string): number {
  const database = new DatabaseSync(file("trimtab.db"), { readOnly: true });
  const { rootpage } = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(name) as {
    rootpage: number;
  };
  database.close();
  return rootpage;
}

const PAGE = 4096;

const AFTER_A_CLEAN_END: readonly (readonly [string, () => void, RegExp])[] = [
  ["nothing", () => {}, /^whole$/],
  ["a zero-length file", () => truncateSync(file("trimtab.db")), /^STORE-CORRUPT: .*the file is empty/],
  [
    "no file",
    () => rmSync(file("trimtab.db")),
    /^STORE-CORRUPT: .*the database is gone, but trimtab.db-wal, trimtab.db-shm, acknowledged are still there/,
  ],
  [
    "a database without tables",
    () => {
      rmSync(file("trimtab.db"));
      sql("PRAGMA user_version = 0; VACUUM");
    },
    /^STORE-CORRUPT: .*(no tables|the file is empty)/,
  ],
  [
    "half the file",
    () => truncateSync(file("trimtab.db"), (statSync(file("trimtab.db")).size / 2 / PAGE) * PAGE),
    /^STORE-CORRUPT/,
  ],
  ["a page less", () => truncateSync(file("trimtab.db"), statSync(file("trimtab.db")).size - PAGE), /^STORE-CORRUPT/],
  [
    "some bytes less",
    () => truncateSync(file("trimtab.db"), statSync(file("trimtab.db")).size - 100),
    /^STORE-CORRUPT/,
  ],
  [
    "a page overwritten in the middle",
    () => overwrite("trimtab.db", (pageOf("changes") + 3) * PAGE, noise(PAGE)),
    /^STORE-CORRUPT/,
  ],
  ["the header overwritten", () => overwrite("trimtab.db", 0, noise(100)), /^STORE-CORRUPT: .*file is not a database/],
  ["the page size of the header", () => overwrite("trimtab.db", 16, Buffer.from([0, 3])), /^STORE-CORRUPT/],
  [
    "an index overwritten",
    () => overwrite("trimtab.db", (pageOf("changes_by_revision") - 1) * PAGE + 100, noise(200)),
    /^STORE-CORRUPT/,
  ],
  [
    "an index that lacks rows",
    () => {
      sql(`PRAGMA writable_schema = ON; CREATE TABLE keep AS SELECT * FROM sqlite_schema WHERE name = 'changes_by_revision';
         DELETE FROM sqlite_schema WHERE name = 'changes_by_revision'`);
      sql(
        `DELETE FROM changes WHERE revision = 7; PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM keep`,
      );
    },
    /^STORE-CORRUPT/,
  ],
  [
    "an index dropped",
    () => sql("DROP INDEX changes_by_revision"),
    /^STORE-CORRUPT: .*the index changes_by_revision is missing/,
  ],
  ["a table dropped", () => sql("DROP TABLE resources"), /^STORE-CORRUPT: .*the table resources is missing/],
  [
    "a bit of a body",
    () => {
      const at = readFileSync(file("trimtab.db")).indexOf('"port":107}');
      overwrite("trimtab.db", at + 9, Buffer.from("8"));
    },
    /^STORE-CORRUPT: .*is not what was written/,
  ],
  [
    "the head's number",
    () => sql("UPDATE revisions SET revision = 61 WHERE revision = 60"),
    /^STORE-CORRUPT: .*revisions are missing/,
  ],
  ["the head's count", () => sql("UPDATE revisions SET resources = 4 WHERE revision = 60"), /^STORE-CORRUPT/],
  [
    "the head's author",
    () => sql("UPDATE revisions SET author = 'x' WHERE revision = 60"),
    /^STORE-CORRUPT: .*revision 60 is not what was written/,
  ],
  [
    "a revision's digest",
    () => sql("UPDATE revisions SET digest = 'x' WHERE revision = 30"),
    /^STORE-CORRUPT: .*revision 30 is not what was written/,
  ],
  [
    "the newest revision deleted",
    () =>
      sql(
        "DELETE FROM revisions WHERE revision = 60; DELETE FROM changes WHERE revision = 60; INSERT INTO resources VALUES ('cluster', 'c299', 1)",
      ),
    /^STORE-CORRUPT: .*revision 60 was acknowledged, but the newest that is stored is 59/,
  ],
  ["an old change deleted", () => sql("DELETE FROM changes WHERE revision = 1 AND name = 'c7'"), /^STORE-CORRUPT/],
  [
    "an old change deleted with all its marks",
    () =>
      sql(
        "DELETE FROM changes WHERE revision = 1 AND name = 'c200'; DELETE FROM resources WHERE name = 'c200'; UPDATE revisions SET resources = resources - 1",
      ),
    /^STORE-CORRUPT: .*revision \d+ is not what was written/,
  ],
  [
    "all rows deleted",
    () => sql("DELETE FROM changes; DELETE FROM revisions; DELETE FROM resources"),
    /^STORE-CORRUPT: .*revision 60 was acknowledged/,
  ],
  [
    "a resource that points to an older change",
    () => sql("UPDATE resources SET revision = 1 WHERE name = 'c7'"),
    /^STORE-CORRUPT: .*cluster c7/,
  ],
  ["a resource too many", () => sql("INSERT INTO resources VALUES ('cluster', 'x', 1)"), /^STORE-CORRUPT: .*cluster x/],
  [
    "a snapshot altered, with its hash",
    () => sql(`UPDATE changes SET body = replace(body, '10.0.0.1', '10.0.0.2') WHERE name = 'c9'`),
    /^STORE-CORRUPT: .*cluster c9/,
  ],
  ["a schema of the future", () => sql("PRAGMA user_version = 99"), /^STORE-NEWER: .*schema 99/],
  ["a schema of the past", () => sql("PRAGMA user_version = 1"), /^STORE-CORRUPT/],
  ["no schema version", () => sql("PRAGMA user_version = 0"), /^STORE-CORRUPT: .*no tables/],
  ["another program's database", () => sql("PRAGMA application_id = 7"), /^STORE-FOREIGN: .*not written by Trimtab/],
  [
    "a directory in its place",
    () => {
      rmSync(file("trimtab.db"));
      mkdirSync(file("trimtab.db"));
    },
    /^STORE-FOREIGN: .*a directory, not a database/,
  ],
  [
    "a pipe in its place",
    () => {
      rmSync(file("trimtab.db"));
      execFileSync("mkfifo", [file("trimtab.db")]);
    },
    /^STORE-FOREIGN: .*no plain file, not a database/,
  ],
  [
    "a link to nothing",
    () => {
      rmSync(file("trimtab.db"));
      symlinkSync("nowhere", file("trimtab.db"));
    },
    /^STORE-CORRUPT: .*the database is gone/,
  ],
  [
    "a text in its place",
    () => writeFileSync(file("trimtab.db"), "fleets: []\n".repeat(1000)),
    /^STORE-CORRUPT: .*not a database/,
  ],
  [
    "another database in its place",
    () => copyFileSync(join(foreign, "trimtab.db"), file("trimtab.db")),
    /^STORE-CORRUPT/,
  ],
  [
    "the log of another database",
    () => copyFileSync(join(foreign, "trimtab.db-wal"), file("trimtab.db-wal")),
    /^STORE-CORRUPT: .*is not what was written/,
  ],
  ["a log that is noise", () => writeFileSync(file("trimtab.db-wal"), noise(9000)), /^whole$/],
  [
    "a note that is noise",
    () => writeFileSync(file("acknowledged"), noise(128)),
    /^STORE-CORRUPT: .*acknowledged does not say/,
  ],
  ["no note", () => rmSync(file("acknowledged")), /^whole$/],
  ["a note of zeros", () => writeFileSync(file("acknowledged"), Buffer.alloc(128)), /^whole$/],
  ["a lock that is noise", () => writeFileSync(file("lock"), noise(5000)), /^STORE-FOREIGN/],
];

const AFTER_A_KILL: readonly (readonly [string, () => void, RegExp])[] = [
  ["nothing", () => {}, /^whole$/],
  [
    "the log cut off",
    () => truncateSync(file("trimtab.db-wal"), statSync(file("trimtab.db-wal")).size - 10_000),
    /^STORE-CORRUPT: .*revision 60 was acknowledged/,
  ],
  ["the log cut to its header", () => truncateSync(file("trimtab.db-wal"), 32), /^STORE-CORRUPT/],
  ["the log emptied", () => truncateSync(file("trimtab.db-wal")), /^STORE-CORRUPT/],
  ["the log overwritten in the middle", () => overwrite("trimtab.db-wal", 200_000, noise(100)), /^STORE-CORRUPT/],
  ["the log gone", () => rmSync(file("trimtab.db-wal")), /^STORE-CORRUPT/],
  [
    "the log gone and its index with it",
    () => {
      rmSync(file("trimtab.db-wal"));
      rmSync(file("trimtab.db-shm"));
    },
    /^STORE-CORRUPT/,
  ],
  [
    "the log of another database",
    () => copyFileSync(join(foreign, "trimtab.db-wal"), file("trimtab.db-wal")),
    /^STORE-CORRUPT: .*is not what was written/,
  ],
  [
    "the database gone",
    () => rmSync(file("trimtab.db")),
    /^STORE-CORRUPT: .*the database is gone, but trimtab\.db-wal, trimtab\.db-shm, acknowledged are still there/,
  ],
  ["the index of the log is noise", () => writeFileSync(file("trimtab.db-shm"), noise(32_768)), /^whole$/],
  ["the index of the log is noise behind its header", () => overwrite("trimtab.db-shm", 136, noise(20_000)), /^whole$/],
  ["the index of the log gone", () => rmSync(file("trimtab.db-shm")), /^whole$/],
  ["the index of the log emptied", () => truncateSync(file("trimtab.db-shm")), /^whole$/],
  ["a page more at the end of the log", () => appendFileSync(file("trimtab.db-wal"), noise(4120)), /^whole$/],
];

/** Names and contents, but for what whoever opens the database makes anew: the index of the log, and a log with nothing in it. */
function contents(): Record<string, string> {
  const names = readdirSync(dir).filter(
    (name) => !name.endsWith("-shm") && statSync(file(name), { throwIfNoEntry: false })?.isFile(),
  );
  const texts = names.map((name) => [name, readFileSync(file(name), "latin1")] as const);
  return Object.fromEntries(texts.filter(([name, text]) => !name.endsWith("-wal") || text !== ""));
}

describe.each([
  ["a clean end", () => closed, AFTER_A_CLEAN_END],
  ["a kill", () => killed, AFTER_A_KILL],
] as const)("after %s", (_, from, kinds) => {
  test.each(kinds)("%s", async (_name, damage, expected) => {
    cpSync(from(), dir, { recursive: true });
    damage();
    const before = contents();
    const first = await startOf();
    expect(first).toMatch(expected);
    if (first === "whole") return;
    expect(contents()).toEqual(before);
    // Refused again, and for the same reason: the start released its lock and mended nothing by halves.
    expect(await startOf()).toBe(first);
  });
});

test("a first start that was cut off is begun again", async () => {
  mkdirSync(dir);
  for (const name of ["lock", "trimtab.db.new", "trimtab.db.new-journal"]) writeFileSync(file(name), "");
  expect(await startOf()).toBe("started with revision 0");
  expect(existsSync(file("trimtab.db.new"))).toBe(false);
});

test("a database of the first schema, without digests, is checked by the hashes of its contents, and goes on", async () => {
  cpSync(closed, dir, { recursive: true });
  rmSync(file("acknowledged"));
  sql(
    "ALTER TABLE revisions DROP COLUMN digest; DROP TABLE identity; DROP TABLE secrets; DROP TABLE vault; PRAGMA user_version = 1",
  );
  sql("UPDATE changes SET body = replace(body, '10.0.0.1', '10.0.0.2') WHERE name = 'c9' AND revision = 1");
  expect(await startOf()).toMatch(/^STORE-CORRUPT: .*cluster c9 is not what was written/);
  sql("UPDATE changes SET body = replace(body, '10.0.0.2', '10.0.0.1') WHERE name = 'c9' AND revision = 1");
  expect(await startOf()).toBe("whole");
  expect(await startOf()).toBe("whole");
});
