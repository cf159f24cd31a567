/** How nginx runs: what stands in front of all blocks. */
import type { ProcessIr } from "../../ir/index.ts";
import type { Support } from "../target.ts";
import { milliseconds, type Word, word } from "./quote.ts";

/** What nginx says of the leaves of `process`. */
export const processCapabilities = {
  "fleet.process.workers": "exact",
  "fleet.process.shutdownGrace": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Part of `nginx.hbs`. */
export interface ProcessView {
  readonly workers: Word;
  readonly shutdownGrace: Word;
}

/** Workers of before a reload go by the grace that they were started with. */
export function processView({ workers, shutdownGraceMs }: ProcessIr): ProcessView {
  return { workers: word(workers ?? "auto"), shutdownGrace: milliseconds(shutdownGraceMs) };
}
