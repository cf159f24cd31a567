/** Child process of kill.test.ts: writes as fast as it can and prints `revision name port` for each acknowledged write. */
import { writeSync } from "node:fs";
import { openStore } from "./index.ts";
import { cluster, portOf, put } from "./storeHarness.ts";

/** Writers side by side, so that groups of several form. */
const WRITERS = 8;
/** Names per writer: some writes create, most update. */
const NAMES = 5;

const store = openStore({ dir: process.argv[2] as string, now: () => new Date() });
writeSync(1, `open ${store.head().revision}\n`);

async function writeForEver(writer: number): Promise<never> {
  for (let count = 0; ; count++) {
    const name = `c${writer}-${count % NAMES}`;
    // Another port than the stored one: a write that changes nothing is acknowledged with the revision before it.
    const port = 1 + ((portOf(store.head().snapshot, name) ?? 0) % 65_000);
    const { revision } = await store.write(put(cluster(name, port)));
    writeSync(1, `${revision} ${name} ${port}\n`);
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => writeForEver(writer)));
