/** Checks, copies and compaction of a data directory, beside a server and without one. */
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { backupStore, checkStore, compactStore, openStore, StoreError } from "./index.ts";
import { cluster, portOf, put } from "./storeHarness.ts";
import type { Store } from "./types.ts";

let root: string;
let dir: string;
let stores: Store[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trimtab-maintain-"));
  dir = join(root, "data");
  stores = [];
});
afterEach(async () => {
  for (const store of stores) await store.close();
  rmSync(root, { recursive: true, force: true });
});

function start(folder = dir): Store {
  const store = openStore({ dir: folder, now: () => new Date("2026-01-02T03:04:05Z") });
  stores.push(store);
  return store;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof StoreError ? `${error.code}: ${error.message}` : String(error);
  }
  return "no error";
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe("check", () => {
  test("says nothing of what is whole, beside a server and after it", async () => {
    const store = start();
    for (let port = 1; port <= 20; port++) await store.write(put(cluster("a", port)));
    expect(checkStore(dir)).toMatchObject({ damages: [], exposed: [], revision: 20 });
    await store.write(put(cluster("a", 99)));
    await store.close();
    expect(checkStore(dir)).toMatchObject({ damages: [], revision: 21 });
  });

  test("says all that is wrong, not the first alone, and that there is nothing", async () => {
    expect(checkStore(dir).damages).toEqual([`${dir}/trimtab.db: there is no database in ${dir}`]);
    expect(existsSync(dir)).toBe(false);
    const store = start();
    for (const name of ["a", "b", "c"]) await store.write(put(cluster(name)));
    await store.close();
    const database = new DatabaseSync(join(dir, "trimtab.db"));
    database.exec(
      "UPDATE changes SET body = '{' WHERE name = 'a'; UPDATE revisions SET author = 'x' WHERE revision = 3",
    );
    database.close();
    expect(checkStore(dir)).toMatchObject({
      damages: ["revision 3 is not what was written", expect.stringMatching(/cluster a cannot be read/)],
      revision: 0,
    });
    chmodSync(join(dir, "trimtab.db"), 0o644);
    expect(checkStore(dir).exposed).toEqual([{ path: join(dir, "trimtab.db"), mode: "644" }]);
  });
});

describe("backup", () => {
  test("is one moment of a database that is written to, and can be served", async () => {
    const store = start();
    await store.write(put(cluster("a", 1)));
    let writing = true;
    const writer = (async () => {
      for (let port = 2; writing; port++) await store.write(put(cluster("a", port)));
    })();
    const made: number[] = [];
    for (let count = 0; count < 5; count++) {
      await new Promise((resume) => setTimeout(resume, 5));
      const target = join(root, `copy${count}.db`);
      made.push(backupStore(dir, target).revision);
      expect(modeOf(target)).toBe("600");
    }
    writing = false;
    await writer;
    for (const [count, revision] of made.entries()) {
      const folder = join(root, `restored${count}`);
      // As docs/operations.md says: an empty folder, and the copy under the database's name.
      mkdirSync(folder);
      writeFileSync(join(folder, "trimtab.db"), readFileSync(join(root, `copy${count}.db`)));
      const restored = start(folder);
      expect([restored.head().revision, portOf(restored.head().snapshot, "a")]).toEqual([revision, revision]);
      expect((await restored.write(put(cluster("b")))).revision).toBe(revision + 1);
    }
  });

  test("replaces nothing, copies no damage, and leaves nothing half done", async () => {
    const store = start();
    await store.write(put(cluster("a")));
    const target = join(root, "copy.db");
    writeFileSync(target, "mine");
    expect(codeOf(() => backupStore(dir, target))).toBe(
      `STORE-UNWRITABLE: ${target} is there already: a backup replaces nothing`,
    );
    expect(readFileSync(target, "utf8")).toBe("mine");
    expect(codeOf(() => backupStore(dir, join(root, "no/where.db")))).toMatch(/ENOENT/);
    expect(codeOf(() => backupStore(join(root, "none"), join(root, "x.db")))).toMatch(/^STORE-MISSING/);
    await store.close();
    const database = new DatabaseSync(join(dir, "trimtab.db"));
    database.exec("UPDATE changes SET hash = 'x'");
    database.close();
    expect(codeOf(() => backupStore(dir, join(root, "other.db")))).toMatch(/^STORE-CORRUPT/);
    expect(readdirSync(root).sort()).toEqual(["copy.db", "data"]);
  });
});

