/** Documents in, resources or problems out. */
import type { Diagnostic } from "../errors/diagnostic.ts";
import { pointer, pointerTokens } from "../util/pointer.ts";
import { finish, type Steps, shouldYield } from "../util/steps.ts";
import { createChecker } from "./check.ts";
import { collectionOf, collections, kinds } from "./kinds.ts";
import { referencesIn } from "./references.ts";
import { dangling } from "./rules/references.ts";
import { type Known, type Names, namesOf } from "./rules/rule.ts";
import { createScale, type Scale } from "./scale.ts";
import { applyChanges, changeTo, emptySnapshot, makeResource } from "./snapshot.ts";
import type { Bodies, Change, Kind, Resource, Snapshot } from "./types.ts";
import { checkConfigShape, checkShape, MAX_PROBLEMS } from "./validate.ts";

/** A resource without problems, or problems (at least one) without a resource. */
export type ResourceResult<K extends Kind> =
  | { readonly resource: Resource<K>; readonly diagnostics: readonly [] }
  | { readonly resource: null; readonly diagnostics: readonly Diagnostic[] };

/**
 * One document of a kind. Pointers are relative to it. When it is misshapen, names that it gives and that `base`, the model
 * that it is meant for, does not have are told too.
 */
export function validateResource<K extends Kind>(kind: K, document: unknown, base?: Snapshot): ResourceResult<K> {
  const diagnostics = checkShape(kind, document);
  if (diagnostics.length === 0) return { resource: makeResource(kind, document as Bodies[K]), diagnostics: [] };
  if (base !== undefined)
    diagnostics.push(
      ...danglingIn({ kind, body: document, at: "" }, base, {
        reported: pointersOf(diagnostics),
        names: namesOf(() => false),
      }),
    );
  return { resource: null, diagnostics };
}

