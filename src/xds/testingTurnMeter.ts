/** How long an event loop is held, as CPU time. Not as time by the clock: that is also how long other processes had the core. */

/** What it waits between two looks: nothing, as near as a timer can. */
const LOOK_MS = 1;

/** From now on; what it gives is the most of one turn since it was asked last, in milliseconds. */
export function meterTurns(): () => number {
  let longest = 0;
  let before = process.threadCpuUsage();
  setInterval(() => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    longest = Math.max(longest, (user + system) / 1_000);
  }, LOOK_MS);
  return () => {
    const told = longest;
    longest = 0;
    return told;
  };
}
