/** Commits are handed on one after the other; of those that come meanwhile only the newest is. */
import { emptySnapshot, type Snapshot } from "../model/index.ts";
import type { Head } from "../store/types.ts";
import { createNewest } from "../util/newest.ts";

export interface Commits {
  /** See `PublisherWithInput`. */
  readonly commit: (head: Head) => void | Promise<void>;
  /** See `Publisher`. */
  readonly caughtUp: () => Promise<void>;
}

/** `note` hears of every commit at once, `handOn` of those that are handed on; it must not throw or reject. */
export function createCommits(note: (head: Head) => void, handOn: (head: Head) => void | Promise<void>): Commits {
  const handing = createNewest(handOn);
  let newest: Snapshot = emptySnapshot;
  return {
    commit(head) {
      // Who takes somebody's right to pull away must not be told so before it is gone.
      const isAwaited = !handing.isBusy() || newest.fleet !== head.snapshot.fleet;
      newest = head.snapshot;
      note(head);
      const handedOn = handing.give(head);
      return isAwaited ? handedOn : undefined;
    },
    caughtUp: handing.caughtUp,
  };
}
