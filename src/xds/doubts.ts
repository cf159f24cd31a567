/**
 * A node of the state of the world names a version when it comes back, and we know what that version held. But a node that asks by name
 * may name more now than it did then: whether it has that is in doubt, and what it never had may be what it refuses.
 */
import type { Subscription } from "./subscription.ts";

/** The next response offers nothing: all of it stands as the node is thought to have it. When it is accepted, that is so. */
export function askForProof(sub: Subscription): void {
  sub.doubt = "asked";
  sub.trialsLeft -= 1;
  sub.trial = true;
  sub.mustAnswer = true;
  sub.urgent = true;
}

/** The node refused a response. When that offered nothing, it refused what it was thought to have: that is not kept for it any more. */
export function noteDoubtful(sub: Subscription, offered: boolean): void {
  sub.doubt = offered ? "open" : "none";
  if (offered) return;
  for (const [name, refused] of sub.rejected) sub.rejected.set(name, { ...refused, has: undefined });
  for (const [name, waiting] of sub.deferred) sub.deferred.set(name, { ...waiting, has: undefined });
  for (const name of sub.pending.keys()) sub.pending.set(name, undefined);
  sub.leaving.clear();
  for (const [place, sent] of sub.outstanding.entries()) {
    for (const name of sent.offered?.keys() ?? []) sent.offered?.set(name, undefined);
    sub.outstanding[place] = { ...sent, left: new Map() };
  }
  sub.mustAnswer = true;
  sub.urgent = true;
}
