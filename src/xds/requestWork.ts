/** The work that a stream's requests make, one request after the other, done for a slice of time whenever it is the stream's turn. */
import type { Steps } from "../util/steps.ts";
import { SLICE_MS } from "./limits.ts";
import type { Clock } from "./transport.ts";

/** Of one stream. */
export interface RequestWork {
  /** Begins with a request, after the one before is done with; true: there is more to do for it. */
  begin(request: { readonly steps: Steps<void>; readonly onDone: () => void }): boolean;
  /** Goes on; true: there is still more. */
  proceed(): boolean;
}

/** No work yet. `isOver`: the stream has ended, and what is left is not done. `fail`: the request's steps threw. */
export function createRequestWork(
  clock: Clock,
  { isOver, fail }: { readonly isOver: () => boolean; readonly fail: (error: unknown) => void },
): RequestWork {
  let current: Parameters<RequestWork["begin"]>[0] | null = null;

  function proceed(): boolean {
    const until = clock.monotonic() + SLICE_MS;
    try {
      while (current !== null && !isOver() && !current.steps.next().done) {
        if (clock.monotonic() >= until) return true;
      }
    } catch (error) {
      fail(error);
    }
    current?.onDone();
    current = null;
    return false;
  }

  return {
    begin(request) {
      current = request;
      return proceed();
    },
    proceed,
  };
}
