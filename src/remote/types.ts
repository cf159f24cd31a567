/** The vocabulary of the remote room. */
import type { AgentEvent, AgentFiles } from "../agent/index.ts";
import type { ProxyKind } from "../ir/index.ts";

/** What a fleet's proxies are to run, as the control plane gives it. */
export interface FleetFiles extends AgentFiles {
  readonly fleet: string;
  readonly proxy: ProxyKind;
  readonly revision: number;
}

/** What one try to get files gave. */
export type Fetched =
  | { readonly kind: "files"; readonly files: FleetFiles; readonly etag: string | null }
  /** Those that are here are the newest. */
  | { readonly kind: "same" };

/**
 * What is worth telling of one fleet, beside what happens to its proxy. `away`: files could not be had, or a report was not taken, told
 * once for each reason; `back`: both go again. `older`: files of an earlier revision came, of a control plane that was set back.
 * `missing`: the proxy is not installed. `kept`: the last good files could not be read or written.
 */
export type FollowEvent =
  | AgentEvent
  | { readonly kind: "away" | "missing" | "kept"; readonly reason: string }
  | { readonly kind: "back" }
  | { readonly kind: "fetched" | "older"; readonly generation: string; readonly revision: number };
