/** Goes on trying what could not be applied: a port gets free, a disk gets room, and nobody asks again. */
import type { AgentFiles, ApplyResult } from "./types.ts";

/** Milliseconds. */
export interface RetryPauses {
  /** After a failure; doubled after each further one, up to the longest. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** Between two looks at sockets that were taken. */
  readonly waitingMs: number;
}

export interface Retry {
  /** The result of the first try. A failed or partial one is tried again until it works or other files are wanted. */
  apply(files: AgentFiles): Promise<ApplyResult>;
  /** What was asked for last is tried once more, after a pause. */
  lookAgain(): void;
  /** Nothing is tried afterwards. */
  close(): void;
}

/** `once` tries once. Its rejections are errors of the program and not tried again. */
export function createRetry(once: (files: AgentFiles) => Promise<ApplyResult>, pauses: RetryPauses): Retry {
  let wanted: AgentFiles | null = null;
  let timer: NodeJS.Timeout | undefined;

  /** `pauseMs`: how long to wait should it fail. */
  async function attempt(files: AgentFiles, pauseMs: number): Promise<ApplyResult> {
    const result = await once(files);
    if (wanted === files && result.outcome === "failed") {
      schedule(files, pauseMs, Math.min(pauses.maxMs, pauseMs * 2));
    } else if (wanted === files && result.outcome === "partial") {
      schedule(files, pauses.waitingMs, pauses.firstMs);
    }
    return result;
  }

  function schedule(files: AgentFiles, inMs: number, pauseMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => void attempt(files, pauseMs).catch(() => undefined), inMs);
  }

  return {
    apply: (files) => {
      clearTimeout(timer);
      // An object of its own: the same files asked for twice must not be retried twice.
      wanted = { ...files };
      return attempt(wanted, pauses.firstMs);
    },
    lookAgain: () => {
      if (wanted !== null) {
        schedule(wanted, pauses.waitingMs, pauses.firstMs);
      }
    },
    close: () => {
      clearTimeout(timer);
      wanted = null;
    },
  };
}
