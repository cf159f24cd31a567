/** Work on the newest of what it is given: one after the other, and what a newer one has overtaken is left out. */

export interface Newest<T> {
  /** Works on it: at once, then nothing is returned when that is done in this turn; or when what is under way has ended. */
  give(item: T): void | Promise<void>;
  /** Whether something is under way. */
  isBusy(): boolean;
  /** Resolves when all that was given by now is worked on, or left out. */
  caughtUp(): Promise<void>;
}

/** `work` must not throw or reject. */
export function createNewest<T>(work: (item: T) => void | Promise<void>): Newest<T> {
  let running: Promise<void> | null = null;
  /** The newest of those that came since, and who waits for it. */
  let next: { readonly item: T; readonly done: PromiseWithResolvers<void> } | null = null;

  const goOn = async (): Promise<void> => {
    await running;
    while (next !== null) {
      const { item, done } = next;
      next = null;
      running = Promise.resolve(work(item));
      await running;
      done.resolve();
    }
    running = null;
  };

  return {
    give(item) {
      if (running !== null) {
        const done = next?.done ?? Promise.withResolvers<void>();
        next = { item, done };
        return done.promise;
      }
      const working = work(item);
      if (working === undefined) return;
      running = working;
      void goOn();
      return working;
    },
    isBusy: () => running !== null,
    async caughtUp() {
      await (next?.done.promise ?? running);
    },
  };
}
