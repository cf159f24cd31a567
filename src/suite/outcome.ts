/** What a pipeline makes of a model: IR, verdicts and output of every fleet, to be compared. */
import type { Compiled } from "../compiler/index.ts";
import { type Diagnostic, diagnosticKey } from "../errors/diagnostic.ts";
import type { FleetIr } from "../ir/index.ts";
import {
  applyChanges,
  type Change,
  changeTo,
  checkSnapshot,
  diffSnapshots,
  emptySnapshot,
  type Snapshot,
  validateConfig,
} from "../model/index.ts";
import type { createPipeline } from "../pipeline/index.ts";
import { deepFreeze } from "../util/freeze.ts";
import { compareText } from "../util/sorted.ts";
import { finish } from "../util/steps.ts";
import { type Document, KINDS, plain } from "./arbitrary/names.ts";
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
  return changedSnapshot(emptySnapshot, resources.map(changeTo));
}

/** A document, and the valid snapshot that it stands for. */
export interface Valid {
  readonly document: Document;
  readonly snapshot: Snapshot;
}

/**
 * The snapshot of a document that differs little from a valid one; null when it is no valid model, or the same one. Only what differs is
 * looked at, and objects of the rest are kept: hundreds of edits of a model take a tenth of the time so.
 */
export function editedSnapshot(before: Valid, document: Document): Snapshot | null {
  const differing = KINDS.filter(
    ({ collection }) => textOf(document, collection) !== textOf(before.document, collection),
  );
  const part = Object.fromEntries(differing.map(({ collection }) => [collection, plain(document[collection] ?? [])]));
  const { resources, diagnostics } = validateConfig(part);
  if (diagnostics.length > 0) return null;
  const without = Object.fromEntries(differing.map(({ kind }) => [kind, new Map()]));
  const next = applyChanges({ ...before.snapshot, ...without }, resources.map(changeTo));
  const changes = diffSnapshots(before.snapshot, next);
  return changes.length === 0 ? null : changedSnapshot(before.snapshot, changes);
}

function textOf(document: Document, collection: string): string {
  return JSON.stringify(document[collection] ?? []);
}

function changedSnapshot(before: Snapshot, changes: readonly Change[]): Snapshot | null {
  const snapshot = applyChanges(before, changes);
  const isValid = checkSnapshot(snapshot, changes).every(({ severity }) => severity !== "error");
  return isValid ? snapshot : null;
}

/** The same, of new objects: nothing that is remembered of an object is found again. */
export function copied(snapshot: Snapshot): Snapshot {
  const copies = Object.entries(snapshot).map(([kind, resources]) => {
    const all = [...(resources as ReadonlyMap<string, { readonly body: object }>)];
    return [kind, new Map(all.map(([name, each]) => [name, { ...each, body: deepFreeze(plain(each.body)) }]))];
  });
  return Object.fromEntries(copies) as Snapshot;
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
