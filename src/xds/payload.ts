/**
 * Encoded responses, shared by the streams that need the same one: a change is encoded once, however many nodes get it. The
 * nonce is part of the bytes; it counts payloads over the whole server, and a stream only takes payloads younger than its last.
 */
import { hash } from "node:crypto";
import { encodeResponse, type Sendable } from "./encode.ts";
import { MAX_CACHE_KEY_NAMES, MAX_CACHED_PAYLOADS, NAME_BYTES } from "./limits.ts";
import { namesOfSecrets, type Open, openedResources } from "./openResources.ts";
import type { Outstanding, SentResponse } from "./subscription.ts";
import type { XdsResource } from "./types.ts";
import type { TypeView } from "./view.ts";

/** `bytes`: the serialised DiscoveryResponse or DeltaDiscoveryResponse; `sent`: what a stream remembers of it. */
export interface Payload {
  readonly bytes: Buffer;
  readonly sent: SentResponse;
  /** Names of resources with secrets in it. */
  readonly opened: readonly string[];
  /** Other streams may have the same bytes. */
  readonly shared: boolean;
}

/** A payload, and what a stream notes of it beside. */
export interface Due extends Pick<Outstanding, "offered" | "had" | "left"> {
  readonly payload: Payload;
  /** All that it offers is new to the node, which waits for it: so of a whole cohort. `touched` is settled for it. */
  readonly allNew: boolean;
}

export interface PayloadRequest {
  readonly typeUrl: string;
  readonly delta: boolean;
  readonly ttl: boolean;
  readonly view: TypeView;
  readonly version: string;
  /** Null: `resources` is peculiar to this stream and not shared. */
  readonly key: string | null;
  readonly resources: () => readonly Sendable[];
  readonly removed: readonly string[];
  /** The stream's last payload. */
  readonly after: number;
}

/** Gives the payload for a request: a shared one younger than `after`, or else a newly encoded one. */
export type PayloadCache = (request: PayloadRequest) => Payload;

/** What all responses have, and what opens secrets in them. */
export interface PayloadOptions {
  /** Sent as `control_plane.identifier`. */
  readonly identifier: string;
  readonly open: Open;
  readonly onError: (error: unknown) => void;
}

/** Payloads of one server. One with secrets is encoded anew for each stream. */
export function createPayloadCache({ identifier, open, onError }: PayloadOptions): PayloadCache {
  const caches = new WeakMap<TypeView, Map<string, Payload>>();
  let count = 0;

  function encode(request: PayloadRequest): Payload {
    const { typeUrl, delta, ttl, version, removed } = request;
    const resources = request.resources();
    count += 1;
    const nonce = count.toString(36);
    const opened = namesOfSecrets(resources);
    const isSecret = opened.length > 0;
    const sent = isSecret ? openedResources(resources, open, onError) : resources;
    const bytes = encodeResponse({ typeUrl, delta, ttl, version, removed, resources: sent, nonce, identifier });
    const shared = request.key !== null && !isSecret;
    const keeps = shared || removed.length === 0 ? 0 : bytes.length + NAME_BYTES * removed.length;
    const byName = byNameOf(resources);
    return { bytes, sent: { number: count, nonce, version, resources, removed, byName, keeps }, opened, shared };
  }

  return (request) => {
    if (request.key === null) return encode(request);
    // Types without resources share one empty view, so the type belongs into the key.
    const key = `${request.delta ? "d" : "s"}${request.ttl ? "t" : ""}${request.typeUrl}\n${request.key}`;
    const cache = caches.get(request.view) ?? new Map<string, Payload>();
    caches.set(request.view, cache);
    const found = cache.get(key);
    if (found !== undefined && found.sent.number > request.after) return found;
    const payload = encode(request);
    if (!payload.shared) return payload;
    cache.delete(key);
    cache.set(key, payload);
    if (cache.size > MAX_CACHED_PAYLOADS) cache.delete(oldestPart(cache));
    return payload;
  };
}

/** Whole views stay: every new stream needs them. */
function oldestPart(cache: ReadonlyMap<string, Payload>): string {
  let oldest = "";
  for (const key of cache.keys()) {
    oldest ||= key;
    if (!key.endsWith(`\n${WHOLE_VIEW}`)) return key;
  }
  return oldest;
}

function byNameOf(resources: readonly XdsResource[]): SentResponse["byName"] {
  let map: Map<string, XdsResource> | null = null;
  return () => {
    map ??= new Map(resources.map((resource) => [resource.name, resource]));
    return map;
  };
}

/** Cache key of the response that holds a type's whole view. */
export const WHOLE_VIEW = "*";

/**
 * Cache key of a full response in which some names stand as a node has them: encoding all is dearer than any key. `scope`: the names
 * that it is of; null: all.
 */
export function keyOfHeld(
  held: readonly (readonly [string, XdsResource | undefined])[],
  scope: { readonly id: number } | null,
): string {
  if (held.length === 0) return scope === null ? WHOLE_VIEW : `names ${scope.id}`;
  return short(JSON.stringify([scope?.id, held.map(([name, instead]) => [name, instead?.version ?? null])]));
}

/** A partial response. */
export interface Part {
  readonly resources: readonly XdsResource[];
  readonly removed: readonly string[];
  /** All resources are the view's. */
  readonly isOfView: boolean;
  /** Other streams of the group are likely to need the same, however long it is. */
  readonly likely: boolean;
}

/** Cache key of a partial response; null: too long to be worth it. */
export function keyOf({ resources, removed, isOfView, likely }: Part, view: TypeView): string | null {
  if (isOfView && removed.length === 0 && resources.length > 0 && resources.length === view.resources.size)
    return WHOLE_VIEW;
  if (resources.length + removed.length > MAX_CACHE_KEY_NAMES && !likely) return null;
  return short(JSON.stringify([resources.map((resource) => resource.name), removed]));
}

/** Longer keys would be kept with every payload. */
function short(key: string): string {
  return key.length <= LONG_KEY ? key : hash("sha256", key);
}

const LONG_KEY = 1_000;
