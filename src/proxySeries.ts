/** What is known of each proxy, as series of a bounded number: names of proxies come and go, and clients choose them. */
import type { ProxyPresence } from "./publish/index.ts";
import { type Steps, shouldYield } from "./util/steps.ts";

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

/** While it is looked. */
interface Tally {
  connected: number;
  refusing: number;
  acknowledgedRevision: number | null;
}

interface Entry {
  readonly fleet: string;
  readonly node: string;
  connected: boolean;
  acknowledgedRevision: number | null;
  refused: number;
  /** Monotonic milliseconds. */
  seenAt: number;
}

/** By fleet, then by node. */
type Entries = Map<string, Map<string, Entry>>;

/**
 * Each look goes through all presences, in steps: there may be 20 000. Two looks must not be under way at once. `monotonic`: milliseconds
 * that only grow.
 */
export function createProxySeries(
  presences: () => Iterable<ProxyPresence>,
  monotonic: () => number,
): () => Steps<ProxyLook> {
  let known: Entry[] = [];
  return function* () {
    const now = monotonic();
    const here = yield* merged(presences(), now);
    const kept: Entry[] = [];
    let room = MAX_PROXY_SERIES;
    for (const { fleet, node, seenAt } of known) {
      const entry = here.get(fleet)?.get(node);
      if (entry !== undefined) kept.push(entry);
      else if (now - seenAt < FORGET_PROXY_MS) kept.push(away(fleet, node, seenAt));
    }
    const old = new Set(kept);
    for (const { connected } of kept) if (connected) room -= 1;
    const fleets = new Map<string, Tally>();
    const fresh: Entry[] = [];
    let leftOut = 0;
    let index = 0;
    for (const [fleet, nodes] of here) {
      const tally = { connected: 0, refusing: 0, acknowledgedRevision: Number.POSITIVE_INFINITY as number | null };
      fleets.set(fleet, tally);
      for (const entry of nodes.values()) {
        if (shouldYield(index++)) yield;
        tally.connected += 1;
        tally.refusing += entry.refused > 0 ? 1 : 0;
        tally.acknowledgedRevision = lowest(tally.acknowledgedRevision, entry.acknowledgedRevision);
        if (old.has(entry)) continue;
        if (fresh.length < room) fresh.push(entry);
        else leftOut += 1;
      }
    }
    known = fitting(kept, fresh);
    return { proxies: known, fleets, leftOut };
  };
}

/** Who is there comes before who was. */
function fitting(kept: readonly Entry[], fresh: readonly Entry[]): Entry[] {
  let surplus = kept.length + fresh.length - MAX_PROXY_SERIES;
  const left = kept.filter(({ connected }) => connected || surplus-- <= 0);
  return [...left, ...fresh];
}

/** One entry per proxy. What it runs is what all its streams took; refusals of all add up. */
function* merged(presences: Iterable<ProxyPresence>, seenAt: number): Steps<Entries> {
  const fleets: Entries = new Map();
  let index = 0;
  for (const { fleet, nodeId, acknowledgedRevision, refused } of presences) {
    if (shouldYield(index++)) yield;
    const node = nodeId.length > MAX_LABEL ? nodeId.slice(0, MAX_LABEL) : nodeId;
    const nodes = fleets.get(fleet) ?? new Map<string, Entry>();
    if (nodes.size === 0) fleets.set(fleet, nodes);
    const before = nodes.get(node);
    if (before === undefined) nodes.set(node, { fleet, node, connected: true, acknowledgedRevision, refused, seenAt });
    else {
      before.acknowledgedRevision = lowest(before.acknowledgedRevision, acknowledgedRevision);
      before.refused += refused;
    }
  }
  return fleets;
}

function lowest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : Math.min(one, other);
}

function away(fleet: string, node: string, seenAt: number): Entry {
  return { fleet, node, connected: false, acknowledgedRevision: null, refused: 0, seenAt };
}
