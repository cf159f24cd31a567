/** Slow start, which is part of a policy's own message. */
import type { SlowStartIr } from "../../../ir/index.ts";
import { duration } from "../types.ts";

/** For policies that have it. */
export function slowStart(asked: SlowStartIr | null) {
  if (asked === null) return {};
  const { windowMs, minPercent } = asked;
  return { slowStartConfig: { slowStartWindow: duration(windowMs), minWeightPercent: { value: minPercent } } };
}
