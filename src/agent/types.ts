/** The vocabulary of the agent room. */
import type { Place, RuntimeChange, Socket } from "../targets/target.ts";
import type { EndpointChange } from "./prober/types.ts";

/** One file of a generation; structurally the target room's `RenderedFile`. */
export interface AgentFile {
  /** Relative path with `/`, no `..`, not under `local/` (that folder is the agent's). */
  readonly path: string;
  readonly text: string;
  /** Permission bits, as `0o644` or `0o600`. */
  readonly mode: number;
  /** References in the text: they are opened when the file is written, and nowhere else. */
  readonly secrets?: readonly string[] | undefined;
}

/** What a proxy has to run: structurally the target room's `RenderedFiles` without its kind. */
export interface AgentFiles {
  readonly files: readonly AgentFile[];
  /** Content hash that names this configuration: `[A-Za-z0-9_-]`, at most 64 characters (arrange.ts adds to it). */
  readonly generation: string;
  /** What a proxy with these files listens on. */
  readonly sockets: readonly Socket[];
}

/** The text of a listener's file, with its socket at these places instead: its target's `rebind`. */
export type MakeRebound = (text: string, places: readonly Place[]) => Promise<string>;

/** What the running process takes over to get from the one to the other: its target's `runtimeChange`. Null: it has to be reloaded. */
export type FindRuntimeChange = (before: AgentFiles, after: AgentFiles) => Promise<RuntimeChange | null>;

/** What is still under way of what gets nothing new any more. */
export interface Leaving {
  /** Processes of before a reload that finish what they have. */
  readonly processes: number;
  /** Of the process that takes what is new: endpoints that get none of it, `address:port`. A proxy that does not tell has none. */
  readonly endpoints: readonly { readonly endpoint: string; readonly connections: number }[];
}

/** How what runs came to be so: by a start of the process, by a reload, or in the running process. */
export type Applied = "start" | "reload" | "runtime";

/** The verdict of the proxy's own checker. */
export interface Check {
  readonly ok: boolean;
  /** What the checker printed; empty when ok. */
  readonly message: string;
}

/**
 * - `stopped`: nothing was applied yet, or the agent is closed.
 * - `starting`: the process was started for the first time and has not answered yet.
 * - `serving`: the newest configuration answers.
 * - `degraded`: an older configuration answers because the newest was refused, a listener waits for its socket, or the process died
 *   and is being restarted.
 * - `failed`: nothing runs, and nothing good is known that could be run.
 */
export type AgentPhase = "stopped" | "starting" | "serving" | "degraded" | "failed";

export interface AgentState {
  readonly state: AgentPhase;
  /**
   * The generation that was last proved to answer and whose process still lives; null: none. While listeners wait its name ends with
   * `-without-` and a mark: it is not all of that generation.
   */
  readonly generation: string | null;
  /** Why the last apply or the process failed; null when all is well. */
  readonly lastError: string | null;
}

/**
 * What became of one `apply`. `superseded`: a newer one came while this one waited, or the agent was closed.
 * `partial`: all but listeners whose sockets cannot be opened; these are tried again. `failed`: the old generation (if any) keeps
 * running, and the new one is tried again; `restoreError` is set when going back to the old one failed too.
 */
export type ApplyResult =
  | { readonly outcome: "serving"; readonly generation: string }
  | { readonly outcome: "partial"; readonly generation: string; readonly waiting: readonly ListenerState[] }
  | { readonly outcome: "superseded"; readonly generation: string }
  | {
      readonly outcome: "failed";
      readonly generation: string;
      readonly error: string;
      readonly restoreError: string | null;
    };

/** Whether a listener takes connections where it is to; `reason` says in one sentence why not. */
export interface ListenerState {
  readonly listener: string;
  readonly state: "serving" | "waiting";
  readonly reason: string | null;
  /** RFC 3339: so long it has this state, for this reason. */
  readonly since: string;
}

/**
 * What a watcher of the agent is told. `listeners`: the state of one of them changed; all are named. `line`: the proxy printed it;
 * `logged`: it is of its access log. `drained`: what gets nothing new, or is of before a reload, has no connection any more.
 * `secrets`: these files are written with the secrets in them.
 */
export type AgentEvent =
  | { readonly kind: "started"; readonly pid: number }
  | { readonly kind: "died"; readonly reason: string; readonly restartInMs: number }
  | ServingEvent
  | { readonly kind: "failed"; readonly generation: string; readonly error: string }
  | { readonly kind: "listeners"; readonly listeners: readonly ListenerState[] }
  | { readonly kind: "drained" }
  | { readonly kind: "secrets"; readonly generation: string; readonly files: readonly string[] }
  | { readonly kind: "line" | "logged"; readonly line: string }
  | EndpointChange;

