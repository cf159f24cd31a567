/**
 * Whether a node can use every cluster that a route or listener names, told without a look at each: when it has all that it asked for,
 * what it asked for decides, and nodes of a fleet ask for the same.
 */
import { CLUSTER, needsOf } from "./resourceTypes.ts";
import { type Finding, type Group, type Stream, viewOf } from "./state.ts";
import { inScope, isSent, type Subscription } from "./subscription.ts";
import type { XdsResource } from "./types.ts";
import { awaitedBy } from "./warming.ts";

/** True: no cluster that the resource names is waited for. False: that may be so all the same. */
export function isPlainlyReady(stream: Stream, clusters: Subscription, resource: XdsResource): boolean {
  if (!hasAll(stream, clusters) || stream.fresh.some(({ accepted }) => !accepted)) return false;
  const types = [CLUSTER, ...needsOf(CLUSTER)];
  const scopes: (number | undefined)[] = [];
  for (const typeUrl of types) {
    const sub = stream.subs.get(typeUrl);
    if (sub !== undefined && !hasAll(stream, sub)) return false;
    const scope = sub === undefined ? undefined : scopeOf(sub);
    if (scope === null) return false;
    scopes.push(scope);
  }
  return reaches(stream, resource, scopes);
}

/** True when the node accepted all of the type that it asked for. */
function hasAll({ group }: { readonly group: Group }, sub: Subscription): boolean {
  return sub.outstanding.length + sub.rejected.size === 0 && isSent(sub, viewOf(group, sub.typeUrl));
}

/** A number for what is asked for; null: this stream alone may ask for it. */
function scopeOf(sub: Subscription): number | null {
  if (sub.wildcard) return 0;
  return sub.names.same?.id ?? null;
}

function reaches(stream: Stream, resource: XdsResource, scopes: Finding["scopes"]): boolean {
  const { findings } = stream.group;
  const last = findings.get(resource);
  if (last?.scopes.every((scope, index) => scope === scopes[index])) return last.reaches;
  const found = { scopes, reaches: reachesAll(stream, resource) };
  findings.set(resource, found);
  return found.reaches;
}

/** True when the stream asks for whatever the clusters wait for. */
function reachesAll(stream: Stream, resource: XdsResource): boolean {
  const clusters = stream.subs.get(CLUSTER);
  const { resources } = viewOf(stream.group, CLUSTER);
  const needs = needsOf(CLUSTER);
  return resource.refs.every(([typeUrl, name]) => {
    const cluster = typeUrl === CLUSTER ? resources.get(name) : undefined;
    if (cluster === undefined || clusters === undefined || !inScope(clusters, name)) return true;
    return awaitedBy(stream, cluster, needs).every(([type, needed]) => {
      const sub = stream.subs.get(type);
      return sub !== undefined && inScope(sub, needed);
    });
  });
}
