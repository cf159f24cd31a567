/**
 * Changes servers, maps and certificates of a running HAProxy, and looks whether it has them then. What is done follows from what the
 * process says that it has, not from what it was told before; so a change that was cut short is no harm to the next.
 */
import type { RuntimeBackend, RuntimeChange } from "../../targets/target.ts";
import { reasonOf } from "../../util/reason.ts";
import { changeCertificates } from "./haproxyCertificates.ts";
import { type Ask, changeMaps, whatMapIsWrong } from "./haproxyMaps.ts";
import { askHaproxy, linesOf } from "./haproxySocket.ts";

/** Tells the generation that the process has: of its files at first, then of each change. */
export const GENERATION_VARIABLE = "proc.trimtab_generation";

/** For all of a change; a command takes 3 ms at most, and a reload half a second. */
const CHANGE_TIMEOUT_MS = 5_000;
/** Servers that are gone but still have connections, and stay in maintenance. More of them: a reload is due, which is rid of them. */
const MAX_LEFT = 1_000;

/** Characters of its answers that are told. */
const MAX_SAID = 500;

/** Of `srv_admin_state`: put out by command, by the file, by one that is tracked; by a name that no longer has an address. */
const MAINTENANCE = 0x01 | 0x02 | 0x20;
/** New requests are turned away by command. Nothing of ours says so; whoever did has to be undone. */
const DRAINING = 0x08 | 0x10;

/** Makes the changes of one HAProxy. */
export type ChangeHaproxy = (change: RuntimeChange, generation: string) => Promise<string | null>;

/** What one process has of a backend's servers. */
interface Seen {
  readonly weight: number;
  readonly admin: number;
  readonly address: string;
}

type SeenServers = ReadonlyMap<string, Seen>;

/** What is remembered of a process. */
interface Known {
  readonly pid: string;
  /** Gone, but not deleted: by backend and name, with the words that each has. */
  readonly left: Left;
}

type Left = Map<string, Map<string, string>>;

/** `socket` needs the level `admin`. The change gives null when the process has all of it, and says so; else why not. */
export function createChangeHaproxy(socket: string): ChangeHaproxy {
  let known: Known = { pid: "", left: new Map() };
  return async (change, generation) => {
    const ask = askWithin(socket, CHANGE_TIMEOUT_MS);
    try {
      const pid = /^Pid: (\d+)$/m.exec(await ask(["show info"]))?.[1] ?? "";
      if (pid !== known.pid) known = { pid, left: new Map() };
      const wrong = await makeChange(ask, change, known.left);
      if (wrong !== null) return wrong;
      await ask([`experimental-mode on; set var ${GENERATION_VARIABLE} str(${generation})`]);
      const told = generationIn(await ask([ASK_GENERATION]));
      return told === generation ? null : `its generation is ${told ?? "not told"}`;
    } catch (error) {
      return reasonOf(error);
    }
  };
}

/** Which generation the process says that it has; null: no answer. */
export async function askGeneration(socket: string, timeoutMs: number): Promise<string | null> {
  return generationIn(await askHaproxy(socket, ASK_GENERATION, timeoutMs));
}

const ASK_GENERATION = `get var ${GENERATION_VARIABLE}`;

function generationIn(answer: string): string | null {
  return /value=<([^>]*)>/.exec(answer)?.[1] ?? null;
}

/** Gives all answers as one; throws when all questions together take longer. */
function askWithin(socket: string, timeoutMs: number): Ask {
  const deadline = performance.now() + timeoutMs;
  return async (commands) => {
    const answers: string[] = [];
    for (const line of linesOf(commands)) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`it took more than ${timeoutMs / 1_000} s`);
      answers.push(await askHaproxy(socket, line, leftMs));
    }
    return answers.join("");
  };
}

