/** One local proxy per fleet, kept in step with the control plane. */
import { join } from "node:path";
import {
  type AgentEvent,
  type AgentState,
  createEnvoyAgent,
  createFileAgent,
  haproxyProxy,
  nginxProxy,
} from "../../agent/index.ts";
import { envoyDrainArguments } from "../../targets/envoy/index.ts";
import type { FoundProxy } from "./findProxy.ts";
import type { DevCheck, DevControlPlane, DevFiles, DevFleet, ProxyKind } from "./types.ts";

/** Nobody waits for a lab's connections to end: Ctrl-C is to give the terminal back. */
const GRACE_MS = 1_500;

/** What the children need: where files come from, which binaries there are, where to run, whom to tell. */
export interface ChildrenOptions {
  readonly plane: DevControlPlane;
  readonly found: ReadonlyMap<ProxyKind, FoundProxy>;
  readonly runDir: string;
  readonly check: DevCheck;
  readonly say: (line: string) => void;
}

export interface ChildRow {
  readonly fleet: DevFleet;
  /** Null: its proxy is not installed. */
  readonly state: AgentState | null;
}

export interface Children {
  /** Starts proxies of new fleets, ends those of fleets that are gone. */
  sync(): Promise<void>;
  rows(): readonly ChildRow[];
  close(): Promise<void>;
}

interface Child {
  readonly proxy: ProxyKind;
  readonly state: () => AgentState;
  /** New files; nothing to do for Envoy, which pulls. */
  readonly apply: (files: DevFiles) => Promise<void>;
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

  async function sync(): Promise<void> {
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
      return;
    }
    if (fleet.proxy === "envoy") {
      children.set(fleet.name, await startEnvoy(options, fleet, proxy.binary));
      return;
    }
    const child = createFileChild(options, fleet, proxy.binary);
    children.set(fleet.name, child);
    const files = await plane.files(fleet.name);
    if (files !== null) {
      await child.apply(files);
    }
  }

  return {
    sync,
    rows: () => plane.listFleets().map((fleet) => ({ fleet, state: children.get(fleet.name)?.state() ?? null })),
    close: async () => {
      unsubscribe();
      await Promise.all([...children.values()].map((child) => child.close()));
      children.clear();
    },
  };
}

function createFileChild(options: ChildrenOptions, fleet: DevFleet, binary: string): Child {
  const runDir = fleetRunDir(options.runDir, fleet.name);
  const agent = createFileAgent({
    proxy: fleet.proxy === "nginx" ? nginxProxy({ runDir, binary }) : haproxyProxy({ runDir, binary }),
    check: (files) => options.check(fleet.proxy, files, binary),
    timing: { graceMs: GRACE_MS },
    onEvent: reporter(options, fleet),
  });
  // A new fleet's first files come twice, told and asked for; the second time must not wait for the pause between reloads.
  let last: { readonly generation: string; readonly done: Promise<unknown> } | null = null;
  return {
    proxy: fleet.proxy,
    state: agent.state,
    apply: async (files) => {
      if (last?.generation !== files.generation) {
        last = { generation: files.generation, done: agent.apply(files) };
      }
      await last.done;
    },
    close: agent.close,
  };
}

async function startEnvoy(options: ChildrenOptions, fleet: DevFleet, binary: string): Promise<Child> {
  const agent = createEnvoyAgent({
    runDir: fleetRunDir(options.runDir, fleet.name),
    binary,
    bootstrap: options.plane.bootstrap(fleet.name),
    args: envoyDrainArguments,
    graceMs: GRACE_MS,
    onEvent: reporter(options, fleet),
  });
  await agent.start();
  return { proxy: "envoy", state: agent.state, apply: async () => undefined, close: agent.close };
}

/** Tells what a person wants to know; what proxies print themselves comes along when something went wrong. */
function reporter({ say }: ChildrenOptions, { name }: DevFleet): (event: AgentEvent) => void {
  return (event) => {
    if (event.kind === "died") {
      say(`${name}: ${event.reason}\n  restarting in ${event.restartInMs} ms`);
    } else if (event.kind === "failed") {
      say(`${name}: generation ${event.generation} was not applied: ${event.error}`);
    } else if (event.kind === "serving") {
      say(`${name}: serving${event.generation === "" ? "" : ` generation ${event.generation}`}`);
    }
  };
}
