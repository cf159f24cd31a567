/**
 * A set of names as a number: equal sets are equal, and to add or to remove a name costs the same however many there are. Which
 * routes serve a host is such a set, and it changes by one.
 */
import { hash } from "node:crypto";

/** How many names, and the sum of their hashes modulo 2^64: sets of one model meet by chance with a probability of 2^-64 a pair. */
export interface NameSet {
  readonly size: number;
  readonly sum: bigint;
}

/** 64 bits. */
const HEX_DIGITS = 16;

/** No names. */
export const EMPTY_SET: NameSet = { size: 0, sum: 0n };

/** `name` is not in it. */
export function addName({ size, sum }: NameSet, name: string): NameSet {
  return { size: size + 1, sum: BigInt.asUintN(64, sum + hashOf(name)) };
}

/** `name` is in it. */
export function removeName({ size, sum }: NameSet, name: string): NameSet {
  return { size: size - 1, sum: BigInt.asUintN(64, sum - hashOf(name)) };
}

/** One text for equal sets. */
export function nameSetKey({ size, sum }: NameSet): string {
  return `${size} ${sum}`;
}

function hashOf(name: string): bigint {
  return BigInt(`0x${hash("sha256", name, "hex").slice(0, HEX_DIGITS)}`);
}
