/** The kinds in document order, and their collections. */
import { kindOfCollection } from "../gen/schemas.ts";
import type { Collection, Kind } from "./types.ts";

/** Collections in the order in which a document lists them. */
export const collections = Object.keys(kindOfCollection) as readonly Collection[];

/** Kinds in the same order. */
export const kinds: readonly Kind[] = collections.map((collection) => kindOfCollection[collection]);

const collectionOfKind = new Map<Kind, Collection>(collections.map((name) => [kindOfCollection[name], name]));

/** `route` -> `routes`. */
export function collectionOf(kind: Kind): Collection {
  return collectionOfKind.get(kind) as Collection;
}

/** `routes` -> `route`; undefined when there is no such collection. */
export function kindOf(collection: string): Kind | undefined {
  return Object.hasOwn(kindOfCollection, collection) ? kindOfCollection[collection as Collection] : undefined;
}
