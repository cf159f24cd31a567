/** How an endpoint of a backend is chosen. */
import type { BalanceIr, ClusterIr, KeyIr } from "../../../ir/index.ts";
import { spreadHash } from "../../../util/hash.ts";
import type { Quoted } from "../../../util/templates.ts";
import type { Support } from "../../target.ts";
import { leastRequestByWeight } from "../../unequalWeights.ts";
import { readingOf } from "../fields.ts";
import { serverName } from "../names.ts";
import { expression, number } from "../quote.ts";

/** What HAProxy makes of unequal weights. */
export const leastRequest = leastRequestByWeight(
  "LB-LC-WEIGHTS-HAPROXY",
  "with unequal weights does not look at them while all endpoints are idle: HAProxy then takes them in turn, the other " +
    "proxies by weight (one request at a time at weights 3:1: 40:40 here, 60:20 there; eight at a time: 60:20).",
);

const noLatency = {
  refused: "`leastTime` is not in HAProxy; take leastRequest",
  code: "LB-LATENCY",
  when: (value: unknown) => value === "leastTime",
} as const satisfies Support;

/** What HAProxy says of the leaves of `balance`. */
export const balanceCapabilities = {
  "cluster.balance.policy": [leastRequest, noLatency],
  "cluster.balance.hash.by": "exact",
  "cluster.balance.hash.name": "exact",
  "cluster.balance.hash.boundedLoad": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** How `backend.hbs` writes the policy; all null or false: in turn. */
export interface BalanceView {
  readonly leastRequest: boolean;
  /** So many are drawn. */
  readonly draws: Quoted<"number"> | null;
  readonly hash: HashView | null;
}

interface HashView {
  /** What gives the key, before rules change the request; null: it is there without. */
  readonly reads: Quoted<"expression"> | null;
  readonly key: Quoted<"expression">;
  readonly boundedLoad: Quoted<"number"> | null;
}

/** The policy as a backend has it. */
export function balanceView(balance: BalanceIr): BalanceView {
  const { policy } = balance;
  const draws = policy === "random" ? 1 : policy === "powerOfTwo" ? 2 : null;
  return {
    leastRequest: policy === "leastRequest",
    draws: draws === null ? null : number(draws),
    hash: balance.policy === "hash" ? hashView(balance.key, balance.boundedLoad) : null,
  };
}

function hashView(key: KeyIr, boundedLoad: number | null): HashView {
  const bound = boundedLoad === null ? null : number(boundedLoad);
  if (key.kind === "source") return { reads: null, key: expression`src`, boundedLoad: bound };
  // Noted by the listener, before any rule writes a new one.
  if (key.kind === "path") return { reads: null, key: expression`var(txn.path)`, boundedLoad: bound };
  return { reads: readingOf(key).value, key: expression`var(txn.key)`, boundedLoad: bound };
}

/** The largest weight of a server. */
const MAX_WEIGHT = 256;
/**
 * A server has 16 points of the ring for each unit of its weight: at weight 1 shares would be off by a quarter. Ten times as many are
 * the 160 that nginx has. The factor is the same for all weights up to 25, so that an endpoint that comes or goes moves no others' keys.
 */
const RING_FACTOR = 10;

/** Where is drawn, no key has to stay: as many points as pay. Shares are off by 2 % among four endpoints; a backend keeps 15 MB at most. */
const DRAWN_WEIGHT = 16_384;

/** Weights of servers: chance and hash go by the points of a ring. */
export function serverWeights({ balance: { policy }, endpoints }: ClusterIr): readonly number[] {
  const weights = endpoints.map(({ weight }) => weight);
  const room = MAX_WEIGHT / Math.max(1, ...weights);
  if (policy === "hash") {
    const factor = Math.max(1, Math.min(RING_FACTOR, Math.floor(room)));
    return weights.map((weight) => weight * factor);
  }
  if (policy !== "random" && policy !== "powerOfTwo") return weights;
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const factor = Math.min(room, DRAWN_WEIGHT / Math.max(1, sum));
  return weights.map((weight) => Math.max(1, Math.round(weight * factor)));
}

/** HAProxy 2.6 multiplies an id by 4096 in 32 bits: of larger ids only these count. */
const IDS = 2 ** 20 - 1;

/**
 * Where servers stand on the ring is told by their ids, which are their places unless they are written: then the first that goes would
 * move nearly all keys. An id that the address gives stays; of two addresses with one id, the second takes the next that is free.
 */
export function serverIds({ balance, endpoints }: ClusterIr): readonly number[] | null {
  if (balance.policy !== "hash") return null;
  const taken = new Set<number>();
  return endpoints.map((endpoint) => {
    let id = 1 + (spreadHash(serverName(endpoint)) % IDS);
    while (taken.has(id)) id = 1 + (id % IDS);
    taken.add(id);
    return id;
  });
}
