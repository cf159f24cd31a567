/** Reads what the control plane gave, or what was kept of it: only what an agent can take comes through. */
import { adapters, isFilePath } from "../agent/index.ts";
import type { ProxyKind } from "../ir/index.ts";
import type { FleetFiles } from "./types.ts";

/** Files of a fleet: a generation of the largest model has some thousands. */
const MAX_FILES = 100_000;
const GENERATION = /^[A-Za-z0-9_-]{1,64}$/;
const PERMISSIONS = 0o777;
/** Of a file that does not say it: its owner's alone. */
const DEFAULT_MODE = 0o600;
const MAX_PORT = 65_535;

type Fields = Readonly<Record<string, unknown>>;

/** Throws one sentence that names what is wrong with them. */
export function readFiles(value: unknown, fleet: string): FleetFiles {
  const { fleet: named, proxy, revision, generation, files, sockets } = fieldsOf(value, "the answer");
  must(named === fleet, `the files are of another fleet: ${quoted(named)}`);
  must(isFileProxy(proxy), `the fleet's proxy is none that reads files: ${quoted(proxy)}`);
  must(Number.isSafeInteger(revision) && (revision as number) >= 0, `no revision: ${quoted(revision)}`);
  must(typeof generation === "string" && GENERATION.test(generation), `no generation: ${quoted(generation)}`);
  must(Array.isArray(files) && files.length <= MAX_FILES, "no list of files");
  must(Array.isArray(sockets), "no list of sockets: the control plane is older than this agent");
  return {
    fleet,
    proxy: proxy as ProxyKind,
    revision: revision as number,
    generation: generation as string,
    files: (files as unknown[]).map(fileOf),
    sockets: (sockets as unknown[]).map(socketOf),
  };
}

function fileOf(value: unknown): FleetFiles["files"][number] {
  const { path, text, mode = DEFAULT_MODE } = fieldsOf(value, "a file");
  must(typeof path === "string" && isFilePath(path), `a file may not be called ${quoted(path)}`);
  must(typeof text === "string", `file ${quoted(path)} has no text`);
  const isMode = Number.isInteger(mode) && ((mode as number) & ~PERMISSIONS) === 0 && (mode as number) >= 0;
  must(isMode, `file ${quoted(path)} has no permissions that a file can have: ${quoted(mode)}`);
  return { path: path as string, text: text as string, mode: mode as number };
}

function socketOf(value: unknown): FleetFiles["sockets"][number] {
  const { address, port, transport, listeners, file } = fieldsOf(value, "a socket");
  const isPort = Number.isInteger(port) && (port as number) >= 1 && (port as number) <= MAX_PORT;
  must(typeof address === "string" && isPort, `a socket is nowhere: ${quoted(address)} ${quoted(port)}`);
  must(transport === undefined || transport === "udp", `a socket is of no known kind: ${quoted(transport)}`);
  const isList = Array.isArray(listeners) && listeners.every((name) => typeof name === "string");
  must(isList && typeof file === "string", "a socket does not say whose it is");
  const place = {
    address: address as string,
    port: port as number,
    listeners: listeners as string[],
    file: file as string,
  };
  return transport === undefined ? place : { ...place, transport: "udp" };
}

function isFileProxy(proxy: unknown): boolean {
  return typeof proxy === "string" && Object.hasOwn(adapters, proxy) && adapters[proxy as ProxyKind].output === "files";
}

function fieldsOf(value: unknown, what: string): Fields {
  must(value !== null && typeof value === "object" && !Array.isArray(value), `${what} is no object`);
  return value as Fields;
}

function must(holds: boolean, problem: string): void {
  if (!holds) throw new Error(problem);
}

/** More helps nobody. */
const MAX_QUOTED = 100;

function quoted(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, MAX_QUOTED);
}
