/**
 * A set of routes as two numbers: equal sets are equal, and to add or to remove a route costs the same however many there are. Which
 * routes serve a host is such a set, and it changes by one.
 */
import type { CompiledRoute, HostPatch } from "./changes.ts";

/** How many routes, and the sum of their hashes modulo 2^52: sets of one model meet by chance with a probability of 2^-52 a pair. */
export interface RouteSet {
  readonly size: number;
  readonly sum: number;
}

/** No routes. */
export const EMPTY_SET: RouteSet = { size: 0, sum: 0 };

/** Twice as much is still exact. */
const MODULUS = 2 ** 52;

/** `set` without what is removed, which is in it, and with what is added, which is not. */
export function changedSet(set: RouteSet, { remove, add }: HostPatch): RouteSet {
  let { sum } = set;
  for (const compiled of remove) sum = (sum + MODULUS - numberOf(compiled)) % MODULUS;
  for (const compiled of add) sum = (sum + numberOf(compiled)) % MODULUS;
  return { size: set.size + add.length - remove.length, sum };
}

/** One text for equal sets. */
export function routeSetKey({ size, sum }: RouteSet): string {
  return `${size} ${sum}`;
}

/** About the first 52 of a hash's 64 bits, rounded. */
function numberOf({ route }: CompiledRoute): number {
  return Math.floor(Number.parseInt(route.hash, 16) / 2 ** 12);
}
