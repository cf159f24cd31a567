/**
 * Weights of zones as weights of endpoints, so that every proxy shares alike: also the zones of nginx and HAProxy, which know none, and
 * also when some endpoint fails its check and only those that are left share.
 */
import type { Cluster } from "./types.ts";

type Endpoint = Cluster["endpoints"][number];

/** The largest weight that every proxy takes. */
const MAX_WEIGHT = 256;

/** What is this near to the wished share is it: less than any sum of floating point numbers here is off. */
const EXACT = 1e-9;

/** An endpoint's weight, 0 if it gets nothing, and its share of its priority's load as it was wished. */
export interface ZoneWeight {
  readonly weight: number;
  readonly wished: number;
}

/** For each endpoint in turn. Of the weights up to 256 those whose shares are nearest. */
export function zoneWeights({ endpoints, locality }: Cluster): readonly ZoneWeight[] {
  const zones = new Map(Object.entries(locality?.weights ?? {}));
  const sums = new Map<string, number>();
  for (const each of endpoints) sums.set(groupOf(each), (sums.get(groupOf(each)) ?? 0) + servingWeight(each));
  const parts = endpoints.map((each) => {
    const own = servingWeight(each);
    return own === 0 ? 0 : ((zones.get(each.zone ?? "") ?? 0) * own) / (sums.get(groupOf(each)) ?? 1);
  });
  const levels = Map.groupBy(parts.keys(), (index) => endpoints[index]?.priority ?? 0);
  const found: ZoneWeight[] = new Array(endpoints.length);
  for (const level of levels.values()) {
    const total = level.reduce((sum, index) => sum + (parts[index] ?? 0), 0);
    const scale = nearestScale(level.map((index) => parts[index] ?? 0));
    for (const index of level) {
      const part = parts[index] ?? 0;
      found[index] = { weight: scaled(part, scale), wished: part === 0 ? 0 : part / total };
    }
  }
  return found;
}

function groupOf({ priority = 0, zone = "" }: Endpoint): string {
  return `${priority} ${zone}`;
}

function servingWeight({ weight = 1, state = "active" }: Endpoint): number {
  return state === "active" ? weight : 0;
}

function scaled(part: number, scale: number): number {
  return part === 0 ? 0 : Math.max(1, Math.round(part * scale));
}

function nearestScale(parts: readonly number[]): number {
  const distinct = [...new Set(parts)].filter((part) => part > 0);
  const largest = Math.max(0, ...distinct);
  let best = { scale: 1, error: Number.POSITIVE_INFINITY };
  for (let top = 1; top <= MAX_WEIGHT && best.error > EXACT; top++) {
    const scale = top / largest;
    const error = Math.max(0, ...distinct.map((part) => Math.abs(scaled(part, scale) / (part * scale) - 1)));
    if (error < best.error) best = { scale, error };
  }
  return best.scale;
}
