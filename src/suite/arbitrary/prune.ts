/** Makes a document valid: what the model's rules object to is cut out, as little as possible, never the whole. */
import type { Diagnostic } from "../../errors/diagnostic.ts";
import { applyChanges, changeTo, checkSnapshot, emptySnapshot, validateConfig } from "../../model/index.ts";
import type { Schema } from "../../tooling/schemas.ts";
import { pointer, pointerTokens } from "../../util/pointer.ts";
import { collectionOf, type Document, KINDS, plain } from "./names.ts";

/** What shape and rules object to. */
export function errorsOf(document: object): readonly Diagnostic[] {
  const { resources, diagnostics } = validateConfig(document);
  if (diagnostics.length > 0) return diagnostics;
  const changes = resources.map(changeTo);
  const found = checkSnapshot(applyChanges(emptySnapshot, changes), changes);
  return found.filter(({ severity }) => severity === "error");
}

/** Cuts around problems until there is none. Changes the document. */
export function pruned(
  document: Document,
  problemsOf: (document: Document) => readonly Diagnostic[] = errorsOf,
): Document {
  for (;;) {
    // What was looked at is frozen.
    const problems = problemsOf(plain(document));
    if (problems.length === 0) return document;
    const doomed = new Map<unknown[], Set<number>>();
    // All of them before the first is made: what is gone already would be looked for in what held it.
    const cuts = problems.map((problem) => cutFor(document, pointerOf(problem, document)));
    for (const { container, key } of cuts) {
      if (Array.isArray(container)) doomed.set(container, (doomed.get(container) ?? new Set()).add(Number(key)));
      else delete container[key];
    }
    for (const [list, places] of doomed) list.splice(0, list.length, ...list.filter((_, index) => !places.has(index)));
  }
}

function pointerOf({ resource, pointer: at }: Diagnostic, document: Document): string {
  if (resource === undefined) return at;
  const list = collectionOf(resource.kind);
  return (
    pointer(
      list,
      (document[list] ?? []).findIndex(({ name }) => name === resource.name),
    ) + at
  );
}

/** A member of an object or list that can go. */
interface Cut {
  readonly container: Record<string, unknown>;
  readonly key: string;
}

/** The innermost part around a place without which the rest keeps its shape: an optional field or an element of a list. */
function cutFor(document: Document, at: string): Cut {
  const [collection = "", index = "", ...tokens] = pointerTokens(at);
  const list = document[collection] as unknown as Record<string, unknown>;
  let cut: Cut = { container: list, key: index };
  let value: unknown = list[index];
  let schema: Schema | undefined = KINDS.find((kind) => kind.collection === collection)?.schema;
  for (const token of tokens) {
    const container = value as Record<string, unknown> | undefined;
    if (container?.[token] === undefined || schema === undefined) break;
    if (Array.isArray(container) ? container.length > (schema.minItems ?? 0) : isOptional(schema, token))
      cut = { container, key: token };
    value = container[token];
    schema = Array.isArray(container) ? schema.items : schema.properties?.[token];
  }
  return cut;
}

/** A list that must not be empty stays while what it stands in does: without it, that would mean everything. */
function isOptional({ required = [], oneOf = [], properties = {} }: Schema, name: string): boolean {
  return (
    ![...required, ...oneOf.flatMap((branch) => branch.required)].includes(name) &&
    (properties[name]?.minItems ?? 0) === 0
  );
}
