import { expect, test } from "vitest";
import { inSlices, type Pace, rest, systemPace } from "./slices.ts";
import { done, finish, type Steps } from "./steps.ts";

/** A clock that a step advances by what it is said to take. */
function fakePace(): Pace & { spend(ms: number): void; turns: number } {
  let clock = 0;
  return {
    turns: 0,
    now: () => clock,
    turn() {
      this.turns += 1;
      return new Promise((resume) => setImmediate(resume));
    },
    spend: (ms) => {
      clock += ms;
    },
  };
}

function* work(pace: ReturnType<typeof fakePace>, steps: readonly number[]): Steps<string> {
  for (const ms of steps) {
    pace.spend(ms);
    yield;
  }
  return "done";
}

test("work that fits into a slice is done at once, without a promise", () => {
  const pace = fakePace();
  expect(inSlices(work(pace, [1, 2, 3]), pace)).toBe("done");
  expect(inSlices(done(1), pace)).toBe(1);
  expect(finish(work(pace, [1000, 1000]))).toBe("done");
  expect(pace.turns).toBe(0);
});

test("longer work rests each time that a slice is used up, and no more often", async () => {
  const pace = fakePace();
  // 4 + 4 + 4, rest, 4 + 4 + 4, rest, 4
  const result = inSlices(work(pace, Array(7).fill(4)), pace);
  expect(result).toBeInstanceOf(Promise);
  expect(pace.turns).toBe(1);
  expect(await result).toBe("done");
  expect(pace.turns).toBe(2);
  await inSlices(work(pace, Array(50).fill(20)), pace);
  expect(pace.turns).toBe(2 + 50);
});

test("what the steps throw is thrown in the first slice, and rejects later", async () => {
  const pace = fakePace();
  function* failing(ms: number): Steps<void> {
    pace.spend(ms);
    yield;
    throw new Error("defect");
  }
  expect(() => inSlices(failing(1), pace)).toThrow("defect");
  await expect(inSlices(failing(50), pace)).rejects.toThrow("defect");
});

test("of several that wait for a turn, one goes on in each turn of the event loop", async () => {
  const order: string[] = [];
  let loops = 0;
  let watching = true;
  const watch = (): void => {
    loops += 1;
    if (watching) setImmediate(watch);
  };
  setImmediate(watch);
  await Promise.all(["a", "b", "c"].map((name) => systemPace.turn().then(() => order.push(`${name} ${loops}`))));
  watching = false;
  expect(order).toEqual(["a 1", "b 2", "c 3"]);
});

test("a rest lets timers and sockets go first", async () => {
  let fired = false;
  const late = performance.now() + 20;
  setTimeout(() => {
    fired = true;
  }, 1);
  while (performance.now() < late);
  await rest();
  expect(fired).toBe(true);
});
