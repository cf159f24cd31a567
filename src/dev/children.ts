/** One local proxy per fleet, kept in step with the control plane. */
import { join } from "node:path";
import {
  type AgentEvent,
  type AgentState,
  type ApplyResult,
  adapters,
  createLocalProxy,
  type EndpointChange,
  type FileAdapter,
  type FoundProxy,
  type ListenerState,
  type ResourceAdapter,
  socketText,
  type TargetTools,
} from "../agent/index.ts";
import type { ProxyKind } from "../ir/index.ts";
import type { DevControlPlane, DevFiles, DevFleet } from "./types.ts";

/** Nobody waits for a lab's connections to end: Ctrl-C is to give the terminal back. */
const GRACE_MS = 1_500;

/** What the children need: where files come from, which binaries there are, where to run, whom to tell. */
export interface ChildrenOptions {
  readonly plane: DevControlPlane;
  readonly found: ReadonlyMap<ProxyKind, FoundProxy>;
  readonly runDir: string;
  readonly tools: TargetTools;
  readonly say: (line: string) => void;
}

export interface ChildRow {
  readonly fleet: DevFleet;
  /** Null: its proxy is not installed. */
  readonly state: AgentState | null;
}

export interface Children {
  /** Starts proxies of new fleets, ends those of fleets that are gone. One run at a time. */
  sync(): Promise<void>;
  /** Waits until the proxies that read files run the newest ones, or cannot; one line for each that cannot. */
  settle(): Promise<readonly string[]>;
  rows(): readonly ChildRow[];
  close(): Promise<void>;
}

interface Child {
  readonly proxy: ProxyKind;
  readonly state: () => AgentState;
  /** New files; nothing to do for one that pulls. */
  readonly apply: (files: DevFiles) => Promise<ApplyResult | null>;
  readonly close: () => Promise<void>;
}

/** The run folder of one fleet's proxy. */
export function fleetRunDir(runDir: string, fleet: string): string {
  return join(runDir, fleet);
}

/** One supervised proxy per fleet; `close` leaves none behind. */
export function createChildren(options: ChildrenOptions): Children {
  const { plane, found } = options;
  const children = new Map<string, Child>();
  const unsubscribe = plane.onFiles((fleet, files) => {
    if (files !== null) {
      children
        .get(fleet)
        ?.apply(files)
        .catch((error: Error) => options.say(`${fleet}: ${error.message}`));
    }
  });

  const missing = new Set<string>();
  let closed = false;
  let next: Promise<void> | null = null;
  let last: Promise<void> = Promise.resolve();

  /** Who asks while one runs gets the one after it. */
  function sync(): Promise<void> {
    next ??= last.then(() => {
      next = null;
      return closed ? undefined : syncNow();
    });
    last = next.catch(() => undefined);
    return next;
  }

  async function syncNow(): Promise<void> {
    const fleets = new Map(plane.listFleets().map((fleet) => [fleet.name, fleet]));
    const surplus = [...children].filter(([name, { proxy }]) => fleets.get(name)?.proxy !== proxy);
    await Promise.all(
      surplus.map(([name, child]) => {
        children.delete(name);
        options.say(`${name}: ended, its fleet is gone`);
        return child.close();
      }),
    );
    await Promise.all([...fleets.values()].filter(({ name }) => !children.has(name)).map(start));
  }

  async function start(fleet: DevFleet): Promise<void> {
    const proxy = found.get(fleet.proxy);
    if (proxy === undefined || proxy.binary === null) {
      if (proxy !== undefined && !missing.has(fleet.name)) {
        missing.add(fleet.name);
        options.say(`${fleet.name} is skipped, for ${fleet.proxy} is missing: ${proxy.hint}.`);
      }
      return;
    }
    const adapter = adapters[fleet.proxy];
    if (adapter.output === "resources") {
      const { child, started } = startPulling(options, { adapter, fleet, program: proxy });
      children.set(fleet.name, child);
      await started;
      return;
    }
    const child = createFileChild(options, { adapter, fleet, program: proxy });
    children.set(fleet.name, child);
    const files = await plane.files(fleet.name);
    if (files !== null) {
      await child.apply(files);
    }
  }

  async function settle(): Promise<readonly string[]> {
    const lines = [...children].map(async ([name, child]) => {
      const files = await plane.files(name);
      const result = files === null ? null : await child.apply(files);
      if (result?.outcome === "partial") {
        return result.waiting.map((state) => waitingLine(name, state));
      }
      return result?.outcome === "failed" ? [`${name} does not run it; it is tried again: ${result.error}`] : [];
    });
    return (await Promise.all(lines)).flat();
  }

  return {
    sync,
    settle,
    rows: () => plane.listFleets().map((fleet) => ({ fleet, state: children.get(fleet.name)?.state() ?? null })),
    close: async () => {
      closed = true;
      unsubscribe();
      // The children first: a run of `sync` may wait for one of them. It may also have made one more.
      await Promise.all([...children.values()].map((child) => child.close()));
      await last;
      await Promise.all([...children.values()].map((child) => child.close()));
      children.clear();
    },
  };
}

