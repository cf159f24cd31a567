/**
 * Child process of kill.test.ts: writes, applies and restores as fast as it can and prints a line for each that was acknowledged
 * (`revision write name port`, `revision apply port`, `revision restore older`) or refused (`refused CODE`).
 */
import { writeSync } from "node:fs";
import { diffSnapshots } from "../model/index.ts";
import { openStore, StoreError } from "./index.ts";
import { APPLIED, cluster, commitOf, portOf, put } from "./storeHarness.ts";
import type { WriteResult } from "./types.ts";

/** Writers side by side, so that groups of several form. */
const WRITERS = 8;
/** Names per writer: some writes create, most update. */
const NAMES = 5;
/** A restore goes back so far. */
const BACK = 12;
const REST_MS = 15;

const store = openStore({ dir: process.argv[2] as string, now: () => new Date() });
writeSync(1, `open ${store.head().revision}\n`);

/** Does it again and again; a disk that is full is waited for, anything else ends the process. */
async function forEver(restMs: number, once: (count: number) => Promise<string | null>): Promise<never> {
  for (let count = 0; ; count++) {
    try {
      const line = await once(count);
      if (line !== null) writeSync(1, `${line}\n`);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      writeSync(1, `refused ${error.code}\n`);
      await rest(REST_MS);
    }
    if (restMs > 0) await rest(restMs);
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const told = ({ committed, revision }: WriteResult<unknown>, what: string): string | null =>
  committed ? `${revision} ${what}` : null;

const write = (writer: number) =>
  forEver(0, async (count) => {
    const name = `c${writer}-${count % NAMES}`;
    // Another port than the stored one: a write that changes nothing is acknowledged with the revision before it.
    const port = 1 + ((portOf(store.head().snapshot, name) ?? 0) % 65_000);
    return told(await store.write(put(cluster(name, port))), `write ${name} ${port}`);
  });

const apply = () =>
  forEver(REST_MS, async () => {
    const port = 1 + ((portOf(store.head().snapshot, APPLIED[0] as string) ?? 0) % 65_000);
    return told(await store.write(put(...APPLIED.map((name) => cluster(name, port)))), `apply ${port}`);
  });

const restore = () =>
  forEver(2 * REST_MS, async () => {
    const older = store.head().revision - BACK;
    const snapshot = await store.snapshotAt(older);
    if (snapshot === null) return null;
    const prepare = (head: ReturnType<typeof store.head>) =>
      commitOf(head, diffSnapshots(head.snapshot, snapshot), null);
    return told(await store.write({ author: "test", message: "", prepare }), `restore ${older}`);
  });

await Promise.all([...Array.from({ length: WRITERS }, (_, writer) => write(writer)), apply(), restore()]);
