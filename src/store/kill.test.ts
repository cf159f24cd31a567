import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openStore } from "./index.ts";
import { portOf } from "./storeHarness.ts";

const KILLS = 10;

/** How long a child may write before it is killed: another moment each round. */
const writingMs = (round: number): number => 40 + ((round * 37) % 110);

/** Runs the writer, kills it while it writes; its acknowledgements as `[revision, name, port]`. */
async function writeAndKill(dir: string, round: number): Promise<[number, string, number][]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "killChild.ts"), dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  let doomed = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    // From the first acknowledgement on, however slow the machine is: the first line only says "open".
    if (doomed || output.split("\n").length < 3) return;
    doomed = true;
    setTimeout(() => child.kill("SIGKILL"), writingMs(round));
  });
  const signal = await new Promise((resolve) => child.on("close", (_code, by) => resolve(by)));
  expect(signal).toBe("SIGKILL");
  // The last line may be cut by the kill; then it was not acknowledged.
  return output
    .split("\n")
    .slice(1, -1)
    .map((line) => line.split(" "))
    .map(([revision, name, port]) => [Number(revision), name as string, Number(port)]);
}

test(`after each of ${KILLS} kill -9 every acknowledged revision is there`, { timeout: 120_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), "trimtab-kill-"));
  let total = 0;
  try {
    for (let round = 0; round < KILLS; round++) {
      const acknowledged = await writeAndKill(dir, round);
      expect(acknowledged.length).toBeGreaterThan(0);
      total += acknowledged.length;
      const store = openStore({ dir, now: () => new Date() });
      const last = acknowledged.reduce((most, [revision]) => Math.max(most, revision), 0);
      expect(store.head().revision).toBeGreaterThanOrEqual(last);
      for (const [revision, name] of acknowledged) {
        expect(store.revision(revision)?.changes.map((change) => change.name)).toEqual([name]);
      }
      // Folding costs more: a sample, spread over what was acknowledged.
      for (let index = 0; index < acknowledged.length; index += Math.ceil(acknowledged.length / 20)) {
        const [revision, name, port] = acknowledged[index] as [number, string, number];
        expect(portOf(await store.snapshotAt(revision), name)).toBe(port);
      }
      await store.close();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  console.log(`${total} acknowledged writes, ${KILLS} kills, none lost`);
});
