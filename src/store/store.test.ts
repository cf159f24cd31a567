import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { emptySnapshot } from "../model/index.ts";
import type { Pace } from "../util/slices.ts";
import { openStore, StoreError } from "./index.ts";
import { GROUP_BUDGET_MS, MAX_GROUP_CHANGES, MAX_PAGE_CHANGES, MAX_QUEUED_WRITES } from "./limits.ts";
import { cluster, commitOf, portOf, put, removal } from "./storeHarness.ts";
import type { Head, Store } from "./types.ts";

/** Time passes when a test says so: a machine that is busy ends no group. */
const still = { now: () => clock, turn: () => new Promise<void>((resume) => setImmediate(resume)) };
let clock: number;

let dir: string;
let open: Store[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "trimtab-store-"));
  open = [];
  clock = 0;
});

afterEach(async () => {
  for (const store of open) await store.close();
  rmSync(dir, { recursive: true, force: true });
});

function start(pace?: Pace): Store {
  const store = openStore({ dir, now: () => new Date("2026-01-02T03:04:05Z"), pace });
  open.push(store);
  return store;
}

async function restart(store: Store): Promise<Store> {
  await store.close();
  return start();
}

/** Runs SQL on the closed database, as a fault would. */
function damage(sql: string): void {
  const database = new DatabaseSync(join(dir, "trimtab.db"));
  database.exec(sql);
  database.close();
}

/** Runs as a user whom file modes bind. Root is bound by none, so root leaves its rights for the while. */
function asNobody(folder: string, run: () => void): void {
  if (process.geteuid?.() !== 0) {
    run();
    return;
  }
  chmodSync(folder, 0o777);
  for (const file of readdirSync(folder).filter((name) => name !== "trimtab.db")) chmodSync(join(folder, file), 0o666);
  process.seteuid?.(65534);
  try {
    run();
  } finally {
    process.seteuid?.(0);
  }
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof StoreError ? `${error.code}: ${error.message}` : String(error);
  }
  return "no error";
}

describe("revisions", () => {
  test("an empty directory is revision 0 and the empty model", async () => {
    const store = start();
    expect(store.head()).toEqual({ revision: 0, snapshot: emptySnapshot });
    expect(await store.snapshotAt(0)).toBe(emptySnapshot);
    expect(await store.snapshotAt(1)).toBeNull();
    expect(await store.snapshotAt(-1)).toBeNull();
    expect(store.revision(0)).toBeNull();
    expect(store.revisions({ limit: 10 })).toEqual([]);
  });

  test("a write is the next revision, with author, time, message and the words for its changes", async () => {
    const store = start();
    await store.write(put(cluster("a"), cluster("b")));
    const request = { ...put(cluster("a", 81), removal("b"), cluster("c")), author: "ann", message: "why" };
    expect(await store.write(request)).toEqual({ committed: true, revision: 2, result: null });
    expect(store.revision(2)).toEqual({
      revision: 2,
      time: "2026-01-02T03:04:05.000Z",
      author: "ann",
      message: "why",
      changes: [
        { kind: "cluster", name: "a", change: "updated" },
        { kind: "cluster", name: "b", change: "deleted" },
        { kind: "cluster", name: "c", change: "created" },
      ],
    });
  });

  test("what was written is there after a restart, with equal hashes", async () => {
    const first = start();
    await first.write(put(cluster("a"), cluster("b")));
    await first.write(put(cluster("a", 81), removal("b")));
    const before = first.head();
    const after = (await restart(first)).head();
    expect(after.revision).toBe(2);
    expect([...after.snapshot.cluster.values()].map(({ name, hash }) => [name, hash])).toEqual(
      [...before.snapshot.cluster.values()].map(({ name, hash }) => [name, hash]),
    );
    expect(Object.isFrozen(after.snapshot.cluster.get("a")?.body.endpoints[0])).toBe(true);
  });

  test("no changes, equal content and removal of nothing make no revision", async () => {
    const store = start();
    await store.write(put(cluster("a")));
    const unchanged = { committed: false, revision: 1, result: null };
    expect(await store.write(put())).toEqual(unchanged);
    expect(await store.write(put(cluster("a")))).toEqual(unchanged);
    expect(await store.write(put(removal("x")))).toEqual(unchanged);
    expect(store.head().revision).toBe(1);
  });

  test("older models come back, and unchanged resources are the same objects", async () => {
    let store = start();
    await store.write(put(cluster("a", 1), cluster("keep")));
    await store.write(put(cluster("a", 2), cluster("b")));
    await store.write(put(removal("a")));
    await store.write(put(cluster("a", 4)));
    const check = async (): Promise<void> => {
      const models = await Promise.all([0, 1, 2, 3, 4].map((revision) => store.snapshotAt(revision)));
      expect(models.map((model) => portOf(model, "a"))).toEqual([undefined, 1, 2, undefined, 4]);
      expect(models.slice(1, 4).map((model) => model?.cluster.size)).toEqual([2, 3, 2]);
      expect(models[1]?.cluster.get("keep")).toBe(store.head().snapshot.cluster.get("keep"));
      expect(models[1]?.route).toBe(store.head().snapshot.route);
      expect(models[4]).toBe(store.head().snapshot);
    };
    await check();
    store = await restart(store);
    await check();
  });

  test("pages of revisions are newest first and join without gap or overlap", async () => {
    const store = start();
    for (let port = 1; port <= 7; port++) await store.write(put(cluster("a", port)));
    const numbers = (page: { before?: number; limit: number }): number[] =>
      store.revisions(page).map((info) => info.revision);
    expect(numbers({ limit: 3 })).toEqual([7, 6, 5]);
    expect(numbers({ before: 5, limit: 3 })).toEqual([4, 3, 2]);
    expect(numbers({ before: 2, limit: 3 })).toEqual([1]);
    expect(numbers({ before: 1, limit: 3 })).toEqual([]);
  });

  test("a page ends early at very long lists of changes, and always has one revision", async () => {
    const store = start();
    const many = Array.from({ length: MAX_PAGE_CHANGES + 1 }, (_, index) => cluster(`c${index}`));
    await store.write(put(...many));
    await store.write(put(cluster("x")));
    expect(store.revisions({ limit: 10 }).map((info) => info.revision)).toEqual([2]);
    expect(store.revisions({ before: 2, limit: 10 })[0]?.changes.length).toBe(MAX_PAGE_CHANGES + 1);
  });
});

