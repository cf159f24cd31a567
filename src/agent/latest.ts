/** One piece of work at a time, a pause between two, and only the newest of those that wait. */

export interface Latest<Input, Output> {
  /** Resolves with the work's result, or with `skipped(input)` when a newer input took its place. */
  push(input: Input): Promise<Output>;
  /** The same where nothing waits; else nothing: what waits will do. */
  offer(input: Input): void;
  /** What waits is skipped, as is all that comes later. Resolves when running work is done. */
  close(): Promise<void>;
}

export interface LatestOptions<Input, Output> {
  readonly work: (input: Input) => Promise<Output>;
  readonly skipped: (input: Input) => Output;
  /** From the end of one piece of work to the beginning of the next. */
  readonly gapMs: number;
  /** False: there was nothing to do, and the next may begin at once. Default: always true. */
  readonly needsGap?: () => boolean;
}

interface Waiting<Input, Output> {
  readonly input: Input;
  readonly resolve: (output: Output) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts with nothing to do; the first push is worked on at once. An error of `work` rejects its own push, and the next goes on. */
export function createLatest<Input, Output>(options: LatestOptions<Input, Output>): Latest<Input, Output> {
  let waiting: Waiting<Input, Output> | null = null;
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let freeAt = 0;
  let closed = false;

  function next(): void {
    if (waiting === null || running !== null || timer !== null) {
      return;
    }
    const wait = freeAt - performance.now();
    if (wait > 0) {
      timer = setTimeout(() => {
        timer = null;
        next();
      }, wait);
      return;
    }
    const job = waiting;
    waiting = null;
    running = options
      .work(job.input)
      .then(job.resolve, job.reject)
      .finally(() => {
        running = null;
        freeAt = options.needsGap?.() === false ? freeAt : performance.now() + options.gapMs;
        next();
      });
  }

  function skipWaiting(): void {
    waiting?.resolve(options.skipped(waiting.input));
    waiting = null;
  }

  function push(input: Input): Promise<Output> {
    if (closed) {
      return Promise.resolve(options.skipped(input));
    }
    skipWaiting();
    return new Promise((resolve, reject) => {
      waiting = { input, resolve, reject };
      next();
    });
  }

  return {
    push,
    offer: (input) => {
      if (waiting === null) {
        void push(input).catch(() => undefined);
      }
    },
    close: async () => {
      closed = true;
      skipWaiting();
      if (timer !== null) {
        clearTimeout(timer);
      }
      await running;
    },
  };
}
