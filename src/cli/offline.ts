/** A model from a file, without a server: shape, rules, compilation, capability gate. */
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr } from "../ir/index.ts";
import {
  applyChanges,
  changeTo,
  checkSnapshot,
  collectionOf,
  emptySnapshot,
  type Kind,
  type Resource,
  type Snapshot,
  toldOnce,
  validateConfig,
} from "../model/index.ts";
import { createPipeline, type Pipeline } from "../pipeline/index.ts";
import { loadTargets } from "../targets/registry.ts";
import { finish } from "../util/steps.ts";
import { type LoadedDocument, loadDocument, type PlacedProblem } from "./document.ts";

/** The fleets of a model, and the pipeline that renders them. */
export interface CompiledModel {
  /** By name. */
  readonly fleets: ReadonlyMap<string, FleetIr>;
  readonly pipeline: Pipeline;
}

export interface OfflineModel {
  readonly snapshot: Snapshot;
  /** Null when there are errors. */
  readonly compiled: CompiledModel | null;
  /** Errors and warnings, in the order of the document. */
  readonly problems: readonly PlacedProblem[];
}

/** Reads and checks a model file as the server would. Throws only when the file cannot be read. */
export async function loadModel(file: string): Promise<OfflineModel> {
  const document = await loadDocument(file);
  if (document.problems.length > 0) return { snapshot: emptySnapshot, compiled: null, problems: document.problems };
  const { resources, diagnostics } = validateConfig(document.value);
  const changes = resources.map(changeTo);
  const snapshot = applyChanges(emptySnapshot, changes);
  const found = [...diagnostics];
  if (found.length === 0) found.push(...checkSnapshot(snapshot, changes));
  let compiled: CompiledModel | null = null;
  if (!found.some(({ severity }) => severity === "error")) {
    const targets = await loadTargets([...snapshot.fleet.values()].map(({ body }) => body.proxy));
    const pipeline = createPipeline(targets);
    const { fleets } = finish(pipeline.compile(snapshot));
    for (const ir of fleets.values()) for (const diagnostic of finish(pipeline.gate(ir))) found.push(diagnostic);
    compiled = { fleets, pipeline };
  }
  const pointers = pointersOf(resources);
  const problems = finish(toldOnce(found))
    .map((diagnostic) => place(document, pointers, diagnostic))
    .sort((a, b) => a.line - b.line || a.column - b.column);
  return { snapshot, compiled: problems.some(({ severity }) => severity === "error") ? null : compiled, problems };
}

/** `route/shop` -> `/routes/3`. */
function pointersOf(resources: readonly Resource[]): ReadonlyMap<string, string> {
  const counts = new Map<Kind, number>();
  const pointers = new Map<string, string>();
  for (const { kind, name } of resources) {
    const index = counts.get(kind) ?? 0;
    counts.set(kind, index + 1);
    pointers.set(`${kind}/${name}`, `/${collectionOf(kind)}/${index}`);
  }
  return pointers;
}

/** Pointers into resources become pointers into the document, as the server gives them. */
function place(document: LoadedDocument, pointers: ReadonlyMap<string, string>, diagnostic: Diagnostic): PlacedProblem {
  const { resource, ...problem } = diagnostic;
  const above = resource === undefined ? "" : (pointers.get(`${resource.kind}/${resource.name}`) ?? "");
  const pointer = above + problem.pointer;
  return { ...problem, pointer, file: document.file, ...document.placeOf(pointer) };
}
