/** The memory of all bodies: first come first served, nobody waits for ever, and what is freed twice is freed once. */
import { expect, test } from "vitest";
import { createMemory } from "./memory.ts";

const patient = { signal: new AbortController().signal, patienceMs: 60_000 };

test("serves in the order of asking, as soon as there is room", async () => {
  const memory = createMemory(10);
  const first = await memory.take(6, patient);
  const order: string[] = [];
  const large = memory.take(8, patient);
  const small = memory.take(2, patient);
  void large.then(() => order.push("large"));
  void small.then(() => order.push("small"));
  first?.();
  first?.();
  await Promise.all([large, small]);
  expect(order).toEqual(["large", "small"]);
  (await large)?.();
  const rest = await memory.take(8, patient);
  expect(rest).toBeTypeOf("function");
});

test("who waits too long or has gone makes way", async () => {
  const memory = createMemory(10);
  const all = await memory.take(10, patient);
  const gone = new AbortController();
  const late = memory.take(9, { ...patient, patienceMs: 1 });
  const left = memory.take(9, { ...patient, signal: gone.signal });
  const last = memory.take(1, patient);
  gone.abort();
  expect(await Promise.all([late, left])).toEqual([null, null]);
  all?.();
  expect(await last).toBeTypeOf("function");
});
