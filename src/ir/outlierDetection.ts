/** Passive health, defaults filled in: endpoints that fail in the traffic itself are left out for a while. */
export interface OutlierDetectionIr {
  /** Connections in a row that could not be made. */
  readonly connectFailures: number;
  /** Answers in a row with a status of 5xx; null: none counts. */
  readonly serverErrors: number | null;
  /** Between two looks at an endpoint that may come back. */
  readonly intervalMs: number;
  readonly ejectForMs: number;
  /** Null: all but one. */
  readonly maxEjectedPercent: number | null;
}
