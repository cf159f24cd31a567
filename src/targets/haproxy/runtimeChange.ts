/**
 * What a running HAProxy can take over without new workers: servers that come, go, change their weight or are disabled, shares of splits,
 * backends of rules, certificates. Found by comparing files and the lines of `servers.hbs`, each of which is a server and
 * nothing else; one other byte of difference is a reload.
 */
import type { RenderedFile, RuntimeBackend, RuntimeChange, RuntimeMap, RuntimeServer } from "../target.ts";
import { CONFIG_FILE } from "./names.ts";
import { isRuntimeCertificate, MAX_CERTIFICATES } from "./runtimeCertificates.ts";
import { runtimeMap } from "./runtimeMaps.ts";

/** Characters from the first backend that differs to the last: 10 000 servers, read in 10 ms, with the event loop held. */
const MAX_TEXT = 1024 * 1024;
/** Characters that are compared at once. */
const PIECE = 64 * 1024;
/** Servers of the backends that change, and entries of maps: each costs a command or two of a process that is serving. */
const MAX_PARTS = 4_096;

const SERVER = "  server ";
const BACKEND = "backend ";
const NEXT_BACKEND = `\n${BACKEND}`;
const DEFAULTS = "  default-server ";
/** HAProxy reads words with these in them by rules of their own: such a line changes with a reload. */
const QUOTING = /['"\\]/;

/**
 * Words of a line that HAProxy (2.6 and later) also takes for a server that is added, with the number of their values. A cookie is
 * not among them before 3.0, and what is tracked must come from the file.
 */
const ADDABLE: Readonly<Record<string, 0 | 1>> = {
  backup: 0,
  check: 0,
  "error-limit": 1,
  fall: 1,
  id: 1,
  inter: 1,
  "init-state": 1,
  maxconn: 1,
  maxqueue: 1,
  minconn: 1,
  observe: 1,
  "on-error": 1,
  "on-marked-down": 1,
  "pool-max-conn": 1,
  "pool-purge-delay": 1,
  port: 1,
  rise: 1,
  "send-proxy": 0,
  "send-proxy-v2": 0,
  slowstart: 1,
};
/** What a server of the file has and one that is added has not: idle connections that are kept. */
const POOL: readonly string[] = ["pool-max-conn", "-1", "pool-purge-delay", "5s"];

/** Null: what differs is not for the running process alone. */
export function runtimeChange(before: readonly RenderedFile[], after: readonly RenderedFile[]): RuntimeChange | null {
  if (before.length !== after.length) return null;
  const maps: RuntimeMap[] = [];
  const certificates: RenderedFile[] = [];
  let backends: readonly RuntimeBackend[] | null = [];
  for (const [index, file] of after.entries()) {
    const { path, mode, text } = file;
    const old = before[index];
    if (old?.path !== path || old.mode !== mode) return null;
    if (old.text === text) continue;
    if (path === CONFIG_FILE) {
      backends = changedBackends(...differing(old.text, text));
      continue;
    }
    if (isRuntimeCertificate(file)) {
      certificates.push(file);
      continue;
    }
    const map = runtimeMap(path, old.text, text);
    if (map === null) return null;
    maps.push(map);
  }
  if (backends === null) return null;
  const servers = backends.reduce((sum, { servers: { length } }) => sum + length, 0);
  const entries = maps.reduce((sum, { entries: { length } }) => sum + length, 0);
  return Math.max(servers, entries) > MAX_PARTS || certificates.length > MAX_CERTIFICATES
    ? null
    : { backends, maps, certificates };
}

/** From the line of the first backend that differs, or the start, to the end of the last. */
function differing(before: string, after: string): [string, string] {
  const shorter = Math.min(before.length, after.length);
  const same = countSame(shorter, (from, to) => before.slice(from, to) === after.slice(from, to));
  const start = Math.max(0, after.lastIndexOf(NEXT_BACKEND, same - NEXT_BACKEND.length) + 1);
  const [oldEnd, nextEnd] = [before.length, after.length];
  const atEnd = countSame(
    shorter - start,
    (from, to) => before.slice(oldEnd - to, oldEnd - from) === after.slice(nextEnd - to, nextEnd - from),
  );
  const end = after.indexOf(NEXT_BACKEND, nextEnd - atEnd);
  const left = end < 0 ? 0 : nextEnd - end - 1;
  return [before.slice(start, oldEnd - left), after.slice(start, nextEnd - left)];
}

/** How many of the first characters are the same. */
function countSame(length: number, isSamePiece: (from: number, to: number) => boolean): number {
  let same = 0;
  for (let piece = PIECE; piece > 0; piece = Math.floor(piece / 2)) {
    while (same + piece <= length && isSamePiece(same, same + piece)) same += piece;
  }
  return same;
}

function changedBackends(before: string, after: string): readonly RuntimeBackend[] | null {
  if (Math.max(before.length, after.length) > MAX_TEXT) return null;
  const [old, next] = [before.split("\n"), after.split("\n")];
  const found: RuntimeBackend[] = [];
  let [name, defaults] = ["", ""];
  for (let [i, j] = [0, 0]; i < old.length || j < next.length; i++, j++) {
    const [oldEnd, nextEnd] = [endOfServers(old, i), endOfServers(next, j)];
    const stretch = { old: old.slice(i, oldEnd), next: next.slice(j, nextEnd) };
    if (!isSame(stretch)) {
      const changed = serversOf(stretch, defaults);
      if (changed === null) return null;
      found.push({ name, ...changed });
    }
    [i, j] = [oldEnd, nextEnd];
    const line = next[j] ?? "";
    if (line !== (old[i] ?? "")) return null;
    if (line.startsWith(BACKEND)) [name, defaults] = [line.split(" ")[1] ?? "", ""];
    else if (line.startsWith(DEFAULTS)) defaults = line.slice(DEFAULTS.length);
  }
  return found;
}

function endOfServers(lines: readonly string[], start: number): number {
  let end = start;
  while (lines[end]?.startsWith(SERVER)) end++;
  return end;
}

/** The lines of a backend's servers. */
interface Stretch {
  readonly old: readonly string[];
  readonly next: readonly string[];
}

function isSame({ old, next }: Stretch): boolean {
  return old.length === next.length && old.every((line, index) => line === next[index]);
}

/** Their order says nothing to a process that runs. */
function serversOf({ old, next }: Stretch, defaults: string): Omit<RuntimeBackend, "name"> | null {
  const known = new Map(old.map((line) => [nameOf(line), line]));
  const servers: RuntimeServer[] = [];
  for (const line of next) {
    const before = known.get(nameOf(line));
    known.delete(nameOf(line));
    if (before !== line && QUOTING.test(`${line}${before ?? ""}`)) return null;
    const server = readServer(line, defaults);
    const canChange = before === undefined ? canBeAdded(server) : isAlike(readServer(before, defaults), server);
    if (!canChange) return null;
    servers.push({ ...server, isNew: before === undefined });
  }
  return { servers, gone: [...known.values()].map((line) => readServer(line, defaults)) };
}

function nameOf(line: string): string {
  return line.slice(SERVER.length, line.indexOf(" ", SERVER.length));
}

type ServerLine = Omit<RuntimeServer, "isNew">;

function readServer(line: string, defaults: string): ServerLine {
  const [name = "", address = "", ...rest] = line.slice(SERVER.length).split(" ");
  const at = rest.indexOf("weight");
  const own = rest.filter((word, index) => word !== "disabled" && index !== at && index !== at + 1);
  const words = [...(defaults === "" ? [] : defaults.split(" ")), ...own];
  return {
    name,
    address,
    weight: Number(rest[at + 1]),
    isDisabled: rest.includes("disabled"),
    words: words.includes(POOL[0] as string) ? words : [...words, ...POOL],
  };
}

function isAlike(before: ServerLine, after: ServerLine): boolean {
  return before.address === after.address && before.words.join(" ") === after.words.join(" ");
}

function canBeAdded({ words }: ServerLine): boolean {
  for (let index = 0; index < words.length; index++) {
    const values = ADDABLE[words[index] as string];
    if (values === undefined) return false;
    index += values;
  }
  return true;
}
