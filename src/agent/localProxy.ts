/** One proxy of this machine that reads files: its agent with what its target gives, and how it is, as it is told elsewhere. */
import type { ProxyKind } from "../ir/index.ts";
import { createFileAgent, type FileAgent, type FileAgentOptions } from "./fileAgent.ts";
import type { AgentTiming } from "./generationSwitch.ts";
import type { AppliedCounts } from "./memory.ts";
import type { TakeOutOf } from "./probedEndpoints.ts";
import type { EndpointDown } from "./prober/types.ts";
import type {
  AgentEvent,
  AgentFiles,
  AgentState,
  Check,
  FileAdapter,
  FindRuntimeChange,
  Leaving,
  ListenerState,
  MakeRebound,
} from "./types.ts";

/** What the targets give the agents of their proxies. */
export interface TargetTools {
  /** The proxy's own checker, which may write below the folder for a moment. */
  readonly check: (
    proxy: ProxyKind,
    files: AgentFiles,
    options: { readonly binary: string; readonly folder: string },
  ) => Promise<Check>;
  /** A listener's file at other places. */
  readonly rebound: (proxy: ProxyKind, ...file: Parameters<MakeRebound>) => ReturnType<MakeRebound>;
  /** What of new files is a change of the running process. */
  readonly runtimeChange: (proxy: ProxyKind, ...files: Parameters<FindRuntimeChange>) => ReturnType<FindRuntimeChange>;
  /** Files without endpoints that fail their probes. */
  readonly takenOut: (proxy: ProxyKind, ...files: Parameters<TakeOutOf>) => ReturnType<TakeOutOf>;
}

/** How a proxy is. */
export interface LocalReport extends AgentState, AppliedCounts {
  readonly proxy: ProxyKind;
  /** As its program tells it. */
  readonly version: string;
  readonly failures: number;
  /** RFC 3339: so long it runs this generation, or none. */
  readonly since: string;
  readonly leaving: Leaving;
  readonly listeners: readonly ListenerState[];
  readonly endpointsDown: readonly EndpointDown[] | null;
}

/** Which, and where. */
export interface LocalProxyOptions {
  readonly proxy: ProxyKind;
  readonly adapter: FileAdapter;
  /** Its program on this machine. */
  readonly program: { readonly binary: string; readonly version: string };
  /** Absolute; this proxy's own. */
  readonly runDir: string;
  readonly tools: TargetTools;
  /** Opens the secrets of files. Default: they came opened. */
  readonly open?: FileAgentOptions["open"];
  readonly timing?: Partial<AgentTiming>;
  readonly onEvent: (event: AgentEvent) => void;
}

/** It, as its owner needs it. */
export interface LocalProxy extends Pick<FileAgent, "apply" | "state" | "close"> {
  report(): LocalReport;
}

/** Starts nothing before the first `apply`. */
export function createLocalProxy(options: LocalProxyOptions): LocalProxy {
  const { proxy, adapter, program, runDir, tools, timing = {} } = options;
  const { binary, version } = program;
  let generation: string | null = null;
  let since = new Date().toISOString();
  const agent = createFileAgent({
    proxy: adapter.createProxy({ runDir, binary }),
    check: (files, folder) => tools.check(proxy, files, { binary, folder }),
    ...(options.open === undefined ? {} : { open: options.open }),
    rebound: (text, places) => tools.rebound(proxy, text, places),
    runtimeChange: (before, after) => tools.runtimeChange(proxy, before, after),
    takenOut: (files, endpoints) => tools.takenOut(proxy, files, endpoints),
    timing,
    onEvent: (event) => {
      noteGeneration();
      options.onEvent(event);
    },
  });

  /** Events tell when it changes. */
  function noteGeneration(): void {
    const now = agent.state().generation;
    if (now === generation) return;
    generation = now;
    since = new Date().toISOString();
  }

  return {
    apply: agent.apply,
    state: agent.state,
    close: agent.close,
    report: () => ({
      proxy,
      version,
      ...agent.state(),
      ...agent.applied(),
      failures: agent.failures(),
      since,
      leaving: agent.leaving(),
      listeners: agent.listeners(),
      endpointsDown: agent.endpointsDown(),
    }),
  };
}
