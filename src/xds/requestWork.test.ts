/** How long a request is acted on at a time. */
import { expect, it } from "vitest";
import type { Steps } from "../util/steps.ts";
import { SLICE_MS } from "./limits.ts";
import { createRequestWork } from "./requestWork.ts";
import { systemClock } from "./transport.ts";

/** Work of one stream, whose steps take a part of a slice each. */
function setUp() {
  let now = 0;
  const seen = { steps: 0, done: 0, isOver: false, errors: [] as unknown[] };
  const clock = { ...systemClock, monotonic: () => now };
  const work = createRequestWork(clock, {
    isOver: () => seen.isOver,
    fail: (error) => void seen.errors.push(error),
  });
  function* steps(count: number, error?: Error): Steps<void> {
    for (let step = 0; step < count; step++) {
      now += SLICE_MS / 2;
      seen.steps += 1;
      yield;
    }
    if (error !== undefined) throw error;
  }
  const request = (count: number, error?: Error) => ({
    steps: steps(count, error),
    onDone: () => {
      seen.done += 1;
    },
  });
  return { seen, work, request };
}

it("does a request for a slice of time at a time", () => {
  const { seen, work, request } = setUp();
  expect(work.begin(request(5))).toBe(true);
  expect(seen).toMatchObject({ steps: 2, done: 0 });
  expect(work.proceed()).toBe(true);
  expect(work.proceed()).toBe(false);
  expect(seen).toMatchObject({ steps: 5, done: 1, errors: [] });
  expect(work.begin(request(1))).toBe(false);
  expect(seen.done).toBe(2);
});

it("leaves off when the stream has ended, and when a step fails", () => {
  const { seen, work, request } = setUp();
  const error = new Error("a defect");
  expect(work.begin(request(1, error))).toBe(false);
  expect(seen).toMatchObject({ done: 1, errors: [error] });
  work.begin(request(5));
  seen.isOver = true;
  expect(work.proceed()).toBe(false);
  expect(seen).toMatchObject({ steps: 3, done: 2 });
});
