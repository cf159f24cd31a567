/**
 * What of a generation can be run now. A socket that cannot be opened is left out with its file; a listener that moved there is
 * served where it was, until it can move. All else is as it was rendered, and the name of what comes of it says that it is not all.
 */
import { createHash } from "node:crypto";
import type { Place, Socket } from "../targets/target.ts";
import { busyText, isSame, overlaps, socketText, whyTaken } from "./busySockets.ts";
import type { AgentFile, AgentFiles, MakeRebound } from "./types.ts";

/** A generation, or what of it can be run now. */
export interface Arrangement {
  /** The generation that was asked for. */
  readonly whole: AgentFiles;
  /** What to run: `whole` itself when nothing waits. Its name is the whole's with a mark that names what waits, and how. */
  readonly files: AgentFiles;
  /** The name that is told: that of `files`, without what says which endpoints are down. */
  readonly told: string;
  readonly waiting: readonly WaitingSocket[];
  /** It is only a step: a former address of the proxy's own is given up, so that the whole can be run. */
  readonly isClosing: boolean;
}

/** What is told of a generation that runs in part names the whole one before its mark. */
export function wholeGeneration(told: string): string {
  return told.replace(/-without-[0-9a-f]+$/, "");
}

/** A socket that cannot be opened. */
export interface WaitingSocket {
  readonly socket: Socket;
  /** One sentence: which socket, and what is wrong with it. */
  readonly reason: string;
  /** Where its listeners are served meanwhile; none: nowhere. */
  readonly places: readonly Place[];
}

/** What the proxy has, and had. */
export interface Sockets {
  /** Of the process that runs: it passes them on to what it is to run next. */
  readonly own: readonly Socket[];
  /** What was served last, by whatever process: where listeners are left that cannot move. */
  readonly former: readonly Socket[];
  /** The running process can bind a socket that overlaps another of its own. */
  readonly bindsBesideOwn: boolean;
}

/** Tries the sockets that `whole` opens anew; opens and closes each for a moment. */
export async function arrange(whole: AgentFiles, sockets: Sockets, rebound: MakeRebound): Promise<Arrangement> {
  const taken = new Map<Socket, string>();
  for (const socket of whole.sockets) {
    const error = (await whyTaken(socket, sockets.own)) ?? ownInTheWay(socket, sockets);
    if (error !== null) {
      taken.set(socket, error);
    }
  }
  if (taken.size === 0) {
    return { whole, files: whole, told: whole.generation, waiting: [], isClosing: false };
  }
  const used: Place[] = whole.sockets.filter((socket) => !taken.has(socket));
  const waiting: WaitingSocket[] = [];
  for (const [socket, error] of taken) {
    const places = error === CLOSING ? [] : await formerPlaces(socket, sockets, used);
    used.push(...places);
    waiting.push({ socket, reason: reasonOf(socket, error, places), places });
  }
  const isClosing = [...taken.values()].includes(CLOSING);
  const files = await without(whole, waiting, rebound);
  return { whole, files, told: files.generation, waiting, isClosing };
}

/** Stands for an error: the proxy's own former address is in the way, and is given up first. */
const CLOSING = "closing";

function ownInTheWay(socket: Socket, { own, bindsBesideOwn }: Sockets): string | null {
  return !bindsBesideOwn && own.some((place) => overlaps(place, socket)) ? CLOSING : null;
}

/** Where the listeners of a socket were served, as far as nobody else is there now. */
async function formerPlaces(
  socket: Socket,
  { own, former }: Sockets,
  used: readonly Place[],
): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const old of former) {
    const isOurs = old.listeners.some((name) => socket.listeners.includes(name));
    const isUsed = used.some((place) => isSame(place, old) || overlaps(place, old));
    if (
      isOurs &&
      old.transport === socket.transport &&
      !isUsed &&
      !isSame(old, socket) &&
      (await whyTaken(old, own)) === null
    ) {
      const { address, port, transport } = old;
      places.push({ address, port, ...(transport === undefined ? {} : { transport }) });
    }
  }
  return places;
}

function reasonOf(socket: Socket, error: string, left: readonly Place[]): string {
  if (error === CLOSING) {
    return `${socketText(socket)} overlaps the address before, which is given up first`;
  }
  const meanwhile = left.length === 0 ? "" : `; served on ${left.map(socketText).join(", ")} until then`;
  return `${socketText(socket)} ${busyText(error)}${meanwhile}`;
}

/** Digits of the mark behind a generation's name: a handful of them exist of one generation. */
const MARK_DIGITS = 8;

/** What a file can open. Its first socket is what it is for: clients of the others (HTTP/3) are told of them there. */
function leftOf(path: string, all: readonly Socket[], waiting: readonly WaitingSocket[]): readonly Socket[] {
  const own = all
    .filter(({ file }) => file === path)
    .map((socket) => {
      const held = waiting.find((entry) => entry.socket === socket);
      return held === undefined ? [socket] : held.places.map((place) => ({ ...socket, ...place }));
    });
  return own[0]?.length === 0 ? [] : own.flat();
}

async function without(
  whole: AgentFiles,
  waiting: readonly WaitingSocket[],
  rebound: MakeRebound,
): Promise<AgentFiles> {
  const held = new Set(waiting.map(({ socket }) => socket.file));
  const files: AgentFile[] = [];
  const places = new Map<string, readonly Socket[]>();
  for (const file of whole.files) {
    if (!held.has(file.path)) {
      files.push(file);
      continue;
    }
    const left = leftOf(file.path, whole.sockets, waiting);
    places.set(file.path, left);
    if (left.length > 0) files.push({ ...file, text: await rebound(file.text, left) });
  }
  const sockets = whole.sockets.flatMap((socket) => {
    const left = places.get(socket.file);
    if (left === undefined) return [socket];
    return whole.sockets.find(({ file }) => file === socket.file) === socket ? left : [];
  });
  const told = waiting.map(({ socket, places }) => [socket.file, socket.transport, ...places.map(socketText)]);
  const mark = createHash("sha256").update(JSON.stringify(told)).digest("hex").slice(0, MARK_DIGITS);
  return { generation: `${whole.generation}-without-${mark}`, files, sockets };
}
