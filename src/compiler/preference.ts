/** What a cluster prefers, as `locality.preferLocal` says. */
import type { Resource } from "../model/index.ts";

/** A cluster for the clients of one label. */
export interface Near {
  readonly label: string;
  /** As a document would be written: a zone near the clients is their primaries, all others are backups. */
  readonly cluster: Resource<"cluster">;
}

/** What a cluster prefers. */
export interface Preference {
  readonly table: string;
  /** Ascending by label. */
  readonly near: readonly Near[];
}
