/** The words of the publish room, as the API and main.ts see them. */
import type { ExplainRequest, Explanation } from "../compiler/index.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { Snapshot } from "../model/types.ts";
import type { Steps } from "../util/steps.ts";
import type { NodeStatus } from "../xds/types.ts";

/** What would happen if this snapshot were committed. */
export interface Admission {
  /** Errors refuse the write; warnings (approximations) come back with it. Sorted. */
  readonly diagnostics: readonly Diagnostic[];
}

/** One file fleet's output. */
export interface FleetFiles {
  readonly fleet: string;
  readonly proxy: string;
  readonly revision: number;
  /** Content hash: the ETag. */
  readonly generation: string;
  readonly files: readonly { readonly path: string; readonly text: string; readonly mode: number }[];
}

export type { ExplainedRule, ExplainRequest, Explanation } from "../compiler/index.ts";

export interface Publisher {
  /**
   * Compiles and gates without publishing; the work is kept, so that committing the same snapshot costs nothing more. Only in
   * the store's turn (`WriteRequest.prepare`): two admissions, or an admission and a commit, must not be under way at once.
   */
  admit(snapshot: Snapshot): Steps<Admission>;
  /** Files of an nginx or HAProxy fleet at the newest revision; null: no such fleet, or an Envoy one. */
  files(fleet: string): Promise<FleetFiles | null>;
  /** Envoy nodes of a fleet: sent, acked, nacked. Null: no such fleet. */
  proxies(fleet: string): readonly NodeStatus[] | null;
  /** Null: no such fleet, or the port is not one of its HTTP ports. Throws MatchTooLongError. */
  explain(request: ExplainRequest): Steps<Explanation | null>;
  /** The revision that was last handed to the xDS server and file consumers. */
  publishedRevision(): number;
  /** Called when a fleet has new output (files) or is gone (null). Returns the undo. */
  onFiles(listener: (fleet: string, files: FleetFiles | null) => void): () => void;
}
