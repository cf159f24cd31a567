/** How HAProxy runs: what stands in `global`. */
import type { ProcessIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import type { Support } from "../target.ts";
import { time } from "./quote.ts";

/** What HAProxy says of the leaves of `process`. */
export const processCapabilities = {
  "fleet.process.shutdownGrace": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Part of `global.hbs`. */
export interface ProcessView {
  readonly shutdownGrace: Quoted<"time">;
}

/** Workers of before a reload go by the grace that they were started with. */
export function processView({ shutdownGraceMs }: ProcessIr): ProcessView {
  return { shutdownGrace: time(shutdownGraceMs) };
}