describe("compact", () => {
  test("keeps every revision, makes the file smaller, and waits for no server to end", async () => {
    const store = start();
    const many = (port: number) => put(...Array.from({ length: 200 }, (_, index) => cluster(`c${index}`, port)));
    for (let port = 1; port <= 5; port++) await store.write(many(port));
    expect(codeOf(() => compactStore(dir))).toMatch(/^STORE-LOCKED/);
    await store.close();
    const database = new DatabaseSync(join(dir, "trimtab.db"));
    database.exec("CREATE TABLE theirs AS SELECT * FROM changes; DROP TABLE theirs");
    database.close();
    const { before, after } = compactStore(dir);
    expect(after).toBeLessThan(before);
    expect(statSync(join(dir, "trimtab.db")).size).toBe(after);
    const again = start();
    expect(again.head().revision).toBe(5);
    expect(portOf(await again.snapshotAt(3), "c7")).toBe(3);
  });

  test("refuses what is damaged", async () => {
    const store = start();
    await store.write(put(cluster("a")));
    await store.close();
    const database = new DatabaseSync(join(dir, "trimtab.db"));
    database.exec("UPDATE changes SET hash = 'x'");
    database.close();
    expect(codeOf(() => compactStore(dir))).toMatch(/^STORE-CORRUPT/);
    expect(codeOf(() => compactStore(dir))).toMatch(/^STORE-CORRUPT/);
  });
});

describe("who may read", () => {
  const ALL = ["acknowledged", "lock", "trimtab.db", "trimtab.db-shm", "trimtab.db-wal"];

  test.each([0o000, 0o022, 0o077])("the owner alone, with the umask %o", async (umask) => {
    const before = process.umask(umask);
    try {
      const store = start();
      await store.write(put(cluster("a")));
    } finally {
      process.umask(before);
    }
    expect(modeOf(dir)).toBe("700");
    expect(readdirSync(dir).sort()).toEqual(ALL);
    for (const name of ALL) expect([name, modeOf(join(dir, name))]).toEqual([name, "600"]);
  });

  test("what an older Trimtab left open is closed; a folder with other things in it stays as it is, and is told", async () => {
    const first = start();
    await first.write(put(cluster("a")));
    const open = (): void => {
      chmodSync(dir, 0o755);
      for (const name of readdirSync(dir)) chmodSync(join(dir, name), 0o644);
    };
    open();
    await first.close();
    open();
    await start().close();
    expect([modeOf(dir), modeOf(join(dir, "trimtab.db")), modeOf(join(dir, "lock"))]).toEqual(["700", "600", "600"]);
    writeFileSync(join(dir, "theirs"), "");
    open();
    const exposed: unknown[] = [];
    const store = openStore({ dir, now: () => new Date(), onExposed: (one) => exposed.push(one) });
    stores.push(store);
    expect(exposed).toEqual([{ path: dir, mode: "755" }]);
    expect([modeOf(dir), modeOf(join(dir, "trimtab.db")), modeOf(join(dir, "theirs"))]).toEqual(["755", "600", "644"]);
  });
});

describe("another program's lock", () => {
  /** A connection that holds the write lock. */
  function hold(): { release(): void } {
    const database = new DatabaseSync(join(dir, "trimtab.db"));
    database.exec("BEGIN IMMEDIATE");
    return { release: () => database.close() };
  }

  test("for a moment is waited for; for longer is STORE-BUSY, changes nothing and is over when it ends", async () => {
    const store = start();
    await store.write(put(cluster("a", 1)));
    const short = hold();
    const waiting = store.write(put(cluster("a", 2)));
    await new Promise((resume) => setTimeout(resume, 100));
    expect(store.head().revision).toBe(1);
    short.release();
    expect((await waiting).revision).toBe(2);
    const long = hold();
    await expect(store.write(put(cluster("a", 3)))).rejects.toMatchObject({ code: "STORE-BUSY" });
    expect(store.head().revision).toBe(2);
    expect(store.revision(2)?.revision).toBe(2);
    long.release();
    expect((await store.write(put(cluster("a", 4)))).revision).toBe(3);
  });

  test("is waited for by the start", async () => {
    await start().close();
    const script = `import { DatabaseSync } from "node:sqlite";
      const database = new DatabaseSync(process.argv[1]);
      database.exec("BEGIN IMMEDIATE");
      console.log("held");
      setTimeout(() => database.close(), 500);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, join(dir, "trimtab.db")]);
    await new Promise((resume) => child.stdout.once("data", resume));
    expect((await start().write(put(cluster("a")))).revision).toBe(1);
  });

  test("that lasts is STORE-BUSY at the start too", async () => {
    await start().close();
    const long = hold();
    expect(codeOf(() => start())).toMatch(/^STORE-BUSY: .*locked/);
    long.release();
    start();
  });
});
