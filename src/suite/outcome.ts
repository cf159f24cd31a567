/** What a pipeline makes of a model: IR, verdicts and output of every fleet, to be compared. */
import type { Compiled } from "../compiler/index.ts";
import { type Diagnostic, diagnosticKey } from "../errors/diagnostic.ts";
import type { FleetIr } from "../ir/index.ts";
import { applyChanges, changeTo, checkSnapshot, emptySnapshot, type Snapshot, validateConfig } from "../model/index.ts";
import type { createPipeline } from "../pipeline/index.ts";
import { compareText } from "../util/sorted.ts";
import { finish } from "../util/steps.ts";
import { plain } from "./arbitrary/names.ts";
import { renderedText, targets } from "./modelFiles.ts";

type Pipeline = ReturnType<typeof createPipeline>;

/** One fleet's. */
export interface Outcome {
  readonly proxy: string;
  readonly ir: FleetIr;
  /** Sorted. */
  readonly verdicts: readonly Diagnostic[];
  /** All bytes; null where the gate refuses the fleet. */
  readonly text: string | null;
}

/** The snapshot that a document stands for, all of it new objects; null when it is no valid model. */
export function freshSnapshot(document: object): Snapshot | null {
  const { resources, diagnostics } = validateConfig(plain(document));
  if (diagnostics.length > 0) return null;
  const changes = resources.map(changeTo);
  const snapshot = applyChanges(emptySnapshot, changes);
  const isValid = checkSnapshot(snapshot, changes).every(({ severity }) => severity !== "error");
  return isValid ? snapshot : null;
}

/** By fleet. */
export function outcomesOf(pipeline: Pipeline, snapshot: Snapshot): Map<string, Outcome> {
  const compiled: Compiled = finish(pipeline.compile(snapshot));
  return new Map(
    [...compiled.fleets].map(([name, ir]) => {
      const found: Diagnostic[] = finish(pipeline.gate(ir));
      const verdicts = found.sort((a, b) => compareText(diagnosticKey(a), diagnosticKey(b)));
      const isRefused = verdicts.some(({ severity }) => severity === "error");
      const text = isRefused ? null : renderedText(finish(pipeline.render(ir, targets.get(ir.proxy).output)).whole);
      return [name, { proxy: ir.proxy, ir, verdicts, text }];
    }),
  );
}
