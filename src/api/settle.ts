/** From what a write asks for to what is to be stored, if the verdict allows it: owners, and canaries that stay where they stand. */
import type { Diagnostic } from "../errors/diagnostic.ts";
import { carryStates } from "../model/index.ts";
import type { Change } from "../model/types.ts";
import type { Head } from "../store/types.ts";
import type { Steps } from "../util/steps.ts";
import type { Locate } from "./diagnostics.ts";
import type { Settled } from "./judge.ts";
import { type Claim, settleOwners } from "./owners.ts";

/** What a write would change, seen from the head it builds on. */
export interface Plan {
  readonly changes: readonly Change[];
  readonly locate: Locate;
  /** Whether the changes are documents as they were sent: see `Writes` of owners.ts. Default: false. */
  readonly documents?: boolean;
  /** Whether it moves a canary: every other write leaves canaries where they stand. Default: false. */
  readonly setsState?: boolean;
  /** What was found already; errors refuse the write together with those that are found here. */
  readonly found?: readonly Diagnostic[];
}

/** The changes with the owners and the states that they are to be stored with. A canary that stays is no change, whoever owns it. */
export function* settle({ snapshot }: Head, plan: Plan, claim: Claim): Steps<Settled> {
  const { locate, documents = false, setsState = false, found = [] } = plan;
  const as = { changes: plan.changes, restarted: [], warnings: [] };
  const carried = setsState ? as : yield* carryStates(snapshot, plan.changes);
  const owned = yield* settleOwners(snapshot, { changes: carried.changes, documents }, claim);
  const changes = [...owned.changes, ...carried.restarted];
  return { changes, locate, told: [...owned.found, ...found, ...carried.warnings] };
}
