/** How long what drained endpoints have may go on, for a proxy that ends it only when it is told: a file that the agent beside it reads. */

/** The file's path. It is no file of the proxy's. */
export const DRAIN_PLAN_FILE = "drains.json";

/** What the file holds, as JSON. */
export interface DrainPlan {
  /** Milliseconds, by the proxy's own name of a group of endpoints; ascending. Groups without a limit are left out. */
  readonly groups: Readonly<Record<string, number>>;
}
