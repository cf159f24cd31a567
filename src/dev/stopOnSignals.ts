/** When a process that serves is to end: it was told to, or npm, which started it, is gone. */
import { EXIT } from "../cli/output.ts";
import { npmAncestors } from "./ancestors.ts";

/** One Ctrl-C under npm arrives twice: from the terminal, and forwarded by npm. */
const SAME_KEY_PRESS_MS = 500;
/** How soon it is noticed that npm is gone. A look costs 20 us. */
const LOOK_MS = 500;

/**
 * Aborts on the first SIGINT, SIGTERM or SIGHUP; a later one ends the process at once (children are killed then). npm passes signals on to
 * the shell by which it runs `npx trimtab`, and a shell passes nothing on: so it aborts too when the npm that started this process has
 * ended, also of a SIGKILL. Without npm the parent may go: `nohup` and services want that.
 */
export function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  let firstAt = 0;
  const stop = (): void => {
    firstAt = performance.now();
    controller.abort();
  };
  const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) {
    process.on(signal, () => {
      if (!controller.signal.aborted) {
        stop();
      } else if (performance.now() - firstAt > SAME_KEY_PRESS_MS) {
        process.exit(EXIT.failed);
      }
    });
  }
  const ancestors = npmAncestors();
  if (ancestors !== null) {
    const timer = setInterval(() => {
      if (!ancestors.areThere()) {
        clearInterval(timer);
        stop();
      }
    }, LOOK_MS).unref();
  }
  return controller.signal;
}
