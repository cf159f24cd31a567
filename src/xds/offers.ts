/** What responses that are not answered yet offer to a node. */
import type { Outstanding, Subscription } from "./subscription.ts";
import type { XdsResource } from "./types.ts";

/** What the last response that is not answered yet offers of this name; undefined: none does. */
export function lastOffered(sub: Pick<Subscription, "outstanding">, name: string): XdsResource | undefined {
  let last: XdsResource | undefined;
  for (const sent of sub.outstanding) if (offers(sent, name)) last = sent.response.byName().get(name);
  return last;
}

/** True when a response that is not answered yet offers this resource. */
export function isOffered(sub: Pick<Subscription, "outstanding">, name: string): boolean {
  for (const sent of sub.outstanding) if (offers(sent, name)) return true;
  return false;
}

/** True when a response brought this resource, and does not only repeat it. */
export function offers({ offered, response }: Outstanding, name: string): boolean {
  return offered === null ? response.byName().has(name) : offered.has(name);
}

/**
 * A full state repeats what came in an earlier one. When the node refused that, or said nothing to it, the later one offers it as well: it
 * may be the reason should that be refused, and is accepted with it.
 */
export function bequeath(earlier: Outstanding, later: Outstanding): void {
  if (earlier.offered === null || later.offered === null) return;
  const [old, repeated] = [earlier.response.byName(), later.response.byName()];
  for (const [name, has] of earlier.offered) {
    const isRepeated = old.get(name) === repeated.get(name);
    if (isRepeated && !later.offered.has(name)) later.offered.set(name, has);
  }
}
