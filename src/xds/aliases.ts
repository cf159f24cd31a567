/**
 * Resources under other names. A view has every alias as a further key (view.ts), so that a subscription to an alias is one like any
 * other. What nodes are told is always the resource's own name; here is what follows from that.
 */
import { ON_DEMAND_TYPES } from "./resourceTypes.ts";
import { inScope, type Subscription } from "./subscription.ts";
import type { XdsResource } from "./types.ts";
import type { Diff, ResourceMap, TypeView } from "./view.ts";
import { otherNames } from "./viewNames.ts";

/** A resource of which only the wrapper is sent. */
export interface HollowResource extends XdsResource {
  readonly hollow: true;
}

/** The version of the answer "there is no such host"; a node that reconnects names it. */
export const UNKNOWN_VERSION = "none";

/** True when a name that is not there is answered with an empty wrapper: a node waits for that host with requests in its hands. */
export function isAnsweredHollow(sub: Subscription, name: string): boolean {
  return sub.delta && ON_DEMAND_TYPES.has(sub.typeUrl) && sub.names.has(name);
}

/** "There is no such host". */
export function unknownResource(typeUrl: string, name: string): HollowResource {
  const none = { bytes: new Uint8Array(), refs: [], version: UNKNOWN_VERSION };
  return { typeUrl, name, aliases: [name], hollow: true, ...none };
}

/** The resource goes out under one of its names: the others are served with it. */
export function servedWith(sub: Subscription, resource: XdsResource): void {
  sub.absent.delete(resource.name);
  sub.leaving.delete(resource.name);
  for (const key of [resource.name, ...otherNames(resource)]) {
    sub.pending.delete(key);
    sub.waived.delete(key);
  }
}

/** True when the node is to see the resource, under whichever name. */
export function covers(sub: Subscription, resource: XdsResource): boolean {
  return inScope(sub, resource.name) || otherNames(resource).some((name) => inScope(sub, name));
}

/**
 * After names were found gone or changed: the node is told by the resource's own name, and only when no other name that it asked for
 * still leads there.
 */
export function tellByOwnName(sub: Subscription, change: { diff: Diff; before: ResourceMap; view: TypeView }): void {
  const { diff, before, view } = change;
  for (const key of [...diff.removed, ...diff.changed]) {
    const had = before.get(key);
    if (had === undefined || !inScope(sub, key) || view.resources.get(key)?.name === had.name) continue;
    if (key !== had.name) {
      sub.absent.delete(key);
      sub.leaving.delete(key);
    }
    const now = view.resources.get(had.name);
    if (now !== undefined && covers(sub, now)) continue;
    if (sub.delta) sub.absent.set(had.name, true);
    else if (sub.fullState) sub.mustAnswer = true;
  }
}
