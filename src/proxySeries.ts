/** What is known of each proxy, as series of a bounded number: names of proxies come and go, and clients choose them. */
import type { ProxyPresence } from "./publish/index.ts";

/** Proxies that have series of their own: with some series each a scrape stays below a megabyte. Fleets count them all. */
export const MAX_PROXY_SERIES = 1_000;
/** A proxy that was away for so long is forgotten: long enough for an alert on one that does not come back. */
export const FORGET_PROXY_MS = 60 * 60 * 1000;
/** Of a name in a label; ids that begin alike for so long are one. */
const MAX_LABEL = 128;

/** A proxy, by its fleet and id, however many streams it has. */
export interface ProxySeries {
  readonly fleet: string;
  readonly node: string;
  readonly connected: boolean;
  /** What it runs all of; null: nothing yet, or it is away. */
  readonly acknowledgedRevision: number | null;
  /** What it refuses now. */
  readonly refused: number;
}

/** All proxies of a fleet that are connected now. */
export interface FleetSeries {
  readonly connected: number;
  readonly refusing: number;
  /** The lowest; null: one of them has none. */
  readonly acknowledgedRevision: number | null;
}

/** What one look gives. */
export interface ProxyLook {
  readonly proxies: readonly ProxySeries[];
  readonly fleets: ReadonlyMap<string, FleetSeries>;
  /** Connected, and without series of their own. */
  readonly leftOut: number;
}

interface Entry extends ProxySeries {
  readonly seenAt: number;
}

/** `monotonic`: milliseconds that only grow. */
export function createProxySeries(presences: () => Iterable<ProxyPresence>, monotonic: () => number): () => ProxyLook {
  let known = new Map<string, Entry>();
  return () => {
    const now = monotonic();
    const connected = merged(presences());
    const next = new Map<string, Entry>();
    for (const [key, entry] of known) {
      const here = connected.get(key);
      if (here !== undefined) next.set(key, { ...here, seenAt: now });
      else if (now - entry.seenAt < FORGET_PROXY_MS) next.set(key, gone(entry));
    }
    let leftOut = 0;
    for (const [key, proxy] of connected) {
      if (next.has(key)) continue;
      if (next.size < MAX_PROXY_SERIES || dropOneGone(next)) next.set(key, { ...proxy, seenAt: now });
      else leftOut += 1;
    }
    known = next;
    return { proxies: [...next.values()], fleets: fleetsOf(connected.values()), leftOut };
  };
}

/** One entry per proxy. What it runs is what all its streams took; refusals of all add up. */
function merged(presences: Iterable<ProxyPresence>): Map<string, ProxySeries> {
  const proxies = new Map<string, ProxySeries>();
  for (const { fleet, nodeId, acknowledgedRevision, refused } of presences) {
    const node = nodeId.slice(0, MAX_LABEL);
    const key = `${fleet} ${node}`;
    const before = proxies.get(key);
    proxies.set(key, {
      fleet,
      node,
      connected: true,
      acknowledgedRevision:
        before === undefined ? acknowledgedRevision : lowest(before.acknowledgedRevision, acknowledgedRevision),
      refused: (before?.refused ?? 0) + refused,
    });
  }
  return proxies;
}

function lowest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : Math.min(one, other);
}

function gone(entry: Entry): Entry {
  return entry.connected ? { ...entry, connected: false, acknowledgedRevision: null, refused: 0 } : entry;
}

/** Who is there comes before who was. */
function dropOneGone(entries: Map<string, Entry>): boolean {
  for (const [key, { connected }] of entries) {
    if (connected) continue;
    entries.delete(key);
    return true;
  }
  return false;
}

function fleetsOf(proxies: Iterable<ProxySeries>): Map<string, FleetSeries> {
  const fleets = new Map<string, FleetSeries>();
  for (const { fleet, acknowledgedRevision, refused } of proxies) {
    const before = fleets.get(fleet);
    fleets.set(fleet, {
      connected: (before?.connected ?? 0) + 1,
      refusing: (before?.refusing ?? 0) + (refused > 0 ? 1 : 0),
      acknowledgedRevision:
        before === undefined ? acknowledgedRevision : lowest(before.acknowledgedRevision, acknowledgedRevision),
    });
  }
  return fleets;
}
