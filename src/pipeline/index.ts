/**
 * The pipeline room: compiler, gate and targets as one, with the memory that they share.
 *
 * Input: snapshots, one after the other, and the targets of their fleets. Output: frozen IR per fleet, what a fleet's proxies
 * cannot do, and what they get. Guarantee: a result depends on its input alone, a change costs what changed, and all that is
 * remembered from one model to the next is kept here: two pipelines know nothing of each other, so there is one per publisher,
 * plan or test. It knows no proxy's name, no client and no clock; whoever runs its steps must not run two looks of one gate, or
 * two renderings of one fleet at once. Compilations may be under way side by side.
 */
export { createPipeline, type Gate, type Pipeline } from "./pipeline.ts";
export { effectOf, OUTPUT_KINDS, type OutputKind, type Rendering } from "./rendering.ts";
export type { Weight } from "./weight.ts";
