/** Goes on trying what could not be applied: a port gets free, a disk gets room, and nobody asks again. */
import type { AgentFiles, ApplyResult } from "./types.ts";

/** Milliseconds: the first pause, doubled after each further failure up to the longest. */
export interface RetryPauses {
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface Retry {
  /** The result of the first try. A failed one is tried again until it works or other files are wanted. */
  apply(files: AgentFiles): Promise<ApplyResult>;
  /** Nothing is tried afterwards. */
  close(): void;
}

/** `once` tries once. Its rejections are errors of the program and not tried again. */
export function createRetry(once: (files: AgentFiles) => Promise<ApplyResult>, pauses: RetryPauses): Retry {
  let wanted: AgentFiles | null = null;
  let timer: NodeJS.Timeout | undefined;

  async function attempt(files: AgentFiles, pauseMs: number): Promise<ApplyResult> {
    const result = await once(files);
    if (result.outcome === "failed" && wanted === files) {
      const next = Math.min(pauses.maxMs, pauseMs * 2);
      timer = setTimeout(() => void attempt(files, next).catch(() => undefined), pauseMs);
    }
    return result;
  }

  return {
    apply: (files) => {
      clearTimeout(timer);
      // An object of its own: the same files asked for twice must not be retried twice.
      wanted = { ...files };
      return attempt(wanted, pauses.firstMs);
    },
    close: () => {
      clearTimeout(timer);
      wanted = null;
    },
  };
}
