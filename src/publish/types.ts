/** The words of the publish room, as the API and main.ts see them. */
import type { ExplainRequest, Explanation } from "../compiler/index.ts";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { Snapshot } from "../model/types.ts";
import type { OutputKind } from "../pipeline/index.ts";
import type { Effect, RenderedFile, Socket } from "../targets/target.ts";
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
  /** With references in the place of secrets. */
  readonly files: readonly RenderedFile[];
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

/** What one proxy says of one of its listeners; structurally part of the agent room's `ListenerState`. */
export interface ListenerReport {
  readonly listener: string;
  readonly state: "serving" | "waiting";
  /** One sentence why it waits; null: it does not. */
  readonly reason: string | null;
}

/** Where a listener stands on the proxies of a fleet. */
export interface ListenerStatus {
  readonly listener: string;
  /** `waiting`: a proxy does not take connections where it is to. `unknown`: none has said anything. */
  readonly state: "serving" | "waiting" | "unknown";
  /** What the first of the proxies says for which it waits. */
  readonly reason: string | null;
  /** RFC 3339: when this was seen first. */
  readonly since: string;
  /** For which it waits; at most 100. */
  readonly proxies: readonly string[];
}

export type { ExplainedRule, ExplainRequest, Explanation } from "../compiler/index.ts";

/** Why the output of a revision could not be made. */
export interface FleetError {
  /** `FLEET-NOT-RENDERED`, `MODEL-TOO-LARGE`. */
  readonly code: string;
  readonly message: string;
  /** The first revision that it befell; RFC 3339, UTC. */
  readonly revision: number;
  readonly since: string;
}

/** What became of a fleet's output, and where its listeners stand. */
export interface FleetStatus {
  readonly fleet: string;
  /**
   * `current`: the output of `revision` is made. `behind`: it is not made yet (of files: nobody asked for them since). `failed`: it
   * cannot be made; the last good output, if there is one, stays.
   */
  readonly state: "current" | "behind" | "failed";
  /** The newest revision. */
  readonly revision: number;
  /** The revision that the last good output is of; null: there is none. */
  readonly publishedRevision: number | null;
  readonly error: FleetError | null;
  readonly listeners: readonly ListenerStatus[];
}

/**
 * Compiles and gates a model that would follow `base`, without publishing; the work is kept, so that committing the same snapshot
 * costs nothing more. It remembers the model that it saw last: of one that differs little, little is looked at.
 */
export type Admitter = (snapshot: Snapshot, base: Snapshot) => Steps<Admission>;

/** What is still under way of what gets nothing new any more; structurally the agent room's. */
export interface Leaving {
  readonly processes: number;
  readonly endpoints: readonly { readonly endpoint: string; readonly connections: number }[];
}

/** A stream of a proxy that pulls. */
export interface PullingProxyStatus extends NodeStatus {
  /** Null: it does not run here, and was not asked. */
  readonly leaving: Leaving | null;
}

/** What a proxy that reads files says of itself; structurally the agent room's. */
export interface FileProxyReport {
  /** As `nginx`. */
  readonly proxy: string;
  /** As its program tells it. */
  readonly version: string;
  readonly state: "stopped" | "starting" | "serving" | "degraded" | "failed";
  /** What it was last proved to run; `-without-` and a mark at its end: a part, as listeners wait. Null: nothing. */
  readonly generation: string | null;
  /** RFC 3339: so long it runs this generation, or none. */
  readonly since: string;
  /** Why the last files were not taken, or the process died; null: all is well. */
  readonly lastError: string | null;
  /** How often files were not taken and the process died. Only grows. */
  readonly failures: number;
  /** How that generation came to be: the process was started or reloaded with it, or changed while it ran. Null: nothing runs yet. */
  readonly applied: "start" | "reload" | "runtime" | null;
  /** How often it was told to reload, and was changed while it ran. Only grow. */
  readonly reloads: number;
  readonly runtimeChanges: number;
  /** What is under way of what gets nothing new: processes of before a reload, and endpoints with their connections. */
  readonly leaving: Leaving;
  readonly listeners: readonly (ListenerReport & { readonly since: string })[];
  /** Those that get nothing, as they do not pass the probes that are made beside the proxy. Null: nothing is probed there. */
  readonly endpointsDown: readonly EndpointReport[] | null;
}

/** An endpoint of a cluster that gets nothing. */
export interface EndpointReport {
  readonly cluster: string;
  readonly address: string;
  readonly port: number;
  /** Why a probe failed last; null: none has ended yet. */
  readonly reason: string | null;
  /** RFC 3339. */
  readonly since: string;
}

