/** Who is served when. */
import { expect, it } from "vitest";
import { LIGHT_REQUEST_BYTES, SLICE_MS } from "./limits.ts";
import { createRequestQueue, type Waiting } from "./requestQueue.ts";

/** A queue whose time passes as requests say, and who was served in which turn of the event loop. */
function setUp() {
  let now = 0;
  let turn = 0;
  const served: string[] = [];
  const queue = createRequestQueue(() => now);
  const stream = (name: string, requests: { size: number; takes: number; count: number }): Waiting => {
    let left = requests.count;
    return {
      size: () => requests.size,
      serve() {
        left -= 1;
        now += requests.takes;
        served.push(`${turn}${name}`);
        return left > 0;
      },
    };
  };
  const turns = async (count: number): Promise<void> => {
    for (let step = 0; step < count; step++) {
      await new Promise((resolve) => setImmediate(resolve));
      turn += 1;
    }
  };
  const pass = (milliseconds: number): void => {
    now += milliseconds;
  };
  return { queue, stream, served, turns, pass };
}

it("serves streams in turn, for one slice of time between two looks at the network", async () => {
  const { queue, stream, served, turns } = setUp();
  queue.add(stream("a", { size: 10, takes: SLICE_MS / 2, count: 3 }));
  queue.add(stream("b", { size: 10, takes: SLICE_MS / 2, count: 2 }));
  await turns(4);
  expect(served).toEqual(["0a", "0b", "1a", "1b", "2a"]);
});

it("serves small requests before large ones, and a large one in each turn", async () => {
  const { queue, stream, served, turns } = setUp();
  const large = { size: LIGHT_REQUEST_BYTES + 1, takes: 30, count: 2 };
  queue.add(stream("X", large));
  queue.add(stream("Y", large));
  queue.add(stream("a", { size: 10, takes: SLICE_MS, count: 3 }));
  await turns(5);
  expect(served).toEqual(["0a", "0X", "1a", "1Y", "2a", "2X", "3Y"]);
});

it("leaves the next turn to what waits when this one was long already, and no more than that one", async () => {
  const { queue, stream, served, turns, pass } = setUp();
  queue.add(stream("a", { size: 10, takes: SLICE_MS, count: 3 }));
  for (let step = 0; step < 6; step++) {
    pass(SLICE_MS);
    await turns(1);
  }
  expect(served).toEqual(["1a", "3a", "5a"]);
});

it("finishes a large request that it has begun before the next", async () => {
  const { queue, served, turns } = setUp();
  const parts = (name: string, count: number): Waiting => {
    let left = count;
    return {
      size: () => (left < count ? Number.POSITIVE_INFINITY : LIGHT_REQUEST_BYTES + 1),
      serve() {
        left -= 1;
        served.push(name);
        return left > 0;
      },
    };
  };
  queue.add(parts("X", 3));
  queue.add(parts("Y", 2));
  await turns(5);
  expect(served).toEqual(["X", "X", "X", "Y", "Y"]);
});
