/** The words of the model room: kinds, resources, snapshots, changes. */
import type { Canary, Cluster, Fleet, HealthCheck, Listener, Route } from "../gen/model.ts";

export type { Canary, Cluster, Fleet, HealthCheck, Listener, Route } from "../gen/model.ts";

/** Kind -> document type. */
export interface Bodies {
  fleet: Fleet;
  listener: Listener;
  route: Route;
  cluster: Cluster;
  healthCheck: HealthCheck;
  canary: Canary;
}

/** What a document is, in the singular: the name used in code, diagnostics and storage. */
export type Kind = keyof Bodies;
/** The kinds in the plural: the names used in URL paths and as keys of a configuration document. */
export type Collection = "fleets" | "listeners" | "routes" | "clusters" | "healthChecks" | "canaries";

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
