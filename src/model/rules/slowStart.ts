import { durationMs } from "../values.ts";
import { problem, type Rule, touchedOf } from "./rule.ts";

const SECOND_MS = 1_000;
/** Whoever wants it to take longer moves weights, as canaries do. */
const MAX_MS = 60 * 60 * SECOND_MS;
/** A share that grows would move keys all the time; and Envoy draws without regard to shares. */
const WITHOUT_SHARES: ReadonlySet<string> = new Set(["hash", "random"]);

/** Slow start has a policy with shares that can grow, and a window that every proxy can be told: HAProxy counts in seconds. */
export const slowStart: Rule = function* (_snapshot, touched) {
  for (const cluster of touchedOf(touched, "cluster")) {
    const { slowStart: own, balance } = cluster.body;
    if (own === undefined) continue;
    const at = (pointer: string, message: string) => problem("MODEL-SLOW-START", cluster, { pointer, message });
    const ms = durationMs(own.window);
    if (ms < SECOND_MS || ms > MAX_MS || ms % SECOND_MS !== 0)
      yield at("/slowStart/window", `${own.window} must be whole seconds, from 1s to 1h`);
    if (balance !== undefined && WITHOUT_SHARES.has(balance.policy))
      yield at("/slowStart", `has no meaning with policy ${balance.policy}: it has no shares that could grow`);
  }
};
