/** How an endpoint of a cluster is chosen. */
import type { FieldIr } from "./condition.ts";

/**
 * A policy. roundRobin: in turn, by weight. leastRequest: the one with the fewest requests under way for its weight. powerOfTwo: of two
 * that are drawn by weight, the one with fewer requests under way. random: drawn by weight. hash: the one that the key stands for, as
 * long as it is there. leastTime: the one that answers fastest.
 */
export type BalancePolicy = "roundRobin" | "leastRequest" | "powerOfTwo" | "random" | "hash" | "leastTime";

/** The policy of a cluster, with what it needs. */
export type BalanceIr = { readonly policy: Exclude<BalancePolicy, "hash"> } | ({ readonly policy: "hash" } & HashIr);

/** Of a TCP port the key is the source. A request without a key (missing or empty) goes to any endpoint. */
export interface HashIr {
  readonly key: KeyIr;
  /** The most requests under way of an endpoint, in percent of the mean; null: no bound. */
  readonly boundedLoad: number | null;
}

/** What a request is hashed by, as the client sent it; path: the raw path without the query. */
export type KeyIr = Exclude<FieldIr, { kind: "method" | "geo" }> | { readonly kind: "path" };
