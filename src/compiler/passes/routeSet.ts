/**
 * A set of routes as numbers: equal sets are equal, and to add or to remove a route costs the same however many there are. Which
 * routes serve a host is such a set, and it changes by one.
 */
import type { HostPatch } from "./changes.ts";

/**
 * How many routes, and both halves of the sum of their hashes, each modulo 2^32: sets of one model meet by chance with a probability
 * of 2^-64 a pair.
 */
export interface RouteSet {
  readonly size: number;
  readonly high: number;
  readonly low: number;
}

/** No routes. */
export const EMPTY_SET: RouteSet = { size: 0, high: 0, low: 0 };

/** `set` without what is removed, which is in it, and with what is added, which is not. */
export function changedSet(set: RouteSet, { remove, add }: HostPatch): RouteSet {
  let { high, low } = set;
  for (const { route } of remove) {
    high = (high - hexNumber(route.hash, 0)) | 0;
    low = (low - hexNumber(route.hash, 8)) | 0;
  }
  for (const { route } of add) {
    high = (high + hexNumber(route.hash, 0)) | 0;
    low = (low + hexNumber(route.hash, 8)) | 0;
  }
  return { size: set.size + add.length - remove.length, high, low };
}

/** One text for equal sets. */
export function routeSetKey({ size, high, low }: RouteSet): string {
  return `${size} ${high} ${low}`;
}

/** Eight digits from `start`. (`parseInt` takes ten times as long, and every route of every host is asked.) */
function hexNumber(text: string, start: number): number {
  let number = 0;
  for (let index = start; index < start + 8; index++) {
    const code = text.charCodeAt(index);
    number = (number << 4) | (code < 0x3a ? code - 0x30 : code - 0x57);
  }
  return number;
}
