/**
 * What rules of many paths ask alike, as thousands that want POST. Written for a listener with very many choices (shape.ts): one line
 * with a map from the paths to their rules, in place of a line for each path.
 */
import type { RuleIr } from "../../ir/index.ts";
import { contentHash } from "../../util/hash.ts";
import { readingOf } from "./fields.ts";

/** Names what a candidate at a place of its path's list asks; equal for those that ask the same at the same place. */
export type TurnNamer = (place: number, owner: RuleIr, pathRegex: string | null) => string;

/** A namer that remembers the rules it has seen. */
export function createTurnNamer(): TurnNamer {
  const known = new WeakMap<RuleIr, string>();
  return (place, owner, pathRegex) => {
    let asked = pathRegex === null ? known.get(owner) : undefined;
    if (asked === undefined) {
      asked = nameOf(owner, pathRegex);
      if (pathRegex === null) known.set(owner, asked);
    }
    return `${String(place).padStart(2, "0")}.${asked}`;
  };
}

function nameOf({ conditions }: RuleIr, pathRegex: string | null): string {
  if (conditions.length === 0 && pathRegex === null) return "any";
  const labels = conditions.map(({ field }) => readingOf(field).label);
  // Of long lists the hash alone tells them apart.
  return `${labels.join(".").slice(0, 60)}.${contentHash(JSON.stringify([conditions, pathRegex]))}`;
}
