/** The words of the publish room, as the API and main.ts see them. */
import type { ExplainRequest, Explanation } from "../compiler/index.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { Snapshot } from "../model/types.ts";
import type { OutputKind } from "../pipeline/index.ts";
import type { Effect, Socket } from "../targets/target.ts";
import type { Steps } from "../util/steps.ts";
import type { NodeStatus } from "../xds/types.ts";
import type { FleetStatus, ListenerStatus } from "./fleetStatus.ts";

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
  /** What proxies with these files listen on. */
  readonly sockets: readonly Socket[];
}

/** A fleet's output was made. */
export interface Publication {
  readonly fleet: string;
  readonly revision: number;
  /** What its proxies do to get from the output before to this one; of the first output: what they do who have none. */
  readonly effect: Effect;
}

export type { ExplainedRule, ExplainRequest, Explanation } from "../compiler/index.ts";

export interface Publisher {
  /**
   * Compiles and gates without publishing; the work is kept, so that committing the same snapshot costs nothing more. Only in
   * the store's turn (`WriteRequest.prepare`): two admissions, or an admission and a commit, must not be under way at once.
   */
  admit(snapshot: Snapshot): Steps<Admission>;
  /**
   * Files of a fleet at the newest revision, or the last good ones (`status` says why); null: no such fleet, or none that gets
   * files. Rejects with NoGoodFilesError when there are none.
   */
  files(fleet: string): Promise<FleetFiles | null>;
  /** What a fleet of the published revision gets; nothing: there is no such fleet. */
  outputs(fleet: string): readonly OutputKind[];
  /** Nodes of a fleet that are connected by xDS: sent, acked, nacked. Null: no such fleet. */
  proxies(fleet: string): readonly NodeStatus[] | null;
  /** Null: no such fleet, or the port is not one of its HTTP ports. Throws MatchTooLongError. */
  explain(request: ExplainRequest): Steps<Explanation | null>;
  /** Null: no such fleet in the newest committed revision. */
  status(fleet: string): FleetStatus | null;
  /** Of all fleets. */
  statuses(): readonly FleetStatus[];
  /** What else is known of a fleet's listeners; replaces what was told before. */
  reportListeners(fleet: string, listeners: readonly ListenerStatus[]): void;
  /** The revision that was last handed to the xDS server and file consumers. */
  publishedRevision(): number;
  /** Called when a fleet has new output (files) or is gone (null). Returns the undo. */
  onFiles(listener: (fleet: string, files: FleetFiles | null) => void): () => void;
}
