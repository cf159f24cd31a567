/** Bounds on time that hold on a machine whose cores other tests use as well. */

/** CPU milliseconds that this process spends on the work. */
export function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** How much longer a real proxy may take in the midst of the suite. */
const CROWDED = 5;

/** What a wait for another program may take. With TRIMTAB_ALONE set, on a quiet machine, it is what was promised. */
export function within(milliseconds: number): number {
  return process.env.TRIMTAB_ALONE === undefined ? CROWDED * milliseconds : milliseconds;
}
