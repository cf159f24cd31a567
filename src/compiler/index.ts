/**
 * The compiler room.
 *
 * Input: a snapshot (a value), and the result for an earlier snapshot. Output: frozen IR per fleet. Guarantee: the result
 * depends on the snapshot alone, whatever the compiler remembers; nodes whose inputs did not change are the same objects as in
 * the earlier result; the cost of a change is the cost of the hosts that it touches plus a scan of names. The snapshot has
 * passed the model's rules. It reads no file, network or clock and knows no proxy; where it may rest it yields (util/steps.ts).
 */
export { type Compiled, type Compiler, createCompiler } from "./compile.ts";
export { type ExplainRequest, explain } from "./explain.ts";
export type { ExplainedRule, Explanation } from "./explanation.ts";
export { lookupsOf } from "./passes/lookups.ts";
export { compileProcess } from "./passes/process.ts";
export { unreachedRules } from "./unreached.ts";
