/** How long to wait before the control plane is asked again. */

export interface PauseOptions {
  /** Between two polls when all is well. */
  readonly intervalMs: number;
  /** After the first failure; doubles with each further one. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** A second is no load, and half a minute is soon enough to come back after hours: a control plane that starts is not met by a crowd. */
export const DEFAULT_BACKOFF = { firstMs: 1_000, maxMs: 30_000 } as const;

/** Of the interval: agents that were started together drift apart. */
const JITTER = 0.2;
/** Any `maxMs` is reached long before. */
const MAX_DOUBLINGS = 30;

export interface Pauses {
  /** Milliseconds until the next try, after one that went well or not. */
  after(isWell: boolean): number;
}

/** After a failure half of the pause is fixed and half is drawn. */
export function createPauses({ intervalMs, firstMs, maxMs, random }: PauseOptions): Pauses {
  let failures = 0;
  return {
    after(isWell) {
      if (isWell) {
        failures = 0;
        return intervalMs * (1 + JITTER * (random() - 0.5));
      }
      const longest = Math.min(maxMs, firstMs * 2 ** failures);
      failures = Math.min(failures + 1, MAX_DOUBLINGS);
      return (longest / 2) * (1 + random());
    },
  };
}
