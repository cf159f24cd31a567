/** Who judges writes: one judge in the store's turn, and one beside it for what would hold the turn too long. */
import type { Scale } from "../model/index.ts";
import type { Publisher } from "../publish/types.ts";
import { createJudge, type Judge } from "./judge.ts";

export interface Judges {
  /** Judges in the store's turn only. */
  readonly present: () => Judge;
  /** Takes the present one's place, in the store's turn: what this has seen is what comes next. */
  readonly succeed: (judge: Judge) => void;
  /**
   * Runs work with a judge of its own. What it has to learn of the model takes memory as the present one's: there is one such work
   * at a time. Others wait, in order; as each is a request's, there are no more of them than connections.
   */
  readonly aside: <T>(work: (judge: Judge) => Promise<T>) => Promise<T>;
}

/** The present judge has seen no model yet. */
export function createJudges(options: { readonly publisher: Publisher; readonly scale: Scale }): Judges {
  let present = createJudge(options);
  let last: Promise<unknown> = Promise.resolve();
  return {
    present: () => present,
    succeed(judge) {
      present = judge;
    },
    aside(work) {
      const done = last.then(() => work(createJudge(options)));
      last = done.catch(() => undefined);
      return done;
    },
  };
}
