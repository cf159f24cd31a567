/** How nginx runs: what stands in front of all blocks. */
import type { ProcessIr } from "../../ir/index.ts";
import type { Support } from "../target.ts";
import { milliseconds, type Word } from "./quote.ts";

/** What nginx says of the leaves of `process`. */
export const processCapabilities = {
  "fleet.process.shutdownGrace": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Part of `nginx.hbs`. */
export interface ProcessView {
  readonly shutdownGrace: Word;
}

/** Workers of before a reload go by the grace that they were started with. */
export function processView({ shutdownGraceMs }: ProcessIr): ProcessView {
  return { shutdownGrace: milliseconds(shutdownGraceMs) };
}
