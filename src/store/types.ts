/** The words of the store room. */
import type { Change, ChangeWord, Snapshot } from "../model/types.ts";
import type { Sealed } from "../secrets/index.ts";
import type { StoredSecrets } from "./secrets.ts";

/** The newest committed state. Revision 0 is the empty model. */
export interface Head {
  readonly revision: number;
  readonly snapshot: Snapshot;
}

/** What a revision says of itself. */
export interface RevisionInfo {
  readonly revision: number;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly author: string;
  readonly message: string;
  readonly changes: readonly {
    readonly kind: string;
    readonly name: string;
    readonly change: ChangeWord;
  }[];
}

/**
 * A write. `prepare` runs when its turn comes, sees the state that it will build on (writes ahead of it in the same group
 * included), and either gives changes to commit or declines (conflict, invalid: the result says why). Long work gives a
 * promise: until it settles, which it must, no other write is prepared and readers see the state before.
 */
export interface WriteRequest<T> {
  readonly author: string;
  readonly message: string;
  readonly prepare: (head: Head) => Prepared<T> | Promise<Prepared<T>>;
}

/** What `prepare` decided. `snapshot` is the model after `changes` (the store checks that they agree); `result` goes to the caller. */
export type Prepared<T> =
  | {
      readonly kind: "commit";
      readonly changes: readonly Change[];
      readonly snapshot: Snapshot;
      readonly result: T;
      /** Secrets that came with the write: those that the changes name are stored with them. */
      readonly secrets?: readonly Sealed[] | undefined;
    }
  | { readonly kind: "decline"; readonly result: T };

/** `revision` is the new one, or the present one when nothing changed or the write was declined. */
export interface WriteResult<T> {
  readonly committed: boolean;
  readonly revision: number;
  readonly result: T;
}

export interface Store {
  head(): Head;
  /** Resolves after the changes are durable. Rejects (and nothing is stored) when the disk fails or the queue is full. */
  write<T>(request: WriteRequest<T>): Promise<WriteResult<T>>;
  /** Newest first, revisions below `before`. */
  revisions(page: { readonly before?: number; readonly limit: number }): readonly RevisionInfo[];
  revision(revision: number): RevisionInfo | null;
  /** The model as it was; null when there is no such revision. */
  snapshotAt(revision: number): Promise<Snapshot | null>;
  /**
   * Called once per committed group, after it is durable, with the newest head. What the group's writers shall wait for is a
   * promise: they are answered when it settles. The next group does not wait: it may be told of before. Returns the undo.
   */
  onCommit(listener: (head: Head) => void | Promise<void>): () => void;
  /** Ciphertext, and what tells whether a key is the right one. */
  readonly secrets: StoredSecrets;
  /** Writes that the disk refused since the store was opened. */
  writeFailures(): number;
  /** Resolves when all accepted writes are answered and the files are closed. */
  close(): Promise<void>;
}
