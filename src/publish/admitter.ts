/** What would be said of a model if it were committed: whether it fits, and what its proxies cannot do. */
import type { Compiled } from "../compiler/index.ts";
import { type Diagnostic, diagnosticKey } from "../errors/diagnostic.ts";
import { emptySnapshot, type Snapshot } from "../model/index.ts";
import type { Gate, Pipeline } from "../pipeline/index.ts";
import { sortedByKeySteps } from "../util/sorted.ts";
import type { Steps } from "../util/steps.ts";
import { overweight, WEIGHTLESS, type WeighAll, type Weights } from "./overweight.ts";
import type { Admitter } from "./types.ts";

/** An admitter that has seen no model yet. */
export function createAdmitter(pipeline: Pipeline, weigh: WeighAll): Admitter {
  const gate = pipeline.createGate();
  let last: Snapshot | null = null;

  function* weightsOf(base: Snapshot): Steps<Weights> {
    try {
      return yield* weigh(yield* pipeline.compile(base, last ?? emptySnapshot));
    } catch {
      // Its commit has told of it, and a write may mend it.
      return WEIGHTLESS;
    }
  }

  return function* (snapshot, base) {
    const before = yield* weightsOf(base);
    const compiled = yield* pipeline.compile(snapshot, last ?? base);
    last = snapshot;
    const tooHeavy = yield* overweight(yield* weigh(compiled), before, pipeline);
    return { diagnostics: tooHeavy.length > 0 ? tooHeavy : yield* findings(compiled, gate) };
  };
}

/** What the proxies of every fleet cannot do, or do approximately. Sorted. */
function* findings({ fleets }: Compiled, gate: Gate): Steps<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (const ir of fleets.values()) {
    for (const diagnostic of yield* gate(ir)) found.push(diagnostic);
  }
  return yield* sortedByKeySteps(found, diagnosticKey);
}
