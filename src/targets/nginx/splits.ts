/** Weighted splits as `split_clients`, whose shares are whole hundredths of a percent. */
import type { SplitIr } from "../../ir/index.ts";
import { type Namer, upstreamName } from "./names.ts";
import { type Param, type Variable, variable, word } from "./quote.ts";
import type { SplitView } from "./views.ts";

/** `split_clients` takes two decimals of a percent. */
export const SHARE_UNITS = 10_000;

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

/** The variable that picks an upstream for a split of two or more clusters. */
export function splitVariable(split: SplitIr, namer: Namer): Variable {
  return variable(`sp_${namer("split", split)}`);
}

/** `seed`: a value that is random, or at least distinct, for each request or connection. */
export function lowerSplit(split: SplitIr, name: Variable, seed: Param): SplitView {
  const shares = sharesOf(split);
  return {
    seed,
    name,
    shares: split.map(({ cluster }, index) => ({
      share: word(index === split.length - 1 ? "*" : `${((shares[index] as number) / 100).toFixed(2)}%`),
      upstream: word(upstreamName(cluster)),
    })),
  };
}
