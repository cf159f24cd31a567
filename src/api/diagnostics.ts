/** The model's findings in the words of the API: pointers relative to what the client sent. */
import type { Diagnostic } from "../errors/diagnostic.ts";
import { collectionOf } from "../model/index.ts";
import type { Kind } from "../model/types.ts";
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
  const places = new Map<string, string>();
  for (const [collection, list] of Object.entries((document ?? {}) as Record<string, readonly { name: string }[]>)) {
    for (const [index, { name }] of list.entries()) places.set(`${collection}/${name}`, `/${collection}/${index}`);
  }
  return (kind, name) => places.get(`${collectionOf(kind as Kind)}/${name}`);
}

/** One finding as the API tells it. What stands in the submitted document is named by its pointer alone, all else also by `resource`. */
export function toItem({ code, message, resource, pointer, fleet, proxy }: Diagnostic, locate: Locate): ProblemItem {
  const place = resource === undefined ? "" : locate(resource.kind, resource.name);
  return {
    pointer: (place ?? "") + pointer,
    code,
    message,
    ...(resource !== undefined && place === undefined
      ? { resource: `${collectionOf(resource.kind as Kind)}/${resource.name}` }
      : {}),
    ...(fleet === undefined ? {} : { fleet }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

/** The problem that refuses a write, or null when no finding is an error. */
export function refusal(diagnostics: readonly Diagnostic[], locate: Locate): Problem | null {
  const errors = diagnostics.filter(({ severity }) => severity === "error").map((entry) => toItem(entry, locate));
  if (errors.length === 0) return null;
  return new Problem(
    "API-INVALID",
    `${errors.length === 1 ? "1 problem" : `${errors.length} problems`}; nothing was stored`,
    { errors },
  );
}
