import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createLatest } from "./latest.ts";

const GAP_MS = 60;

function create(log: string[]) {
  return createLatest<string, string>({
    gapMs: GAP_MS,
    skipped: (input) => `skipped ${input}`,
    work: async (input) => {
      log.push(`begin ${input}`);
      await sleep(20);
      log.push(`end ${input}`);
      if (input === "bad") {
        throw new Error("bad");
      }
      return `done ${input}`;
    },
  });
}

test("one at a time, the newest of those that wait, with a pause between", async () => {
  const log: string[] = [];
  const queue = create(log);
  const results = Promise.all(["a", "b", "c"].map(queue.push));
  expect(await results).toEqual(["done a", "skipped b", "done c"]);
  expect(log).toEqual(["begin a", "end a", "begin c", "end c"]);
  const before = performance.now();
  await queue.push("d");
  expect(performance.now() - before).toBeGreaterThanOrEqual(GAP_MS);
});

test("no pause follows work that needs none, and it does not shorten one that is due", async () => {
  const work = async (input: string): Promise<string> => input;
  const endless = createLatest({ gapMs: 3_600_000, needsGap: () => false, work, skipped: (input) => input });
  await endless.push("a");
  expect(await endless.push("b")).toBe("b");

  let last = "";
  const queue = createLatest({
    gapMs: GAP_MS,
    needsGap: () => last === "a",
    work: async (input: string) => {
      last = input;
      return input;
    },
    skipped: (input) => input,
  });
  const before = performance.now();
  await queue.push("a");
  await queue.push("b");
  expect(performance.now() - before).toBeGreaterThanOrEqual(GAP_MS);
});

test("a failure reaches its caller only, and the queue goes on", async () => {
  const queue = create([]);
  const bad = queue.push("bad");
  const good = queue.push("good");
  await expect(bad).rejects.toThrow("bad");
  expect(await good).toBe("done good");
});

test("closing skips what waits and lets running work end", async () => {
  const log: string[] = [];
  const queue = create(log);
  const running = queue.push("a");
  const waiting = queue.push("b");
  await queue.close();
  expect(log).toEqual(["begin a", "end a"]);
  expect(await Promise.all([running, waiting, queue.push("c")])).toEqual(["done a", "skipped b", "skipped c"]);
  await sleep(GAP_MS * 2);
  expect(log).toHaveLength(2);
});
