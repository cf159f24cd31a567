/** The vocabulary of `trimtab dev`. */
import type { AgentEvent, AgentFiles, Leaving, ListenerState, LocalReport } from "../agent/index.ts";
import type { PlacedProblem } from "../cli/document.ts";
import type { ProxyKind } from "../ir/index.ts";
import type { ChangedResource } from "./overwritten.ts";

/** A fleet, and which proxy it is of. */
export interface DevFleet {
  readonly name: string;
  readonly proxy: ProxyKind;
}

/** A file fleet's output; structurally the publish room's `FleetFiles`. */
export type DevFiles = AgentFiles;

/** What a proxy that pulls is started with. */
export interface DevBootstrap {
  /** Where the control plane is, and an admin address (port 0 is best). */
  readonly text: string;
  /** More of its command line. */
  readonly args: readonly string[];
}

/** What one Envoy said about one type; structurally part of the xDS room's `NodeStatus`. */
export interface DevNode {
  readonly nodeId: string;
  readonly types: readonly {
    readonly typeUrl: string;
    readonly sent: string | null;
    readonly acked: string | null;
    readonly nacked: { readonly version: string; readonly message: string } | null;
  }[];
}

/** What became of a document. Not ok: nothing changed. Warnings may come with either. */
export interface DevApplied {
  readonly ok: boolean;
  readonly problems: readonly PlacedProblem[];
  readonly changed: readonly ChangedResource[];
}

/** Resources that no file has, by collection. */
export type MoreResources = Readonly<Record<string, readonly { readonly name: string }[]>>;

/** The control plane in this process, as `dev` needs it. `src/controlPlane.ts` starts it. */
export interface DevControlPlane {
  /**
   * Makes this document and `more` beside it the whole configuration; `file` is where it stands, and what it names is looked for from
   * there.
   */
  applyConfig(text: string, file: string, more: MoreResources): Promise<DevApplied>;
  /** Called after every committed write, whoever made it. Returns the undo. */
  onCommit(listener: () => void): () => void;
  /** The fleet's files at the newest revision; null for one that pulls, and for none. */
  files(fleet: string): Promise<DevFiles | null>;
  /** New files of a fleet, or null when it is gone. Returns the undo. */
  onFiles(listener: (fleet: string, files: DevFiles | null) => void): () => void;
  /** Opens the secrets of files, as they are written. */
  openSecret(reference: string): string;
  /** For a proxy of this fleet, when it pulls. */
  bootstrap(fleet: string): DevBootstrap;
  /** Envoy nodes of a fleet that are connected; null: no such fleet. */
  proxies(fleet: string): readonly DevNode[] | null;
  listFleets(): readonly DevFleet[];
  /** What this fleet's proxy says of its listeners; null: it is gone. */
  reportListeners(fleet: string, listeners: readonly ListenerState[] | null): void;
  /** Shows this fleet's proxy, which reads files, to whoever asks how it is. Returns the undo. */
  watchProxy(fleet: string, read: () => LocalReport): () => void;
  /** The same for one that pulls, of which streams tell the rest. */
  watchPulling(fleet: string, read: () => Leaving): () => void;
  /** Something happened to this fleet's proxy. */
  noteEvent(fleet: string, event: AgentEvent): void;
  close(): Promise<void>;
}
