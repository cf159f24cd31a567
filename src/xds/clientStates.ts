/** Where each resource that a stream is to see stands: of the server's view, what was sent and what was said to it. */
import { type Stream, viewOf } from "./state.ts";
import { inScope, type Subscription } from "./subscription.ts";
import type { XdsResource } from "./types.ts";
import type { TypeView } from "./view.ts";
import { isGlob } from "./xdstp.ts";

/** Values of `envoy.service.status.v3.ConfigStatus`: the server's side. */
export const CONFIG_STATUS = { SYNCED: 1, NOT_SENT: 2, STALE: 3, ERROR: 4 } as const;

/** Values of `envoy.admin.v3.ClientResourceStatus`: the client's side, as far as it has told. */
const CLIENT_STATUS = { REQUESTED: 1, DOES_NOT_EXIST: 2, ACKED: 3, NACKED: 4 } as const;

/** One resource on one stream. */
export interface ResourceState {
  readonly typeUrl: string;
  readonly name: string;
  /** The newest content, whatever the node has; undefined: there is none. */
  readonly resource: XdsResource | undefined;
  readonly configStatus: number;
  readonly clientStatus: number;
  readonly error: { readonly version: string; readonly message: string } | null;
}

/** All resources in scope, and names that were asked for and are not there. */
export function* resourceStates(stream: Stream): Generator<ResourceState> {
  for (const sub of stream.ordered) {
    const view = viewOf(stream.group, sub.typeUrl);
    const unanswered = unansweredNames(sub);
    const seen = new Set<string>();
    for (const [key, resource] of view.resources) {
      if (!inScope(sub, key) || seen.has(resource.name)) continue;
      seen.add(resource.name);
      const states = stateOf(sub, { key, resource, unanswered });
      yield { typeUrl: sub.typeUrl, name: resource.name, resource, error: sub.nacked, ...states };
    }
    yield* missing(sub, view);
  }
}

function* missing(sub: Subscription, view: TypeView): Generator<ResourceState> {
  const states = { configStatus: CONFIG_STATUS.NOT_SENT, clientStatus: CLIENT_STATUS.DOES_NOT_EXIST, error: null };
  for (const name of sub.names) {
    if (view.resources.has(name) || isGlob(name)) continue;
    yield { typeUrl: sub.typeUrl, name, resource: undefined, ...states };
  }
}

/** Names of what is on its way, with the version that is. */
function unansweredNames(sub: Subscription): Map<string, string> {
  const names = new Map<string, string>();
  for (const sent of sub.outstanding) {
    for (const resource of sent.response.resources) names.set(resource.name, resource.version);
  }
  return names;
}

function stateOf(
  sub: Subscription,
  of: { key: string; resource: XdsResource; unanswered: Map<string, string> },
): Pick<ResourceState, "configStatus" | "clientStatus"> {
  const { key, resource, unanswered } = of;
  if (isWaiting(sub, key, resource)) {
    return { configStatus: CONFIG_STATUS.NOT_SENT, clientStatus: CLIENT_STATUS.REQUESTED };
  }
  if (sub.rejected.has(resource.name)) {
    return { configStatus: CONFIG_STATUS.ERROR, clientStatus: CLIENT_STATUS.NACKED };
  }
  if (unanswered.get(resource.name) === resource.version || sub.ackedVersion === null) {
    return { configStatus: CONFIG_STATUS.STALE, clientStatus: CLIENT_STATUS.REQUESTED };
  }
  return { configStatus: CONFIG_STATUS.SYNCED, clientStatus: CLIENT_STATUS.ACKED };
}

/** True when the newest content has not gone out. */
function isWaiting(sub: Subscription, key: string, resource: XdsResource): boolean {
  if (sub.base.get(key)?.version !== resource.version) return true;
  const pending = sub.pending.has(key) && sub.pending.get(key)?.version !== resource.version;
  return pending || sub.deferred.has(key);
}