/** `runtimeError`: why it was reloaded, although that was a change for the running process. */
interface ServingEvent {
  readonly kind: "serving";
  readonly generation: string;
  readonly applied: Applied;
  readonly runtimeError?: string;
}

/** How long to wait before a process that died is started again. */
export interface Backoff {
  /** Wait after the first death; doubles with each further one. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** A process that lived this long starts the count anew. */
  readonly stableMs: number;
}

/** A command line. */
export interface Command {
  readonly binary: string;
  readonly args: readonly string[];
}

/** How one kind of proxy is started, reloaded and asked: the one thing in which nginx and HAProxy differ here. */
export interface FileProxy {
  readonly name: string;
  /** Absolute; one proxy's own. */
  readonly runDir: string;
  /** Runs the configuration behind `<runDir>/current`. */
  readonly command: Command;
  /** Makes the running process read `<runDir>/current` again without losing a connection. */
  readonly reloadSignal: NodeJS.Signals;
  /** Finishes what runs, then ends. */
  readonly stopSignal: NodeJS.Signals;
  /** How long old and new workers may both accept after the first proof; proofs go on for that long. */
  readonly settleMs: number;
  /** A reload not seen after this time is asked for again (doubling); null: signals are never lost. */
  readonly resendAfterMs: number | null;
  /** It opens a socket beside one of its own that overlaps it (0.0.0.0 and 127.0.0.1); else that one has to be closed first. */
  readonly bindsBesideOwn: boolean;
  /** Whether a printed line says that a reload was refused. */
  readonly saysReloadFailed: (line: string) => boolean;
  /** The agent's own files of a generation (paths under `local/`), and links to set (`path` -> `target`). */
  readonly localFiles: (generation: string) => Promise<LocalFiles>;
  /** Removes what a killed process left behind. Called with no process running. */
  readonly beforeStart: () => Promise<void>;
  /** Asks the running proxy; null: no answer, or not one of ours. Ends within `timeoutMs`. */
  readonly runningGeneration: (timeoutMs: number) => Promise<string | null>;
  /** What of before is left in the process of this pid and its children; null: no answer. Ends within `timeoutMs`. */
  readonly leaving: (pid: number, timeoutMs: number) => Promise<Leaving | null>;
  /**
   * Makes the change in the running process, which tells the generation's name from then on: null. Else why not: then it may
   * have some of it, and has to be reloaded. Ends by itself. Null: this proxy cannot.
   */
  readonly change: ((change: RuntimeChange, generation: string) => Promise<string | null>) | null;
}

/** What the agent adds to a generation's folder. All `path`s are relative to that folder; a link's `target` is taken as it is. */
export interface LocalFiles {
  readonly files: readonly AgentFile[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** Where a proxy's program is found on a machine, and how it tells its version. */
export interface Program {
  /** Its name in the folders of PATH. */
  readonly file: string;
  /** The environment variable that names another one. */
  readonly variable: string;
  readonly versionArgs: readonly string[];
  /** Its first group is the version. */
  readonly versionPattern: RegExp;
  /** How to get it. */
  readonly install: string;
  /** Where the project's set-up puts it, from the project's folder; null: set-up does not. */
  readonly setUpPath: string | null;
}

/** Where a proxy runs, and as which program (default: the one on PATH). */
export interface RunOptions {
  /** Absolute; one proxy's own. */
  readonly runDir: string;
  readonly binary?: string;
}

/** What a proxy that pulls its configuration is started with. */
export interface ResourceAgentOptions extends RunOptions {
  /** What it reads first: where the control plane is. */
  readonly bootstrap: string;
  /** More of its command line. */
  readonly args?: readonly string[];
  readonly backoff?: Backoff;
  readonly graceMs?: number;
  readonly onEvent?: (event: AgentEvent) => void;
}

/** Keeps one proxy running that pulls its configuration. */
export interface ResourceAgent {
  /** Starts it and keeps it running. Does not wait until it is ready: see `state`. */
  start(): Promise<void>;
  /** `generation` is always null: there are no files. */
  state(): AgentState;
  /** What is under way of what gets nothing new. */
  leaving(): Leaving;
  close(): Promise<void>;
}

/** A proxy that reads files. */
export interface FileAdapter {
  readonly output: "files";
  readonly program: Program;
  readonly createProxy: (options: RunOptions) => FileProxy;
}

/** A proxy that pulls resources. */
export interface ResourceAdapter {
  readonly output: "resources";
  readonly program: Program;
  readonly createAgent: (options: ResourceAgentOptions) => ResourceAgent;
}

/** How one kind of proxy is found and run on this machine; `output` as its target says. */
export type Adapter = FileAdapter | ResourceAdapter;
