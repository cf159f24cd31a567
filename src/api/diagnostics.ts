/** The model's findings in the words of the API: pointers relative to what the client sent. */
import type { ApiCode } from "../errors/codes.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import { collectionOf } from "../model/index.ts";
import type { Collection, Kind } from "../model/types.ts";
import { MAX_ERRORS } from "./limits.ts";
import { Problem, type ProblemItem } from "./problem.ts";

/** Where resources stand in the submitted document: `route`, `api` -> `/routes/3` (or `""`); undefined: not in it. */
export type Locate = (kind: string, name: string) => string | undefined;

/** The submitted document is one resource. */
export function locateOne(kind: Kind, name: string): Locate {
  return (otherKind, otherName) => (otherKind === kind && otherName === name ? "" : undefined);
}

/** Nothing was submitted (DELETE, restore). */
export const locateNone: Locate = () => undefined;

/** The submitted document is a whole configuration, whose shape is valid. */
export function locateIn(document: unknown): Locate {
  // Made list by list when something is looked for there: most writes find nothing to tell.
  const places = new Map<Collection, ReadonlyMap<string, number>>();
  const listOf = (collection: Collection): ReadonlyMap<string, number> => {
    const list = ((document ?? {}) as Partial<Record<Collection, readonly { name: string }[]>>)[collection] ?? [];
    const known = places.get(collection) ?? new Map(list.map(({ name }, index) => [name, index]));
    places.set(collection, known);
    return known;
  };
  return (kind, name) => {
    const collection = collectionOf(kind as Kind);
    const index = listOf(collection).get(name);
    return index === undefined ? undefined : `/${collection}/${index}`;
  };
}

/** One finding as the API tells it. What stands in the submitted document is named by its pointer alone, all else also by `resource`. */
export function toItem(
  { code, message, resource, pointer, related, fleet, proxy }: Diagnostic,
  locate: Locate,
): ProblemItem {
  const place = resource === undefined ? "" : locate(resource.kind, resource.name);
  return {
    pointer: (place ?? "") + pointer,
    code,
    message: related !== undefined && related.resource === undefined ? `${message} (${related.pointer})` : message,
    ...(resource !== undefined && place === undefined
      ? { resource: `${collectionOf(resource.kind as Kind)}/${resource.name}` }
      : {}),
    ...(fleet === undefined ? {} : { fleet }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

/**
 * The problem that refuses a write, or null when no finding is an error. Of more than MAX_ERRORS the rest is only counted. `first`
 * is what its summary begins with.
 */
export function refusal(
  diagnostics: readonly Diagnostic[],
  locate: Locate,
  first: readonly string[] = [],
): Problem | null {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return null;
  const isOwned = errors.some(({ code }) => code === ("API-OWNED-BY-OTHER" satisfies ApiCode));
  return new Problem(
    isOwned ? "API-OWNED-BY-OTHER" : "API-INVALID",
    [...first, errors.length === 1 ? "1 problem" : `${errors.length} problems`, "nothing was stored"].join("; "),
    { errors: errors.slice(0, MAX_ERRORS).map((entry) => toItem(entry, locate)), errorCount: errors.length },
  );
}

/** Throws the same. */
export function refuse(diagnostics: readonly Diagnostic[], locate: Locate, first?: readonly string[]): void {
  const problem = refusal(diagnostics, locate, first);
  if (problem !== null) throw problem;
}
