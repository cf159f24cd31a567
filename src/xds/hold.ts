/**
 * Make before break on one stream. Order on the wire is not enough: Envoy warms a cluster after it accepted it, and answers 503
 * when a route comes before that. So routes and listeners wait for their new clusters, and removals wait for the routes.
 */
import { HOLD_MS } from "./limits.ts";
import { CLUSTER, ENDPOINT, HELD_TYPES, LINGERING_TYPES } from "./resourceTypes.ts";
import { type Stream, viewOf } from "./state.ts";
import { inScope, isSent, isSettled, type SentResponse, type Subscription } from "./subscription.ts";
import type { XdsResource } from "./types.ts";

/** True when a route or listener names a cluster that the node is about to get and cannot use yet. */
export function isBlocked(stream: Stream, resource: XdsResource, now: number): boolean {
  const clusters = stream.subs.get(CLUSTER);
  if (clusters === undefined) return false;
  if (now - stream.freshAt >= HOLD_MS) stream.fresh.clear();
  const view = viewOf(stream.group, CLUSTER);
  if (stream.fresh.size === 0 && isSent(clusters, view)) return false;
  for (const [typeUrl, name] of resource.refs) {
    if (typeUrl !== CLUSTER || !view.resources.has(name) || !inScope(clusters, name)) continue;
    if (isWarming(stream, name) || isUnsentCluster(clusters, name)) return true;
  }
  return false;
}

/** Endpoints that are gone again are not waited for, but stay noted: they may come back. */
function isWarming(stream: Stream, name: string): boolean {
  const cluster = stream.fresh.get(name);
  if (cluster === undefined) return false;
  if (!cluster.accepted) return true;
  return cluster.endpoints !== null && viewOf(stream.group, ENDPOINT).resources.has(cluster.endpoints);
}

function isUnsentCluster(clusters: Subscription, name: string): boolean {
  if (clusters.pending.has(name)) return clusters.pending.get(name) === undefined;
  return !clusters.base.has(name);
}

/** Until when a change that is blocked now may wait. */
export function holdDeadline(stream: Stream, now: number): number {
  return Math.min(now, stream.fresh.size > 0 ? stream.freshAt : now) + HOLD_MS;
}

/** True when removals of this type wait for others on the stream. */
export function lingers(stream: Stream, sub: Subscription): boolean {
  return LINGERING_TYPES.has(sub.typeUrl) && (sub.delta || sub.fullState) && referrersBusy(stream) !== "no";
}

/** True when a removal that waited may go now. A refused route still names the old cluster: that waits for a better route. */
export function mayRemove(stream: Stream, deadline: number, now: number): boolean {
  const busy = referrersBusy(stream);
  return busy === "no" || (busy === "waiting" && deadline <= now);
}

function referrersBusy(stream: Stream): "no" | "waiting" | "refused" {
  let busy: "no" | "waiting" = "no";
  for (const typeUrl of HELD_TYPES) {
    const sub = stream.subs.get(typeUrl);
    if (sub === undefined || isSettled(sub, viewOf(stream.group, typeUrl))) continue;
    if (sub.nacked !== null) return "refused";
    busy = "waiting";
  }
  return busy;
}

/** After clusters were sent: their endpoints follow, changed or not, and new ones are watched until the node has accepted both. */
export function afterClustersSent(stream: Stream, sub: Subscription, sent: SentResponse): void {
  if (sub.touched.size === 0) return;
  const now = stream.context.clock.monotonic();
  for (const cluster of sent.resources) {
    const isNew = sub.touched.get(cluster.name);
    if (isNew === undefined) continue;
    sub.touched.delete(cluster.name);
    const endpoints = endpointsOf(stream, cluster);
    if (isNew) {
      stream.fresh.set(cluster.name, { number: sent.number, accepted: false, endpoints });
      stream.freshAt = now;
    }
    if (endpoints !== null) resendEndpoints(stream, endpoints);
  }
}

/** The name of a cluster's endpoints: the one it refers to, else its own; null: it has none. */
function endpointsOf(stream: Stream, cluster: XdsResource): string | null {
  const ref = cluster.refs.find(([typeUrl]) => typeUrl === ENDPOINT);
  const name = ref === undefined ? cluster.name : ref[1];
  return viewOf(stream.group, ENDPOINT).resources.has(name) ? name : null;
}

/** Envoy warms a changed cluster and then waits for endpoints that it does not ask for again; gRPC does not warm. */
function resendEndpoints(stream: Stream, name: string): void {
  const sub = stream.subs.get(ENDPOINT);
  if (sub === undefined || !inScope(sub, name) || stream.node.userAgent.toLowerCase().startsWith("grpc")) return;
  sub.absent.delete(name);
  sub.pending.set(name, undefined);
}

/** Takes an accepted response into account. */
export function noteAccepted(stream: Stream, typeUrl: string, sent: SentResponse): void {
  if (stream.fresh.size === 0 || (typeUrl !== CLUSTER && typeUrl !== ENDPOINT)) return;
  const names = new Set(typeUrl === ENDPOINT ? sent.resources.map((resource) => resource.name) : []);
  for (const [name, cluster] of stream.fresh) {
    if (typeUrl === CLUSTER) cluster.accepted ||= cluster.number === sent.number;
    else if (cluster.endpoints !== null && sent.number > cluster.number && names.has(cluster.endpoints)) {
      cluster.endpoints = null;
    }
    if (cluster.accepted && cluster.endpoints === null) stream.fresh.delete(name);
  }
}
