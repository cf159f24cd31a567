/** How HAProxy runs: what stands in `global`. */
import type { ProcessIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import type { Support } from "../target.ts";
import { number, time } from "./quote.ts";

/** What HAProxy says of the leaves of `process`. */
export const processCapabilities = {
  "fleet.process.workers": "exact",
  "fleet.process.shutdownGrace": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Part of `global.hbs`. */
export interface ProcessView {
  /** Null: as many as the machine has CPUs. */
  readonly workers: Quoted<"number"> | null;
  readonly shutdownGrace: Quoted<"time">;
}

/** Workers of before a reload go by the grace that they were started with. */
export function processView({ workers, shutdownGraceMs }: ProcessIr): ProcessView {
  return { workers: workers === null ? null : number(workers), shutdownGrace: time(shutdownGraceMs) };
}
