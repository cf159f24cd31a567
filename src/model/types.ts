/** The words of the model room: kinds, resources, snapshots, changes. */
import type { Bodies, collectionOfKind, Kind } from "../gen/kinds.ts";

export type { Bodies, Kind } from "../gen/kinds.ts";
export type * from "../gen/model.ts";

/** The kinds in the plural: the names used in URL paths and as keys of a configuration document. */
export type Collection = (typeof collectionOfKind)[Kind];

/** A stored document. Frozen, as the user wrote it (defaults are not filled in). */
export interface Resource<K extends Kind = Kind> {
  readonly kind: K;
  readonly name: string;
  readonly body: Bodies[K];
  /** 16 hex digits of the canonical JSON's SHA-256: the ETag. */
  readonly hash: string;
}

/** A whole model. Immutable; an unchanged resource is the same object from one snapshot to the next. */
export type Snapshot = { readonly [K in Kind]: ReadonlyMap<string, Resource<K>> };

/** What a revision did to a resource, also in the database. */
export type ChangeWord = "created" | "updated" | "deleted";

/** One resource written (or, with null, deleted). */
export type Change = {
  [K in Kind]: { readonly kind: K; readonly name: string; readonly resource: Resource<K> | null };
}[Kind];