export interface ConfigResult {
  /** In document order. Empty when there are problems. */
  readonly resources: readonly Resource[];
  /** Pointers into the document, as `/routes/3/rules/0`. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * A whole configuration document: its shape, and that no name stands twice in a kind. When there are such problems, those
 * that `checkSnapshot` finds in the rest of it are told too. `base` is the model that the document is added to then.
 */
export function validateConfig(document: unknown, base: Snapshot = emptySnapshot): ConfigResult {
  return finish(validateConfigSteps(document, base));
}

/** `validateConfig` in steps. */
export function* validateConfigSteps(
  document: unknown,
  base: Snapshot = emptySnapshot,
  scale: Scale = createScale(),
): Steps<ConfigResult> {
  const misshapen = yield* checkConfigShape(document ?? {});
  // Not all of it was looked at.
  if (misshapen.length >= MAX_PROBLEMS) return { resources: [], diagnostics: misshapen };
  const { sound, unsound, doubles } = yield* sortOut(document, misshapen);
  const found = [...misshapen, ...doubles];
  if (found.length === 0) return { resources: [...sound.values()], diagnostics: [] };
  const rest = yield* judgeRest({ sound, unsound }, base, {
    misshapen,
    unread: unreadKinds(document, misshapen),
    scale,
  });
  return { resources: [], diagnostics: [...found, ...rest] };
}

/**
 * The problems of a document that is so misshapen that `validateConfig` looks at nothing but them; null: it is judged whole. Said
 * without a model, so that whoever has none can spare others the document.
 */
export function beyondJudging(document: unknown): readonly Diagnostic[] | null {
  const misshapen = finish(checkConfigShape(document ?? {}));
  return misshapen.length >= MAX_PROBLEMS ? misshapen : null;
}

/** An entry of a configuration. */
interface Entry {
  readonly kind: Kind;
  readonly body: unknown;
  /** Its pointer. */
  readonly at: string;
}

interface Sorted {
  /** What can be part of a model, by pointer. */
  readonly sound: ReadonlyMap<string, Resource>;
  /** What is misshapen, or has the name of an earlier one. */
  readonly unsound: readonly Entry[];
}

function* sortOut(
  document: unknown,
  misshapen: readonly Diagnostic[],
): Steps<Sorted & { readonly doubles: readonly Diagnostic[] }> {
  const broken = new Set(misshapen.map((problem) => pointer(...pointerTokens(problem.pointer).slice(0, 2))));
  const sound = new Map<string, Resource>();
  const unsound: Entry[] = [];
  const doubles: Diagnostic[] = [];
  for (const kind of kinds) {
    /** The pointer of the first of each name. */
    const seen = new Map<string, string>();
    for (const [index, body] of listOf(document, kind).entries()) {
      const at = pointer(collectionOf(kind), index);
      const name = nameOf(body);
      const first = name === undefined ? undefined : seen.get(name);
      const isDouble = first !== undefined;
      if (isDouble) {
        const message = `there is another ${kind} named ${JSON.stringify(name)}`;
        const related = { pointer: `${first}/name` };
        doubles.push({ code: "MODEL-DUPLICATE-NAME", severity: "error", message, pointer: `${at}/name`, related });
      } else if (name !== undefined) seen.set(name, at);
      if (isDouble || broken.has(at)) unsound.push({ kind, body, at });
      else sound.set(at, makeResource(kind, body as Bodies[typeof kind]));
      yield;
    }
  }
  return { sound, unsound, doubles };
}

/** What was told already. */
interface Told {
  readonly misshapen: readonly Diagnostic[];
}

/** What follows from nothing that is misshapen. */
function* judgeRest(
  { sound, unsound }: Sorted,
  base: Snapshot,
  { misshapen, unread, scale }: Told & { readonly unread: ReadonlySet<Kind>; readonly scale: Scale },
): Steps<Diagnostic[]> {
  const places = new Map<string, string>();
  const changes: Change[] = [];
  for (const [at, resource] of sound) {
    places.set(`${resource.kind}/${resource.name}`, at);
    changes.push(changeTo(resource));
    if (shouldYield(changes.length)) yield;
  }
  const names = new Set<string>();
  for (const { kind, body } of unsound) {
    const name = nameOf(body);
    if (name === undefined || places.has(`${kind}/${name}`)) continue;
    names.add(`${kind}/${name}`);
    changes.push({ kind, name, resource: null });
  }
  const known: Known = (kind, name) => unread.has(kind) || names.has(`${kind}/${name}`);
  const snapshot = applyChanges(base, changes);
  yield;
  const reported = pointersOf(misshapen);
  const found: Diagnostic[] = [];
  const tooLarge = yield* scale.judge(base, snapshot, changes);
  for (const problem of tooLarge.length > 0 ? tooLarge : yield* createChecker()(snapshot, changes, known)) {
    const { resource, ...more } = problem;
    const at = resource && places.get(`${resource.kind}/${resource.name}`);
    found.push(at === undefined ? problem : { ...more, pointer: at + problem.pointer });
    if (shouldYield(found.length)) yield;
  }
  const hinting = namesOf(known);
  for (const entry of unsound) {
    found.push(...danglingIn(entry, snapshot, { reported, names: hinting }));
    yield;
  }
  return found;
}

function pointersOf(found: readonly Diagnostic[]): ReadonlySet<string> {
  return new Set(found.map((problem) => problem.pointer));
}

/** References of a document of any shape that name nothing. Of the places in `told` something else was said. */
function danglingIn(
  { kind, body, at }: Entry,
  snapshot: Snapshot,
  { reported, names }: { readonly reported: ReadonlySet<string>; readonly names: Names },
): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const problem of dangling(referencesIn(kind, body), snapshot, names)) {
    const place = at + problem.pointer;
    if (!reported.has(place)) found.push({ ...problem, pointer: place });
    if (found.length >= MAX_PROBLEMS) break;
  }
  return found;
}

/** Kinds of which the document may have more than can be seen: the list is none, or perhaps misspelt, or an entry has no name. */
function unreadKinds(document: unknown, misshapen: readonly Diagnostic[]): ReadonlySet<Kind> {
  const lists = (document ?? {}) as Readonly<Record<string, unknown>>;
  const isMisspelt = misshapen.some((problem) => {
    const [list = "", ...below] = pointerTokens(problem.pointer);
    return below.length === 0 && !collections.some((name) => name === list);
  });
  return new Set(
    kinds.filter((kind) => {
      const list = lists[collectionOf(kind)];
      if (list === undefined) return isMisspelt;
      return !Array.isArray(list) || list.some((body) => nameOf(body) === undefined);
    }),
  );
}

function listOf(document: unknown, kind: Kind): readonly unknown[] {
  const list = (document as Readonly<Record<string, unknown>> | null | undefined)?.[collectionOf(kind)];
  return Array.isArray(list) ? list : [];
}

function nameOf(body: unknown): string | undefined {
  const { name } = (body ?? {}) as { readonly name?: unknown };
  return typeof name === "string" ? name : undefined;
}
