/** The kinds in document order, and their collections. */
import { collectionOfKind } from "../gen/kinds.ts";
import type { Collection, Kind } from "./types.ts";

/** Kinds in the order in which a document lists their collections. */
export const kinds = Object.keys(collectionOfKind) as readonly Kind[];

/** Collections in the same order. */
export const collections: readonly Collection[] = Object.values(collectionOfKind);

const kindOfCollection = new Map<string, Kind>(kinds.map((kind) => [collectionOfKind[kind], kind]));

/** `route` -> `routes`. */
export function collectionOf(kind: Kind): Collection {
  return collectionOfKind[kind];
}

/** `routes` -> `route`; undefined when there is no such collection. */
export function kindOf(collection: string): Kind | undefined {
  return kindOfCollection.get(collection);
}