/** A fleet's proxy on this machine. */
interface Installed<Adapter> {
  readonly adapter: Adapter;
  readonly fleet: DevFleet;
  readonly program: { readonly binary: string; readonly version: string };
}

function createFileChild(options: ChildrenOptions, { adapter, fleet, program }: Installed<FileAdapter>): Child {
  const agent = createLocalProxy({
    proxy: fleet.proxy,
    adapter,
    program,
    runDir: fleetRunDir(options.runDir, fleet.name),
    tools: options.tools,
    open: options.plane.openSecret,
    timing: { graceMs: GRACE_MS },
    onEvent: reporter(options, fleet),
  });
  const forget = options.plane.watchProxy(fleet.name, agent.report);
  const close = async (): Promise<void> => {
    await agent.close();
    forget();
    options.plane.reportListeners(fleet.name, null);
  };
  // A new fleet's first files come twice, told and asked for; the second time must not wait for the pause between reloads.
  let last: { readonly generation: string; readonly done: Promise<ApplyResult> } | null = null;
  return {
    proxy: fleet.proxy,
    state: agent.state,
    apply: async (files) => {
      const latest = last?.generation === files.generation ? last : { ...files, done: agent.apply(files) };
      last = latest;
      const result = await latest.done.catch(() => null);
      // What does not run may be asked for again, which tries it at once.
      if (result?.outcome !== "serving" && last === latest) {
        last = null;
      }
      return latest.done;
    },
    close,
  };
}

function startPulling(
  options: ChildrenOptions,
  { adapter, fleet, program: { binary } }: Installed<ResourceAdapter>,
): { readonly child: Child; readonly started: Promise<void> } {
  const { text, args } = options.plane.bootstrap(fleet.name);
  const agent = adapter.createAgent({
    runDir: fleetRunDir(options.runDir, fleet.name),
    binary,
    bootstrap: text,
    args,
    graceMs: GRACE_MS,
    onEvent: reporter(options, fleet),
  });
  const forget = options.plane.watchPulling(fleet.name, agent.leaving);
  const close = async (): Promise<void> => {
    await agent.close();
    forget();
  };
  const child: Child = { proxy: fleet.proxy, state: agent.state, apply: async () => null, close };
  return { child, started: agent.start() };
}

function waitingLine(fleet: string, { listener, reason }: Pick<ListenerState, "listener" | "reason">): string {
  return `${fleet}: listener ${listener} waits: ${reason}`;
}

function endpointLine({ cluster, ...change }: EndpointChange): string {
  const endpoint = `endpoint ${socketText(change)} of cluster ${cluster}`;
  return change.kind === "endpoint-up" ? `${endpoint} is up` : `${endpoint} is down: ${change.reason}`;
}

/** Tells what a person wants to know; what proxies print themselves comes along when something went wrong. */
function reporter({ say, plane }: ChildrenOptions, { name }: DevFleet): (event: AgentEvent) => void {
  let waiting: ReadonlyMap<string, string> = new Map();
  const tellListeners = (listeners: readonly ListenerState[]): void => {
    const before = waiting;
    waiting = new Map(listeners.flatMap(({ listener, reason }) => (reason === null ? [] : [[listener, reason]])));
    for (const [listener, reason] of waiting) {
      if (before.get(listener) !== reason) {
        say(waitingLine(name, { listener, reason }));
      }
    }
    for (const { listener, state } of listeners) {
      if (state === "serving" && before.has(listener)) {
        say(`${name}: listener ${listener} is served`);
      }
    }
    plane.reportListeners(name, listeners);
  };
  return (event) => {
    plane.noteEvent(name, event);
    if (event.kind === "listeners") {
      tellListeners(event.listeners);
    }
    if (event.kind === "logged") {
      say(event.line);
    }
    if (event.kind === "endpoint-down" || event.kind === "endpoint-up") {
      say(`${name}: ${endpointLine(event)}`);
    }
    if (event.kind === "died") {
      say(`${name}: ${event.reason}\n  restarting in ${event.restartInMs} ms`);
    } else if (event.kind === "failed") {
      say(`${name}: generation ${event.generation} was not applied: ${event.error}`);
    } else if (event.kind === "serving") {
      say(`${name}: serving${event.generation === "" ? "" : ` generation ${event.generation}`}`);
    }
  };
}