describe("writes", () => {
  test("writes that wait together are prepared in order, each on the one before, and committed as one group", async () => {
    const store = start(still);
    const heads: Head[] = [];
    store.onCommit((head) => void heads.push(head));
    const seen: number[] = [];
    const writes = [1, 2, 3].map((port) =>
      store.write({
        author: "a",
        message: "",
        prepare(head) {
          seen.push(head.revision, portOf(head.snapshot, "a") ?? 0);
          return commitOf(head, [cluster("a", port)], port);
        },
      }),
    );
    expect((await Promise.all(writes)).map(({ revision, result }) => [revision, result])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(seen).toEqual([0, 0, 1, 1, 2, 2]);
    expect(heads.map((head) => head.revision)).toEqual([3]);
    expect(heads[0]).toBe(store.head());
  });

  test("a group that has used up its time is committed, and what still waits is the next one", async () => {
    const store = start(still);
    const revisions: number[] = [];
    store.onCommit((head) => void revisions.push(head.revision));
    const taking = (port: number, ms: number) =>
      store.write({
        author: "a",
        message: "",
        prepare(head) {
          clock += ms;
          return commitOf(head, [cluster("a", port)], null);
        },
      });
    await Promise.all([taking(1, GROUP_BUDGET_MS), taking(2, 1), taking(3, GROUP_BUDGET_MS), taking(4, 0)]);
    expect(revisions).toEqual([2, 4]);
  });

  test("of two writes that expect the same revision one is declined, and says so", async () => {
    const store = start();
    const write = (port: number): Promise<{ committed: boolean; revision: number; result: string }> =>
      store.write<string>({
        author: "a",
        message: "",
        prepare: (head) =>
          head.revision === 0 ? commitOf(head, [cluster("a", port)], "ok") : { kind: "decline", result: "conflict" },
      });
    expect(await Promise.all([write(1), write(2)])).toEqual([
      { committed: true, revision: 1, result: "ok" },
      { committed: false, revision: 1, result: "conflict" },
    ]);
    expect(portOf(store.head().snapshot, "a")).toBe(1);
  });

  test("a prepare that takes its time keeps its turn: no other runs meanwhile, and readers see the state before", async () => {
    const store = start();
    await store.write(put(cluster("a", 1)));
    const before = store.head();
    const events: string[] = [];
    const resting = Promise.withResolvers<void>();
    const slow = store.write({
      author: "a",
      message: "",
      async prepare(head) {
        events.push(`slow begins on ${head.revision}`);
        await resting.promise;
        events.push("slow ends");
        return commitOf(head, [cluster("a", 2)], null);
      },
    });
    const next = store.write<string>({
      author: "a",
      message: "",
      prepare(head) {
        events.push(`next on ${head.revision}`);
        return head === before ? commitOf(head, [cluster("a", 3)], "") : { kind: "decline", result: "conflict" };
      },
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resume) => setImmediate(resume));
    expect(events).toEqual(["slow begins on 1"]);
    expect(store.head()).toBe(before);
    resting.resolve();
    expect(await slow).toMatchObject({ committed: true, revision: 2 });
    expect(await next).toEqual({ committed: false, revision: 2, result: "conflict" });
    expect(events).toEqual(["slow begins on 1", "slow ends", "next on 2"]);
    expect(portOf(store.head().snapshot, "a")).toBe(2);
  });

  test("close waits for a prepare that takes its time, and for models that are being read", async () => {
    // Every look at the clock finds the slice used up.
    let clock = 0;
    const turn = (): Promise<void> => new Promise((resume) => setImmediate(resume));
    const store = openStore({ dir, now: () => new Date(), pace: { now: () => (clock += 1000), turn } });
    await store.write(put(...Array.from({ length: 50 }, (_, index) => cluster(`c${index}`))));
    await store.write(put(cluster("c0", 81), ...Array.from({ length: 49 }, (_, index) => removal(`c${index + 1}`))));
    const resting = Promise.withResolvers<void>();
    const slow = store.write({
      author: "a",
      message: "",
      async prepare(head) {
        await resting.promise;
        return commitOf(head, [cluster("late")], null);
      },
    });
    const read = store.snapshotAt(1);
    let closed = false;
    const closing = store.close().then(() => {
      closed = true;
    });
    for (let count = 0; count < 200; count++) await turn();
    expect(closed).toBe(false);
    expect((await read)?.cluster.size).toBe(50);
    resting.resolve();
    expect(await slow).toMatchObject({ committed: true, revision: 3 });
    await closing;
    expect(start().head().snapshot.cluster.has("late")).toBe(true);
  });

  test("a model that is being read when the store closes is read to its end", async () => {
    let clock = 0;
    const turn = (): Promise<void> => new Promise((resume) => setImmediate(resume));
    const store = openStore({ dir, now: () => new Date(), pace: { now: () => (clock += 1000), turn } });
    await store.write(put(...Array.from({ length: 50 }, (_, index) => cluster(`c${index}`))));
    await store.write(put(...Array.from({ length: 50 }, (_, index) => removal(`c${index}`))));
    const read = store.snapshotAt(1);
    await store.close();
    expect((await read)?.cluster.size).toBe(50);
  });

  test("writers are answered when the listeners are done; the next writers do not wait for that", async () => {
    const store = start();
    const events: string[] = [];
    const handedOn = Promise.withResolvers<void>();
    store.onCommit(async (head) => {
      events.push(`told ${head.revision}`);
      if (head.revision === 1) await handedOn.promise;
    });
    const first = store.write(put(cluster("a", 1))).then(() => events.push("first answered"));
    while (events.length === 0) await new Promise((resume) => setImmediate(resume));
    const second = store.write(put(cluster("a", 2))).then(() => events.push("second answered"));
    for (let turn = 0; turn < 20; turn++) await new Promise((resume) => setImmediate(resume));
    await second;
    expect(events).toEqual(["told 1", "told 2", "second answered"]);
    expect(store.head().revision).toBe(2);
    let isClosed = false;
    const closing = store.close().then(() => {
      isClosed = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resume) => setImmediate(resume));
    expect(isClosed).toBe(false);
    handedOn.resolve();
    await first;
    await closing;
    expect(events).toEqual(["told 1", "told 2", "second answered", "first answered"]);
  });

  test("a prepare that throws fails alone", async () => {
    const store = start();
    const bad = store.write({
      author: "a",
      message: "",
      prepare() {
        throw new Error("defect");
      },
    });
    const good = store.write(put(cluster("a")));
    await expect(bad).rejects.toThrow("defect");
    expect((await good).revision).toBe(1);
  });

  test("a snapshot that is not the head with the changes is refused", async () => {
    const store = start();
    const { snapshot } = store.head();
    const lying = {
      author: "a",
      message: "",
      prepare: () => ({ kind: "commit" as const, changes: [cluster("a")], snapshot, result: null }),
    };
    await expect(store.write(lying)).rejects.toThrow("does not hold the change");
    const more = {
      ...lying,
      prepare: (head: Head) => ({ ...commitOf(head, [cluster("a"), cluster("b")], null), changes: [cluster("a")] }),
    };
    await expect(store.write(more)).rejects.toThrow("other resources of kind cluster");
    expect(store.head().revision).toBe(0);
  });

  test("a full queue refuses, and serves again when it has drained", async () => {
    const store = start();
    const writes = Array.from({ length: MAX_QUEUED_WRITES }, (_, port) => store.write(put(cluster("a", port + 1))));
    await expect(store.write(put(cluster("b")))).rejects.toMatchObject({ code: "STORE-QUEUE-FULL" });
    expect((await Promise.all(writes)).at(-1)?.revision).toBe(MAX_QUEUED_WRITES);
    expect((await store.write(put(cluster("b")))).committed).toBe(true);
  });

  test("a very large write leaves the event loop turns, and others see all of it or nothing", async () => {
    const store = start();
    await store.write(put(cluster("seed")));
    const many = Array.from({ length: 20 * MAX_GROUP_CHANGES }, (_, index) => cluster(`c${index}`));
    let turns = 0;
    let done = false;
    const watch = (): void => {
      turns++;
      if (!store.head().snapshot.cluster.has("c0")) expect(store.revision(2)).toBeNull();
      if (!done) setImmediate(watch);
    };
    setImmediate(watch);
    const large = store.write(put(...many));
    const next = store.write(put(cluster("after")));
    await large;
    done = true;
    expect(turns).toBeGreaterThan(20);
    expect(store.head().snapshot.cluster.size).toBe(many.length + 1);
    expect((await next).revision).toBe(3);
  });

  test("close answers what waits, then refuses", async () => {
    const store = start();
    const write = store.write(put(cluster("a")));
    const closed = store.close();
    await expect(store.write(put(cluster("b")))).rejects.toMatchObject({ code: "STORE-CLOSED" });
    expect((await write).committed).toBe(true);
    await closed;
    expect(start().head().revision).toBe(1);
  });

  test("onCommit's undo stops the calls", async () => {
    const store = start();
    let calls = 0;
    const undo = store.onCommit(() => void calls++);
    await store.write(put(cluster("a")));
    undo();
    await store.write(put(cluster("b")));
    expect(calls).toBe(1);
  });
});

describe("faults", () => {
  test("a transaction that fails rejects its whole group and leaves the head; the next one succeeds", async () => {
    await start().close();
    damage(`CREATE TRIGGER fault BEFORE INSERT ON changes WHEN NEW.name = 'poison'
            BEGIN SELECT RAISE(ABORT, 'injected disk fault'); END`);
    const store = start();
    await store.write(put(cluster("a")));
    const before = store.head();
    const group = await Promise.allSettled([
      store.write(put(cluster("b"))),
      store.write(put(cluster("poison"))),
      store.write({ author: "a", message: "", prepare: () => ({ kind: "decline", result: "seen b" }) }),
    ]);
    expect(group.map((entry) => entry.status === "rejected" && (entry.reason as StoreError).code)).toEqual(
      Array(3).fill("STORE-WRITE-FAILED"),
    );
    expect(store.head()).toBe(before);
    expect(store.writeFailures()).toBe(3);
    expect((await store.write(put(cluster("b")))).revision).toBe(2);
    expect(store.writeFailures()).toBe(3);
    expect((await restart(store)).head().revision).toBe(2);
  });

  test("a disk that takes no more bytes fails the write, not the store", () => {
    // SQLite meets a real EFBIG here: the kernel refuses to let files grow (ulimit -f), which Node turns from a signal into an error.
    const script = `
      import { openStore } from "./src/store/index.ts";
      import { cluster, put } from "./src/store/storeHarness.ts";
      const store = openStore({ dir: process.argv[1], now: () => new Date() });
      let revision = 0;
      try { for (;;) revision = (await store.write(put(cluster("c" + revision)))).revision; }
      catch (error) { console.log(JSON.stringify([error.code, revision, store.head().revision])); }`;
    const command = 'ulimit -f 512; exec "$0" --input-type=module-typescript -e "$1" "$2"';
    const child = spawnSync("sh", ["-c", command, process.execPath, script, dir], {
      encoding: "utf8",
      cwd: join(import.meta.dirname, "../.."),
    });
    const [code, acknowledged, head] = JSON.parse(child.stdout) as [string, number, number];
    expect([code, head]).toEqual(["STORE-WRITE-FAILED", acknowledged]);
    expect(acknowledged).toBeGreaterThan(3);
    expect(start().head().revision).toBe(acknowledged);
  });

  test("a second process is refused with a clear message, and gets the directory after the first is gone", async () => {
    const store = start();
    expect(codeOf(() => start())).toMatch(/STORE-LOCKED: the data directory .* is in use by another Trimtab process/);
    const script = `import { openStore } from "./src/store/index.ts";
      try { openStore({ dir: process.argv[1], now: () => new Date() }); console.log("open"); } catch (error) { console.log(error.code); }`;
    const other = (): string =>
      execFileSync(process.execPath, ["--input-type=module-typescript", "-e", script, dir], {
        encoding: "utf8",
        cwd: join(import.meta.dirname, "../.."),
      }).trim();
    expect(other()).toBe("STORE-LOCKED");
    await store.close();
    expect(other()).toBe("open");
  });

  test.each([
    [
      "a changed body",
      "UPDATE changes SET body = replace(body, '10.0.0.1', '10.0.0.2') WHERE name = 'a'",
      /cluster a is not what was written/,
    ],
    ["a body that is no JSON", "UPDATE changes SET body = '{' WHERE name = 'a'", /cluster a cannot be read/],
    ["a lost change", "DELETE FROM changes WHERE name = 'a'", /a revision without changes: 1$/],
    [
      "a lost resource",
      "DELETE FROM resources WHERE name = 'a'",
      /resources are missing: revision 2 has 2, but 1 are stored/,
    ],
    ["a lost revision", "PRAGMA foreign_keys = OFF; DELETE FROM revisions WHERE revision = 1", /revisions are missing/],
    [
      "a kind of no program",
      "UPDATE changes SET kind = 'x' WHERE name = 'a'; UPDATE resources SET kind = 'x' WHERE name = 'a'",
      /kind .* x a is unknown/,
    ],
  ])("%s is an error at opening", async (_name, sql, message) => {
    const store = start();
    await store.write(put(cluster("a")));
    await store.write(put(cluster("b")));
    await store.close();
    damage(sql);
    const code = codeOf(() => start());
    expect(code).toMatch(/^STORE-CORRUPT: .*trimtab\.db: /);
    expect(code).toMatch(message);
    // Refusing released the lock: the same message again, not STORE-LOCKED.
    expect(codeOf(() => start())).toBe(code);
  });

  test("a directory that cannot be had is an error at opening, which names the file", async () => {
    expect(codeOf(() => openStore({ dir: "/proc/trimtab", now: () => new Date() }))).toBe(
      "STORE-UNWRITABLE: cannot keep data in /proc/trimtab: no folder can be made in /proc",
    );
    writeFileSync(join(dir, "lock"), "noise ".repeat(1000));
    expect(codeOf(() => start())).toBe(`STORE-FOREIGN: ${dir}/lock was not written by Trimtab: file is not a database`);
    for (const [file, reason] of [
      ["lock", "lock is not a plain file"],
      ["trimtab.db", "trimtab.db: this is a directory, not a database"],
    ] as const) {
      rmSync(join(dir, "lock"));
      mkdirSync(join(dir, file));
      expect(codeOf(() => start())).toBe(`STORE-FOREIGN: ${dir}/${reason}`);
      rmSync(join(dir, file), { recursive: true });
      writeFileSync(join(dir, "lock"), "");
    }
  });

  test("a database that may only be read is an error at opening", async () => {
    await start().close();
    chmodSync(join(dir, "trimtab.db"), 0o444);
    asNobody(dir, () => {
      expect(codeOf(() => start())).toMatch(/^STORE-UNWRITABLE: .*trimtab\.db: attempt to write a readonly database$/);
    });
    chmodSync(join(dir, "trimtab.db"), 0o000);
    asNobody(dir, () => {
      expect(codeOf(() => start())).toMatch(/^STORE-UNWRITABLE: .*trimtab\.db: unable to open database file$/);
    });
    chmodSync(join(dir, "trimtab.db"), 0o644);
    start();
  });

  test("a file that is no database is an error at opening", async () => {
    const store = start();
    await store.write(put(cluster("a")));
    await store.close();
    execFileSync("dd", ["if=/dev/zero", `of=${join(dir, "trimtab.db")}`, "bs=64", "count=1", "conv=notrunc"], {
      stdio: "ignore",
    });
    expect(codeOf(() => start())).toMatch(/^STORE-CORRUPT: .*trimtab\.db: file is not a database/);
  });
});
