/** A side that runs: started, and waited for until it gives the right answer. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Probe, requestOf } from "./cases.ts";
import { askOnce } from "./http.ts";
import { type Command, type Running, start } from "./processes.ts";
import type { Side } from "./sides.ts";

/** Ten thousand servers of nginx under callgrind take about two minutes to be read. */
const READY_TIMEOUT_MS = 600_000;
/** What a load time is read to. */
const POLL_MS = 5;
/** Under a tool nobody reads the time, and each try costs a while. */
const POLL_UNDER_TOOL_MS = 200;

export interface Serving extends Running {
  readonly side: Side;
  /** From the start of the process to its first right answer. */
  readonly readyMs: number;
}

/** Starts a side, under a tool if one is given; it serves when `probe` gets its status. */
export async function serve(side: Side, probe: Probe, tool?: (command: Command) => Command): Promise<Serving> {
  const command = side.proxy.command(side.folder);
  const begin = performance.now();
  const running = start(tool?.(command) ?? command);
  try {
    await firstAnswer({ side, probe, running, pollMs: tool === undefined ? POLL_MS : POLL_UNDER_TOOL_MS });
  } catch (error) {
    await running.stop();
    throw error;
  }
  return { ...running, side, readyMs: performance.now() - begin };
}

async function firstAnswer(wait: {
  readonly side: Side;
  readonly probe: Probe;
  readonly running: Running;
  readonly pollMs: number;
}): Promise<void> {
  const { side, probe, running, pollMs } = wait;
  const request = requestOf(probe);
  let last = "nothing";
  const begin = performance.now();
  while (performance.now() - begin < READY_TIMEOUT_MS) {
    const ended = running.ended();
    if (ended !== null) throw new Error(`${side.proxy.name}, ${side.name}: ${ended}`);
    const status = await askOnce(side, request).then(
      (answer) => answer.status,
      () => null,
    );
    if (status === probe.status) return;
    if (status !== null) last = String(status);
    await sleep(pollMs);
  }
  throw new Error(`${side.proxy.name}, ${side.name} does not serve ${probe.name}: ${last} came`);
}

/** Starts several sides at once. */
export async function serveAll(
  sides: readonly Side[],
  probeOf: (side: Side) => Probe,
  tool?: (command: Command) => Command,
): Promise<readonly Serving[]> {
  const started = await Promise.allSettled(sides.map((side) => serve(side, probeOf(side), tool)));
  const serving = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = started.find((result) => result.status === "rejected");
  if (failed === undefined) return serving;
  await stopAll(serving);
  throw failed.reason;
}

/** Stops them. */
export async function stopAll(serving: readonly Running[]): Promise<void> {
  await Promise.all(serving.map((one) => one.stop()));
}
