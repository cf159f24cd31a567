/** The machine's clock. */
import { expect, it } from "vitest";
import { SLICE_MS } from "./limits.ts";
import { systemClock } from "./transport.ts";

/** Longer than a slice. */
function work(): void {
  for (const start = performance.now(); performance.now() - start <= SLICE_MS; );
}

it("lets others have their turn between timers that are due together", async () => {
  let turn = 0;
  let counting = true;
  const count = (): void => {
    turn += 1;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const turns: number[] = [];
  await new Promise<void>((resolve) => {
    for (let timer = 0; timer < 4; timer++) {
      systemClock.after(1, () => {
        work();
        turns.push(turn);
        if (turns.length === 4) resolve();
      });
    }
    // Not kept alive by these timers.
    setTimeout(() => {}, 1_000);
    // All are due when the event loop comes to look.
    work();
  });
  counting = false;
  expect(new Set(turns).size).toBe(4);
});

it("calls nothing back that was undone, also while it waits for its turn", async () => {
  const called: string[] = [];
  await new Promise<void>((resolve) => {
    let undo = (): void => {};
    systemClock.after(1, () => {
      called.push("first");
      undo();
      work();
    });
    undo = systemClock.after(1, () => void called.push("undone"));
    systemClock.after(1, () => {
      called.push("last");
      resolve();
    });
    setTimeout(() => {}, 1_000);
    work();
  });
  expect(called).toEqual(["first", "last"]);
});
