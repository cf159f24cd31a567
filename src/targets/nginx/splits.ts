/** Weighted splits as `split_clients`, whose shares are whole hundredths of a percent. */
import type { SplitIr } from "../../ir/index.ts";
import { foundByInspection, type Support } from "../target.ts";
import { type Param, param, variable, word } from "./quote.ts";
import type { SplitView } from "./views.ts";

/** `split_clients` takes two decimals of a percent. */
const SHARE_UNITS = 10_000;
/** How far a share may be off before the user is told. */
const SHARE_TOLERANCE = 0.05;

/** What nginx does with shares that are too small; only a split as a whole shows it, so the table itself never finds it. */
export const coarseShares = {
  approximated: "splits in steps of 0.01 %; the smallest share is off by more than 5 % of itself",
  code: "L7-SPLIT-RESOLUTION",
  when: foundByInspection,
} as const satisfies Support;

/**
 * Differs from request to request, and costs less than `$request_id` (random bytes): nginx's murmur hash of it gave 90.1 to
 * 90.3 % for 90 % on one connection and on 20 000.
 */
export const REQUEST_SEED: Param = param(
  variable("pid"),
  ":",
  variable("connection"),
  ":",
  variable("connection_requests"),
  ":",
  variable("msec"),
);

/**
 * Shares in units of 0.01 %, at least one each, adding up to 10 000; each differs from the exact share by at most one unit as
 * long as no exact share is under one unit.
 */
export function sharesOf(split: SplitIr): readonly number[] {
  const total = split.reduce((sum, { weight }) => sum + weight, 0);
  let passed = 0;
  let edge = 0;
  const shares = split.map(({ weight }) => {
    passed += weight;
    const next = Math.round((passed * SHARE_UNITS) / total);
    const share = next - edge;
    edge = next;
    return share;
  });
  for (const [index, share] of shares.entries()) {
    if (share > 0) continue;
    const largest = shares.indexOf(Math.max(...shares));
    shares[largest] = (shares[largest] as number) - 1;
    shares[index] = 1;
  }
  return shares;
}

/** Whether some share comes out far from what was asked for. */
export function isCoarse(split: SplitIr): boolean {
  const total = split.reduce((sum, { weight }) => sum + weight, 0);
  const shares = sharesOf(split);
  return split.some(({ weight }, index) => {
    const exact = (weight * SHARE_UNITS) / total;
    return Math.abs((shares[index] as number) - exact) > exact * SHARE_TOLERANCE;
  });
}

/** The lines of `split_clients`; `targets`: for each cluster what the variable gives. */
export function sharesView(split: SplitIr, targets: readonly string[]): SplitView["shares"] {
  const shares = sharesOf(split);
  return split.map((_, index) => ({
    share: word(index === split.length - 1 ? "*" : `${((shares[index] as number) / 100).toFixed(2)}%`),
    target: word(targets[index] as string),
  }));
}