/** Null, or what the process has not as it is to be. */
async function makeChange(
  ask: Ask,
  { backends, maps, certificates }: RuntimeChange,
  left: Left,
): Promise<string | null> {
  // Servers that come shake hands by what is new.
  const refused = await changeCertificates(ask, certificates);
  if (refused !== null) return refused;
  const before = await look(ask, backends);
  // Nothing goes before what is to take its place is there.
  let said = await ask(backends.flatMap((backend) => comingOf(backend, seenIn(before, backend), left)));
  await changeMaps(ask, maps);
  said += await ask(backends.flatMap((backend) => goingOf(backend, seenIn(before, backend), left)));
  const after = await look(ask, backends);
  for (const backend of backends) {
    const seen = seenIn(after, backend);
    const wrong = whatIsWrong(backend, seen);
    if (wrong !== null) return said.trim() === "" ? wrong : `${wrong}; it said: ${said.trim().slice(0, MAX_SAID)}`;
    const wanted = new Set(backend.servers.map(({ name }) => name));
    const still = [...leftIn(left, backend)].filter(([name]) => !wanted.has(name) && seen.has(name));
    left.set(backend.name, new Map(still));
  }
  const count = [...left.values()].reduce((sum, { size }) => sum + size, 0);
  if (count > MAX_LEFT) return `${count} servers that are gone still have connections`;
  return whatMapIsWrong(ask, maps);
}

/** Adds what is new, and gives all others their weight and state. */
function comingOf(backend: RuntimeBackend, seen: SeenServers, left: Left): readonly string[] {
  const commands: string[] = [];
  for (const { name, address, weight, isDisabled, isNew, words } of backend.servers) {
    const key = `${backend.name}/${name}`;
    const server = seen.get(name);
    if (server === undefined) {
      commands.push(`add server ${key} ${address} ${words.join(" ")} weight ${weight}`);
      // One that is added is in maintenance, and is not probed.
      if (words.includes("check")) commands.push(`enable health ${key}`);
      if (!isDisabled) commands.push(`set server ${key} state ready`);
      continue;
    }
    if (isNew && leftIn(left, backend).get(name) !== words.join(" ")) {
      throw new Error(`${key} is still there, with other settings`);
    }
    if (server.weight !== weight) commands.push(`set server ${key} weight ${weight}`);
    // Only then: whether its check passes is not for us to say.
    if (isDisabled ? !isOut(server) : isOut(server) || (server.admin & DRAINING) !== 0) {
      commands.push(`set server ${key} state ${isDisabled ? "maint" : "ready"}`);
    }
  }
  return commands;
}

/** Takes out what is to go. It is deleted when nothing is connected to it, now or the next time that its backend changes. */
function goingOf(backend: RuntimeBackend, seen: SeenServers, left: Left): readonly string[] {
  const wanted = new Set(backend.servers.map(({ name }) => name));
  const words = new Map(backend.gone.map((server) => [server.name, server.words.join(" ")]));
  const known = leftIn(left, backend);
  left.set(backend.name, known);
  const commands: string[] = [];
  for (const [name, server] of seen) {
    if (wanted.has(name)) continue;
    const key = `${backend.name}/${name}`;
    known.set(name, words.get(name) ?? known.get(name) ?? "");
    if (!isOut(server)) commands.push(`set server ${key} state maint`);
    commands.push(`del server ${key}`);
  }
  return commands;
}

function leftIn(left: Left, { name }: RuntimeBackend): Map<string, string> {
  return left.get(name) ?? new Map();
}

function whatIsWrong({ name: backend, servers }: RuntimeBackend, seen: SeenServers): string | null {
  const wanted = new Set(servers.map(({ name }) => name));
  for (const { name, address, weight, isDisabled } of servers) {
    const server = seen.get(name);
    const isRight = server?.weight === weight && server.address === address && isOut(server) === isDisabled;
    if (!isRight || (server.admin & DRAINING) !== 0) return `${backend}/${name} is not as it is to be`;
  }
  for (const [name, server] of seen) {
    if (!wanted.has(name) && !isOut(server)) return `${backend}/${name} does not go`;
  }
  return null;
}

function isOut({ admin }: Seen): boolean {
  return (admin & MAINTENANCE) !== 0;
}

function seenIn(all: ReadonlyMap<string, SeenServers>, { name }: RuntimeBackend): SeenServers {
  return all.get(name) ?? new Map();
}

/** By backend and name. */
async function look(ask: Ask, backends: readonly RuntimeBackend[]): Promise<ReadonlyMap<string, SeenServers>> {
  const found = new Map<string, Map<string, Seen>>(backends.map(({ name }) => [name, new Map()]));
  const answer = await ask(backends.map(({ name }) => `show servers state ${name}`));
  for (const line of answer.split("\n")) {
    const columns = line.split(" ");
    const at = (column: number): string => columns[column] ?? "";
    const host = at(4).includes(":") ? `[${at(4)}]` : at(4);
    const server = { weight: Number(at(7)), admin: Number(at(6)), address: `${host}:${at(18)}` };
    found.get(at(1))?.set(at(3), server);
  }
  return found;
}
