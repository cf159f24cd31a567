/** A model from a file, without a server: shape, rules, compilation, capability gate. */
import { unreachedRules } from "../compiler/index.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { FleetIr } from "../ir/index.ts";
import {
  applyChanges,
  certificateTimes,
  changeTo,
  checkSnapshot,
  collectionOf,
  emptySnapshot,
  kinds,
  lint,
  type Snapshot,
  toldOnce,
  validateConfig,
} from "../model/index.ts";
import { createPipeline, type Pipeline } from "../pipeline/index.ts";
import { createMemoryKeeper, type OpenSecret, sealConfig } from "../secrets/index.ts";
import { loadTargets } from "../targets/registry.ts";
import { finish } from "../util/steps.ts";
import { inOrder, type LoadedDocument, type Place, type PlacedProblem } from "./document.ts";
import { loadDocuments } from "./documents.ts";

/** The fleets of a model, and the pipeline that renders them. */
export interface CompiledModel {
  /** By name. */
  readonly fleets: ReadonlyMap<string, FleetIr>;
  readonly pipeline: Pipeline;
}

export interface OfflineModel {
  /** The file, or how many there are. */
  readonly title: string;
  /** With references in the place of secrets. */
  readonly snapshot: Snapshot;
  /** Opens these. */
  readonly open: OpenSecret;
  /** Null when there are errors. */
  readonly compiled: CompiledModel | null;
  /** Errors and warnings, in the order of the document. */
  readonly problems: readonly PlacedProblem[];
}

/**
 * Reads and checks a model as the server would. Throws only when a file cannot be read. `load`: `loadJudges` for who does not
 * render.
 */
export async function loadModel(
  paths: readonly string[],
  load: typeof loadTargets = loadTargets,
  now: () => Date = () => new Date(),
): Promise<OfflineModel> {
  const document = await loadDocuments(paths);
  const { file: title } = document;
  if (document.problems.length > 0)
    return {
      title,
      snapshot: emptySnapshot,
      compiled: null,
      problems: document.problems,
      open: createMemoryKeeper().open,
    };
  const keeper = createMemoryKeeper();
  // A server's model, as `export` prints it, has references that only the server can open.
  const sealing = finish(sealConfig(document.value, { seal: keeper.seal, knows: () => true }));
  keeper.keep(sealing.secrets);
  const { resources, diagnostics } = validateConfig(sealing.document);
  const changes = resources.map(changeTo);
  const snapshot = applyChanges(emptySnapshot, changes);
  const found = [...sealing.found, ...diagnostics];
  if (found.length === 0) found.push(...checkSnapshot(snapshot, changes));
  let compiled: CompiledModel | null = null;
  if (!found.some(({ severity }) => severity === "error")) {
    const targets = await load([...snapshot.fleet.values()].map(({ body }) => body.proxy));
    const pipeline = createPipeline(targets);
    const { fleets } = finish(pipeline.compile(snapshot));
    for (const ir of fleets.values()) for (const diagnostic of finish(pipeline.gate(ir))) found.push(diagnostic);
    for (const diagnostic of finish(lint(snapshot))) found.push(diagnostic);
    found.push(...certificateTimes(resources, now()));
    for (const diagnostic of finish(unreachedRules(snapshot, fleets.values()))) found.push(diagnostic);
    compiled = { fleets, pipeline };
  }
  const pointers = pointersOf(sealing.document);
  const problems = inOrder(
    document,
    finish(toldOnce(found)).map((diagnostic) => place(document, pointers, diagnostic)),
  );
  return {
    title,
    snapshot,
    open: keeper.open,
    compiled: problems.some(({ severity }) => severity === "error") ? null : compiled,
    problems,
  };
}

/** `route/shop` -> `/routes/3`: the first of each name, also in a document that is no model. */
function pointersOf(value: unknown): ReadonlyMap<string, string> {
  const pointers = new Map<string, string>();
  for (const kind of kinds) {
    const collection = collectionOf(kind);
    const list: unknown = (value as Readonly<Record<string, unknown>> | null)?.[collection];
    for (const [index, item] of (Array.isArray(list) ? list : []).entries()) {
      const key = `${kind}/${item?.name}`;
      if (!pointers.has(key)) pointers.set(key, `/${collection}/${index}`);
    }
  }
  return pointers;
}

/** Pointers into resources become pointers into the document, as the server gives them. */
function place(document: LoadedDocument, pointers: ReadonlyMap<string, string>, diagnostic: Diagnostic): PlacedProblem {
  const { resource, related, ...problem } = diagnostic;
  const placeOf = ({ resource: of, pointer }: Pick<Diagnostic, "resource" | "pointer">): Place =>
    document.placeOf((of === undefined ? "" : (pointers.get(`${of.kind}/${of.name}`) ?? "")) + pointer);
  const place = placeOf(diagnostic);
  if (related === undefined) return { ...problem, ...place };
  const other = placeOf(related);
  const where = `${other.file}:${other.line}:${other.column}`;
  return { ...problem, message: `${problem.message} (${where})`, ...place, related: other };
}
