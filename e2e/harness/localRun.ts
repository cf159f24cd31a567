/** `npm start`, `npx trimtab dev` and the like as a whole: every process that belongs to it, and every port. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { parse } from "yaml";
import { freePort } from "./ports.ts";
import { until } from "./process.ts";
import { repositoryRoot } from "./program.ts";

/** Npm loads, proxies start; on a busy machine. */
const START_MS = 120_000;
const END_MS = 60_000;
/** Where the example's fleets listen instead, so that several runs fit one machine. */
const FLEETS = ["edge-envoy", "edge-nginx", "edge-haproxy"];

export interface LocalRun {
  /** The leader of a group of its own, as a terminal's job is. */
  readonly child: ChildProcess;
  /** The process that is the program itself. */
  readonly program: number;
  /** The command that was given, shells, the program, proxies and their workers. */
  readonly pids: readonly number[];
  /** `address:port` of everything that listened. */
  readonly sockets: readonly string[];
  /** Where the host inside TLS is, at the address of each fleet. */
  readonly https: readonly string[];
  readonly output: () => string;
}

/** Starts a command that runs `dev` on the example, and waits until the proxies serve. `folder`: for its data. */
export async function startLocalRun(
  [command = "", ...args]: readonly string[],
  { folder, cwd = repositoryRoot }: { readonly folder: string; readonly cwd?: string },
): Promise<LocalRun> {
  const { env, sockets, https } = await elsewhere(folder);
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part) => (printed += String(part)));
  const output = (): string => printed;
  await until(
    `${command} ${args.join(" ")} serves`,
    () => (hasEnded(child) || printed.includes("Ctrl-C ends everything") ? true : null),
    { timeoutMs: START_MS },
  );
  if (hasEnded(child)) throw new Error(`it ended:\n${printed}`);
  const pids = descendants(child.pid as number);
  const program = pids.find(
    (pid) => / dev .*quickstart\.yaml/.test(commandLine(pid)) && !/^(npm|sh) /.test(commandLine(pid)),
  );
  if (program === undefined) throw new Error(`no process of ${pids.map(commandLine).join("; ")} is the program`);
  return { child, program, pids, sockets, https, output };
}

/** How it ended, when nothing of it is left. Throws with what is left after a time. */
export async function endOf(run: LocalRun): Promise<{ readonly code: number | null; readonly signal: string | null }> {
  const { child } = run;
  if (!hasEnded(child)) await once(child, "exit");
  let left: readonly string[] = [];
  const ended = async (): Promise<true | null> => {
    left = run.pids.filter(isAlive).map((pid) => `${pid} ${commandLine(pid)}`);
    if (left.length === 0)
      left = (await Promise.all(run.sockets.map(async (at) => ((await listens(at)) ? at : "")))).filter(Boolean);
    return left.length === 0 ? true : null;
  };
  await until("nothing is left", ended, { timeoutMs: END_MS }).catch(() => {
    for (const pid of run.pids.filter(isAlive)) process.kill(pid, "SIGKILL");
    throw new Error(`left: ${left.join("; ")}\n${run.output()}`);
  });
  return { code: child.exitCode, signal: child.signalCode };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Other ports than the example's for everything. */
async function elsewhere(
  folder: string,
): Promise<Pick<LocalRun, "sockets" | "https"> & { readonly env: Record<string, string> }> {
  const text = readFileSync(join(repositoryRoot, "examples/quickstart.yaml"), "utf8");
  const model = parse(text) as { listeners: { port: number }[]; clusters: { endpoints: { port: number }[] }[] };
  const listeners = new Map<number, number>();
  for (const { port } of model.listeners) listeners.set(port, await freePort("127.0.0.1", "127.0.0.2", "127.0.0.3"));
  const endpoints = new Map<number, number>();
  for (const { port } of model.clusters.flatMap((cluster) => cluster.endpoints)) endpoints.set(port, await freePort());
  const [api, xds] = [await freePort(), await freePort()];
  const https = await freePort("127.0.0.1", "127.0.0.2", "127.0.0.3");
  const env = {
    TRIMTAB_HTTPS: String(https),
    TRIMTAB_DATA: folder,
    TRIMTAB_HTTP: `127.0.0.1:${api}`,
    TRIMTAB_XDS: `127.0.0.1:${xds}`,
    TRIMTAB_PORTS: [...listeners, ...endpoints].map((pair) => pair.join("=")).join(","),
    TRIMTAB_BIND: FLEETS.map((fleet, index) => `${fleet}=127.0.0.${index + 1}`).join(","),
  };
  const served = [...listeners.values(), https].flatMap((port) =>
    FLEETS.map((_, index) => `127.0.0.${index + 1}:${port}`),
  );
  const own = [api, xds, ...endpoints.values()].map((port) => `127.0.0.1:${port}`);
  const inside = served.filter((at) => at.endsWith(`:${https}`));
  return { env, sockets: [...served, ...own], https: inside };
}

/** A process and all that come of it. */
function descendants(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const parent = Number(statOf(Number(name))[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** State, parent, … of /proc/PID/stat. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  const [state = "Z"] = statOf(pid);
  return state !== "Z";
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function listens(socket: string): Promise<boolean> {
  const [host = "", port = ""] = socket.split(":");
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const connection = createConnection({ host, port: Number(port) });
  connection.on("connect", () => resolve(true)).on("error", () => resolve(false));
  return promise.finally(() => connection.destroy());
}