/** How one such proxy is. */
export interface FileProxyStatus extends Omit<FileProxyReport, "failures" | "endpointsDown"> {
  readonly endpointsDown: readonly EndpointReport[];
  readonly nodeId: string;
  /** The fleet. */
  readonly group: string;
  /** The newest revision that `generation` is of, or was; null: not known. */
  readonly revision: number | null;
  /** The agent on another machine that reports it; null: it runs here. */
  readonly agent: AgentPresence | null;
  /** What it is to run; null: nothing was made yet. */
  readonly wanted: { readonly generation: string; readonly revision: number } | null;
}

/** An agent on another machine. */
export interface AgentPresence {
  /** Whence it reports. */
  readonly address: string;
  readonly version: string;
  /** RFC 3339: when it did last. */
  readonly reportedAt: string;
}

/** What an agent on another machine reports of its proxy. */
export interface RemoteReport extends FileProxyReport {
  /** Names the process: of two agents with one name the later one has it. */
  readonly run: string;
  readonly agentVersion: string;
  /** The revision that its generation was given with; null: not known. */
  readonly revision: number | null;
  /** It reports again within this, or is away. */
  readonly ttlSeconds: number;
}

/** A report on its way in. */
export interface RemoteSender {
  readonly report: RemoteReport;
  /** Whence it comes. */
  readonly address: string;
  /** How large it was. */
  readonly bytes: number;
}

/** Where agents on other machines report. */
export interface RemoteReports {
  report(fleet: string, nodeId: string, sender: RemoteSender): RemoteOutcome;
  /** It ends and says so. Nothing happens when another run reports under that name. */
  leave(fleet: string, nodeId: string, run: string): void;
}

/** `replaced`: a later run has the name. `full`: too many report, or too much. */
export type RemoteOutcome = "taken" | "replaced" | "full";

/** What happens to proxies that agents on other machines report. */
export type RemoteEvent = { readonly fleet: string; readonly nodeId: string } & (
  | {
      readonly kind: "connected";
      readonly peer: string;
      readonly proxy: string;
      readonly version: string;
      readonly agentVersion: string;
    }
  | { readonly kind: "disconnected"; readonly reason: "silent" | "ended" }
  | { readonly kind: "failed"; readonly generation: string | null; readonly error: string }
  | { readonly kind: "serving"; readonly generation: string }
);

/** A proxy that is there: one of its streams, or what a proxy that reads files reports. */
export interface ProxyPresence {
  readonly fleet: string;
  readonly nodeId: string;
  /** The last revision of which all was accepted; null: none yet. */
  readonly acknowledgedRevision: number | null;
  /** How much is refused now. */
  readonly refused: number;
}

export interface Publisher {
  /** Two admissions of one admitter must not be under way at once; several admitters may work side by side. */
  createAdmitter(): Admitter;
  /** Resolves when the revisions that were committed by now are handed on: what a client asks next must not be older. */
  caughtUp(): Promise<void>;
  /**
   * Files of a fleet at the newest revision, or the last good ones (`status` says why); null: no such fleet, or none that gets
   * files. Rejects with NoGoodFilesError when there are none. Waits until the publisher has caught up.
   */
  files(fleet: string): Promise<FleetFiles | null>;
  /** What a fleet of the published revision gets; nothing: there is no such fleet. */
  outputs(fleet: string): readonly OutputKind[];
  /** Nodes of a fleet that are connected by xDS: sent, acked, nacked. Null: no such fleet in the newest committed revision. */
  proxies(fleet: string): readonly PullingProxyStatus[] | null;
  /** Proxies of a fleet that read files, and run here or are reported by an agent. */
  fileProxies(fleet: string): readonly FileProxyStatus[];
  /** An agent on another machine reports its proxy, or that it ends. */
  readonly remote: RemoteReports;
  /** Null: no such fleet, or the port is not one of its HTTP ports. Throws MatchTooLongError. */
  explain(request: ExplainRequest): Steps<Explanation | null>;
  /** Null: no such fleet in the newest committed revision. */
  status(fleet: string): FleetStatus | null;
  /** Of all fleets. */
  statuses(): readonly FleetStatus[];
  /** The revision that was last handed to the xDS server and file consumers. */
  publishedRevision(): number;
  /** Called when a fleet has new output (files) or is gone (null). Returns the undo. */
  onFiles(listener: (fleet: string, files: FleetFiles | null) => void): () => void;
}
