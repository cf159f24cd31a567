import { expect, test } from "vitest";
import { createNewest } from "./newest.ts";

/** Work that ends when the test says so. */
function slow(): { work: (item: number) => Promise<void>; begun: number[]; end: () => Promise<void> } {
  const begun: number[] = [];
  let ending = Promise.withResolvers<void>();
  return {
    begun,
    work(item) {
      begun.push(item);
      ending = Promise.withResolvers<void>();
      return ending.promise;
    },
    async end() {
      ending.resolve();
      for (let turn = 0; turn < 3; turn++) await new Promise((resume) => setImmediate(resume));
    },
  };
}

test("what can be done at once is done at once, each of them", () => {
  const worked: number[] = [];
  const newest = createNewest<number>((item) => void worked.push(item));
  expect([newest.give(1), newest.give(2), newest.isBusy()]).toEqual([undefined, undefined, false]);
  expect(worked).toEqual([1, 2]);
});

test("of those that come meanwhile only the newest is worked on, and all of them wait for it", async () => {
  const { work, begun, end } = slow();
  const newest = createNewest(work);
  const ended: number[] = [];
  for (const item of [1, 2, 3]) newest.give(item)?.then(() => ended.push(item));
  expect(begun).toEqual([1]);
  await end();
  expect([begun, ended, newest.isBusy()]).toEqual([[1, 3], [1], true]);
  await end();
  expect([begun, ended.sort(), newest.isBusy()]).toEqual([[1, 3], [1, 2, 3], false]);
  newest.give(4);
  expect(begun).toEqual([1, 3, 4]);
});

test("to catch up is to wait for what was given by then, not for what comes later", async () => {
  const { work, begun, end } = slow();
  const newest = createNewest(work);
  await newest.caughtUp();
  newest.give(1);
  newest.give(2);
  let isThere = false;
  const caughtUp = newest.caughtUp().then(() => {
    isThere = true;
  });
  await end();
  expect([begun, isThere]).toEqual([[1, 2], false]);
  newest.give(3);
  await end();
  await caughtUp;
  expect([begun, isThere, newest.isBusy()]).toEqual([[1, 2, 3], true, true]);
});
