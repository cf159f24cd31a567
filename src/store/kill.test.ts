/**
 * kill -9 amid writes, applies and restores, with a disk that is full now and then: what was acknowledged is there, and every model
 * is whole. `TRIMTAB_STORE_KILLS` sets how often. The long form, through the API: `npm run kills`.
 */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { diffSnapshots } from "../model/index.ts";
import { checkStore, openStore } from "./index.ts";
import { APPLIED, cluster, portOf, put } from "./storeHarness.ts";
import type { Store } from "./types.ts";

const KILLS = Number(process.env.TRIMTAB_STORE_KILLS ?? 10);
/** In each third round the disk is full for a while; in each sixth the server is killed, and starts again, while it is. */
const isFullRound = (round: number): boolean => round % 3 === 2;
const startsFull = (round: number): boolean => round % 6 === 5;

/** How long a child may write before it is killed: another moment each round. */
const writingMs = (round: number): number => 40 + ((round * 37) % 110);

/** A disk of its own, which root can have; else the size of files is limited (`ulimit -f`), which the store meets as an error. */
interface Disk {
  readonly dir: string;
  fill(): void;
  empty(): void;
  /** The words before the command of a child that is to meet a full disk. */
  limit(): readonly string[];
  remove(): void;
}

const DISK_BYTES = 96 * 1024 * 1024;

function makeDisk(): Disk {
  const root = mkdtempSync(join(tmpdir(), "trimtab-kill-"));
  const dir = join(root, "data");
  const ballast = join(root, "ballast");
  mkdirSync(dir);
  const isMounted = mounts(root);
  return {
    dir,
    fill() {
      if (!isMounted) return;
      const handle = openSync(ballast, "w");
      for (const size of [1024 * 1024, 4096, 1]) writeUntilFull(handle, Buffer.alloc(size));
      closeSync(handle);
    },
    empty: () => rmSync(ballast, { force: true }),
    limit: () => (isMounted ? [] : ["sh", "-c", `ulimit -f ${limitOf(dir)}; exec "$0" "$@"`]),
    remove() {
      if (isMounted) execFileSync("umount", [root]);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** In units of 512 bytes: not much more than the database has, so that the log comes to it. */
function limitOf(dir: string): number {
  return Math.ceil((statSync(join(dir, "trimtab.db"), { throwIfNoEntry: false })?.size ?? 0) / 512) + 64;
}

function mounts(folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", folder], { stdio: "ignore" });
    mkdirSync(join(folder, "data"), { recursive: true });
    return true;
  } catch {
    return false;
  }
}

function writeUntilFull(handle: number, bytes: Buffer): void {
  try {
    for (;;) writeSync(handle, bytes);
  } catch {
    // It is full.
  }
}

interface Line {
  readonly revision: number;
  readonly what: string;
  readonly words: readonly string[];
}

/** Runs the writer and kills it while it writes. */
async function writeAndKill(disk: Disk, round: number): Promise<{ lines: Line[]; refused: string[] }> {
  const limit = isFullRound(round) ? disk.limit() : [];
  const [command = "", ...args] = [...limit, process.execPath, join(import.meta.dirname, "killChild.ts"), disk.dir];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  let doomed = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    // From the first acknowledgement on, however slow the machine is: the first line only says "open".
    if (doomed || output.split("\n").length < 3) return;
    doomed = true;
    if (isFullRound(round)) disk.fill();
    if (isFullRound(round) && !startsFull(round)) setTimeout(() => disk.empty(), writingMs(round));
    setTimeout(() => child.kill("SIGKILL"), writingMs(round) * (isFullRound(round) && !startsFull(round) ? 2 : 1));
  });
  const signal = await new Promise((resolve) => child.on("close", (_code, by) => resolve(by)));
  expect(signal).toBe("SIGKILL");
  // The last line may be cut by the kill; then it was not acknowledged.
  const told = output.split("\n").slice(1, -1);
  const [refused, done] = [true, false].map((is) => told.filter((line) => line.startsWith("refused") === is));
  return {
    refused: (refused ?? []).map((line) => line.split(" ")[1] as string),
    lines: (done ?? []).map((line) => {
      const [revision, what = "", ...words] = line.split(" ");
      return { revision: Number(revision), what, words };
    }),
  };
}

/** What was acknowledged is what is stored. Folding models costs: a sample, spread over what was acknowledged. */
async function proveAll(store: Store, lines: readonly Line[]): Promise<void> {
  const sampled = lines.filter((_, index) => index % Math.ceil(lines.length / 20) === 0);
  for (const { revision, what, words } of lines) {
    const names = store.revision(revision)?.changes.map((change) => change.name) ?? [];
    if (what === "write") expect(names).toEqual([words[0]]);
    else expect(names.length).toBeGreaterThan(0);
  }
  for (const { revision, what, words } of sampled) {
    const model = await store.snapshotAt(revision);
    if (what === "write") expect(portOf(model, words[0] as string)).toBe(Number(words[1]));
    const ports = new Set(APPLIED.map((name) => portOf(model, name)));
    expect(ports.size).toBe(1);
    if (what === "apply") expect([...ports]).toEqual([Number(words[0])]);
    const older = what === "restore" ? await store.snapshotAt(Number(words[0])) : null;
    if (older !== null && model !== null) expect(diffSnapshots(older, model)).toEqual([]);
  }
  expect(new Set(APPLIED.map((name) => portOf(store.head().snapshot, name))).size).toBe(1);
}

test(`after each of ${KILLS} kill -9 every acknowledged revision is there, and whole`, {
  timeout: KILLS * 12_000,
}, async () => {
  const disk = makeDisk();
  const totals: Record<string, number> = {};
  const count = (what: string): void => {
    totals[what] = (totals[what] ?? 0) + 1;
  };
  try {
    for (let round = 0; round < KILLS; round++) {
      const { lines, refused } = await writeAndKill(disk, round);
      for (const { what } of lines) count(what);
      for (const code of refused) count(code);
      expect(["STORE-FULL", "STORE-WRITE-FAILED"]).toEqual(expect.arrayContaining([...new Set(refused)]));
      const store = openStore({ dir: disk.dir, now: () => new Date() });
      const last = lines.reduce((most, { revision }) => Math.max(most, revision), 0);
      expect(store.head().revision).toBeGreaterThanOrEqual(last);
      await proveAll(store, lines);
      disk.empty();
      expect((await store.write(put(cluster("after", round + 1)))).committed).toBe(true);
      expect(checkStore(disk.dir).damages).toEqual([]);
      await store.close();
    }
  } finally {
    disk.remove();
  }
  console.log(`${KILLS} kills, none lost, none torn: ${JSON.stringify(totals)}`);
  expect(totals.write).toBeGreaterThan(0);
  if (KILLS >= 6) expect((totals["STORE-FULL"] ?? 0) + (totals["STORE-WRITE-FAILED"] ?? 0)).toBeGreaterThan(0);
});
