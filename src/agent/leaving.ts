/** What is still under way of what gets nothing new any more: asked of the proxy until nothing is left. */
import type { Leaving } from "./types.ts";

/** Between two looks: who waits for an endpoint to be empty waits that much longer at most. */
const LOOK_MS = 1_000;
/** One look; a proxy that is alive answers in milliseconds, and an Envoy of 100 000 endpoints within this. */
const ASK_TIMEOUT_MS = 5_000;
/** Looking takes at most one part in so many of the time: what lists all of its endpoints works for it. */
const REST = 10;
/** Endpoints that are told of, those with the most connections. */
const MAX_ENDPOINTS = 100;

/** Nothing of before is left. */
const NOTHING: Leaving = { processes: 0, endpoints: [] };

/** Follows one proxy. */
export interface LeavingWatch {
  /** Something changed: looks now, and again while something is left. */
  look(): void;
  /** By the last look. */
  now(): Leaving;
  /** The process is gone, and all that it had. */
  forget(): void;
  close(): void;
}

/** What is followed. */
export interface Followed {
  /** What of before is left in the process of this pid; null: no answer. Ends within `timeoutMs`. */
  readonly ask: (pid: number, timeoutMs: number) => Promise<Leaving | null>;
  /** Null: it does not run. */
  readonly pid: () => number | null;
  /** So long after a look that found nothing is the next one; null: whoever changes something says so. */
  readonly idleMs: number | null;
  /** What was left is gone now. */
  readonly onLeft: () => void;
}

/** Asks nothing before the first `look`. */
export function watchLeaving({ ask, pid, idleMs, onLeft }: Followed): LeavingWatch {
  let known = NOTHING;
  let timer: NodeJS.Timeout | undefined;
  /** Answers to questions of before are of no use. */
  let round = 0;

  async function look(): Promise<void> {
    clearTimeout(timer);
    const own = ++round;
    const running = pid();
    const before = performance.now();
    const found = running === null ? NOTHING : await ask(running, ASK_TIMEOUT_MS).catch(() => null);
    const tookMs = performance.now() - before;
    if (own !== round) return;
    if (found !== null) note(found);
    // No answer says nothing: what is known may have ended meanwhile.
    const pauseMs = found === null || !isEmpty(found) ? LOOK_MS : idleMs;
    if (pauseMs !== null) timer = setTimeout(() => void look(), Math.max(pauseMs, tookMs * REST)).unref();
  }

  function note(found: Leaving): void {
    const wasEmpty = isEmpty(known);
    const endpoints = [...found.endpoints].sort((a, b) => b.connections - a.connections);
    known = { ...found, endpoints: endpoints.slice(0, MAX_ENDPOINTS) };
    if (!wasEmpty && isEmpty(known)) onLeft();
  }

  const stop = (): void => {
    clearTimeout(timer);
    round++;
  };
  return {
    look: () => void look(),
    now: () => known,
    forget: () => {
      stop();
      known = NOTHING;
    },
    close: stop,
  };
}

function isEmpty({ processes, endpoints }: Leaving): boolean {
  return processes === 0 && endpoints.length === 0;
}
