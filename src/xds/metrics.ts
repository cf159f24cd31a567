/** Counters; `main.ts` binds them to its metrics library. */

import type { EndReason } from "./reasons.ts";
import type { RefusalReason } from "./refusals.ts";
import { PUSH_ORDER } from "./resourceTypes.ts";
import type { XdsMetrics, XdsTypeMetrics } from "./types.ts";

/** The writable side of `XdsMetrics`. */
export interface Metrics extends XdsMetrics {
  readonly types: Map<string, XdsTypeMetrics>;
  readonly ended: Map<EndReason, number>;
}

/** All counters at 0 (refusals are counted elsewhere); a type's counters appear when something first happens to it. */
export function createMetrics(refusals: ReadonlyMap<RefusalReason, number>): Metrics {
  return {
    openStreams: 0,
    streams: 0,
    refusedStreams: 0,
    requests: 0,
    staleNonces: 0,
    oversizedResponses: 0,
    refusals,
    tlsReloads: 0,
    tlsReloadFailures: 0,
    tlsExpires: 0,
    clientBytes: 0,
    nameSets: 0,
    types: new Map(),
    ended: new Map(),
  };
}

/** Counts a stream or connection that the server ended. */
export function countEnd(metrics: Metrics, reason: EndReason): void {
  metrics.ended.set(reason, (metrics.ended.get(reason) ?? 0) + 1);
}

/** By type URL: how the counters of a type are called. */
const LABELS: ReadonlyMap<string, string> = new Map(
  PUSH_ORDER.map((typeUrl) => [typeUrl, typeUrl.slice(typeUrl.lastIndexOf(".") + 1)]),
);

/** The counters of a type. Clients choose the URL, so unknown ones share one entry. */
export function typeMetrics(metrics: Metrics, typeUrl: string): XdsTypeMetrics {
  const label = LABELS.get(typeUrl) ?? "other";
  let entry = metrics.types.get(label);
  if (entry === undefined) {
    entry = { responses: 0, resources: 0, bytes: 0, acks: 0, nacks: 0, held: 0 };
    metrics.types.set(label, entry);
  }
  return entry;
}
