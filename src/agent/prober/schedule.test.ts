import { expect, test } from "vitest";
import { createSchedule } from "./schedule.ts";
import { testClock } from "./testSupport.ts";

const INTERVAL_MS = 1_000;

/** Items that run for `runMs`. */
function create(runMs: number, atOnce: number) {
  const clock = testClock();
  const begun: { readonly item: number; readonly at: number }[] = [];
  let [running, most] = [0, 0];
  const schedule = createSchedule<number>({
    clock,
    atOnce,
    intervalMs: () => INTERVAL_MS,
    run: async (item) => {
      begun.push({ item, at: clock.now() });
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => clock.after(runMs, resolve));
      running -= 1;
    },
  });
  return { clock, begun, schedule, most: () => most };
}

test("the first time at once, the second within an interval and not together, then each by its interval", async () => {
  const { clock, begun, schedule } = create(10, 1_000);
  for (let item = 0; item < 20; item++) schedule.add(item);
  await clock.advance(0);
  expect(begun.map(({ at }) => at)).toEqual(Array.from({ length: 20 }, () => 0));
  await clock.advance(INTERVAL_MS + 10);
  const second = begun.slice(20, 40).map(({ at }) => Math.round(at));
  expect(new Set(second).size).toBe(20);
  expect(Math.min(...second)).toBeGreaterThan(INTERVAL_MS / 2);
  await clock.advance(9 * INTERVAL_MS);
  const times = begun.filter(({ item }) => item === 7).map(({ at }) => at);
  expect(times.length).toBeGreaterThanOrEqual(10);
  for (const [index, at] of times.slice(2).entries()) expect(at - times[index + 1]!).toBeCloseTo(INTERVAL_MS, 5);
});

test("never more at once than there is room for; who waits is served in turn, one timer each", async () => {
  const { clock, begun, schedule, most } = create(100, 10);
  for (let item = 0; item < 500; item++) schedule.add(item);
  await clock.advance(20_000);
  expect(most()).toBe(10);
  const counts = new Map<number, number>();
  for (const { item } of begun) counts.set(item, (counts.get(item) ?? 0) + 1);
  // 10 at once of 100 ms each are 100 a second: 500 items need 5 s for a round.
  expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(3);
  expect(Math.max(...counts.values())).toBeLessThanOrEqual(5);
  expect(clock.pending()).toBeLessThanOrEqual(501);
});

test("thousands that are due together do not begin in one turn", async () => {
  const { clock, begun, schedule } = create(10, 10_000);
  for (let item = 0; item < 1_000; item++) schedule.add(item);
  expect(begun).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(0);
  expect(begun).toHaveLength(1_000);
  expect(clock.turns()).toBeGreaterThanOrEqual(30);
});

test("what was removed runs no more, and nothing is left when it is closed", async () => {
  const { clock, begun, schedule } = create(10, 10);
  schedule.add(1);
  schedule.add(2);
  await clock.advance(0);
  schedule.remove(1);
  await clock.advance(5 * INTERVAL_MS);
  expect(begun.filter(({ item }) => item === 1)).toHaveLength(1);
  schedule.close();
  const before = begun.length;
  await clock.advance(5 * INTERVAL_MS);
  expect(begun).toHaveLength(before);
  expect(clock.pending()).toBe(0);
  expect(schedule.running()).toBe(0);
});
