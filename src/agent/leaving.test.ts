import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type LeavingWatch, watchLeaving } from "./leaving.ts";
import type { Leaving } from "./types.ts";

const endpoint = (connections: number) => ({ endpoint: `10.0.0.1:${connections}`, connections });
const nothing: Leaving = { processes: 0, endpoints: [] };

let answer: Leaving | null | Error;
let asked: number;
let left: number;
let pid: number | null;
let watch: LeavingWatch;

beforeEach(() => {
  vi.useFakeTimers();
  [answer, asked, left, pid] = [nothing, 0, 0, 7];
  const leaving = async (): Promise<Leaving | null> => {
    asked++;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  watch = watchLeaving({ ask: leaving, pid: () => pid, idleMs: null, onLeft: () => left++ });
});
afterEach(() => {
  watch.close();
  vi.useRealTimers();
});

const seconds = (count: number): Promise<unknown> => vi.advanceTimersByTimeAsync(count * 1_000);

test("it is asked while something is left, and told once that nothing is", async () => {
  await seconds(5);
  expect(asked).toBe(0);
  watch.look();
  await seconds(5);
  expect([asked, left]).toEqual([1, 0]);
  answer = { processes: 2, endpoints: [] };
  watch.look();
  await seconds(3.5);
  expect([asked, left, watch.now()]).toEqual([5, 0, answer]);
  answer = nothing;
  await seconds(5);
  expect([asked, left, watch.now()]).toEqual([6, 1, nothing]);
});

test("no answer says nothing", async () => {
  answer = { processes: 0, endpoints: [endpoint(1)] };
  watch.look();
  await seconds(0.5);
  answer = null;
  await seconds(2);
  answer = new Error("no socket");
  await seconds(2);
  expect([left, watch.now().endpoints]).toEqual([0, [endpoint(1)]]);
  answer = nothing;
  await seconds(2);
  expect(left).toBe(1);
});

test("a process that is gone has nothing left, and that is no end of a drain", async () => {
  answer = { processes: 1, endpoints: [endpoint(1)] };
  watch.look();
  await seconds(0.5);
  watch.forget();
  await seconds(5);
  expect([asked, left, watch.now()]).toEqual([1, 0, nothing]);
  pid = null;
  watch.look();
  await seconds(5);
  expect(asked).toBe(1);
});

test("of many endpoints those with the most connections are told", async () => {
  answer = { processes: 0, endpoints: Array.from({ length: 300 }, (_, index) => endpoint(index + 1)) };
  watch.look();
  await seconds(0.5);
  const { endpoints } = watch.now();
  expect([endpoints.length, endpoints[0], endpoints.at(-1)]).toEqual([100, endpoint(300), endpoint(201)]);
});
