/** A pause that can be cut short. */

export interface Nap {
  /** Resolves after so long, when it is woken, or when it is time to stop. */
  sleep(ms: number, stop: AbortSignal): Promise<void>;
  /** There is something to do; soon, so that what follows at once goes with it. Nobody sleeps: nothing happens. */
  wake(): void;
}

/** `soonMs`: from being woken to the end of the pause. */
export function createNap(soonMs: number): Nap {
  let soon: (() => void) | null = null;
  return {
    sleep: (ms, stop) =>
      new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          stop.removeEventListener("abort", end);
          soon = null;
          resolve();
        };
        let timer = setTimeout(end, ms);
        soon = () => {
          soon = null;
          clearTimeout(timer);
          timer = setTimeout(end, Math.min(ms, soonMs));
        };
        if (stop.aborted) end();
        else stop.addEventListener("abort", end);
      }),
    wake: () => soon?.(),
  };
}
