/** How long the event loop was held: a metric of CPU time, because on a busy machine the time on the wall says more of others. */
import { Gauge, type Registry } from "prom-client";

/** How often it is looked whether timers run late. */
const LOOK_MS = 20;

/** Registers the metric; what it tells is forgotten when it was told. */
export function registerLongestTurn(registry: Registry): void {
  let longest = 0;
  let before = cpuMicroseconds();
  let due = performance.now() + LOOK_MS;
  setInterval(() => {
    const now = cpuMicroseconds();
    // A timer that is late stood behind one turn of the loop; the CPU that was spent by then is that turn's.
    if (performance.now() > due + LOOK_MS / 2) longest = Math.max(longest, now - before);
    before = now;
    due = performance.now() + LOOK_MS;
  }, LOOK_MS).unref();
  new Gauge({
    name: "trimtab_longest_turn_cpu_seconds",
    help: "CPU time of the longest turn of the event loop since the last scrape; 0: none was longer than a hundredth of a second.",
    registers: [registry],
    collect() {
      this.set(longest / 1e6);
      longest = 0;
    },
  });
}

/** Of this thread. */
function cpuMicroseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
