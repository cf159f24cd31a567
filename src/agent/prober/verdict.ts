/** What a row of probes says of an endpoint: as Envoy and HAProxy count. */
import type { HealthCheckIr } from "../../ir/index.ts";

/** `unknown`: the check's `initial` says what it gets. */
export type Health = "unknown" | "up" | "down";

export interface Verdict {
  readonly health: Health;
  /** Probes in a row that say the opposite. */
  readonly against: number;
}

/** Of an endpoint that was not probed yet. */
export const UNKNOWN: Verdict = { health: "unknown", against: 0 };

/** After one more probe. The first decides at once; later `fall` failures in a row, or `rise` successes. */
export function judged(
  { health, against }: Verdict,
  passed: boolean,
  { rise, fall }: Pick<HealthCheckIr, "rise" | "fall">,
): Verdict {
  const said: Health = passed ? "up" : "down";
  if (health === "unknown") return { health: said, against: 0 };
  if (health === said) return { health, against: 0 };
  return against + 1 >= (passed ? rise : fall) ? { health: said, against: 0 } : { health, against: against + 1 };
}
