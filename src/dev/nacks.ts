/** Asks after an edit whether the Envoys took it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { DevControlPlane, DevNode } from "./types.ts";

/** Envoy answers within milliseconds; one that is silent for longer is told of by its own supervision. */
const ANSWER_MS = 5_000;
const POLL_MS = 50;

/** Waits until every connected Envoy has answered what it was sent; one line per refusal. */
export async function nackLines(plane: DevControlPlane, stop: AbortSignal): Promise<readonly string[]> {
  const deadline = performance.now() + ANSWER_MS;
  for (;;) {
    await sleep(POLL_MS);
    const nodes = plane.listFleets().flatMap(({ name }) => plane.proxies(name) ?? []);
    if (nodes.every(hasAnswered) || stop.aborted || performance.now() > deadline) {
      return nodes.flatMap(refusals);
    }
  }
}

function hasAnswered({ types }: DevNode): boolean {
  return types.every(({ sent, acked, nacked }) => sent === acked || sent === nacked?.version);
}

function refusals({ nodeId, types }: DevNode): readonly string[] {
  return types.flatMap(({ nacked }) => (nacked === null ? [] : [`${nodeId} refused the change: ${nacked.message}`]));
}
