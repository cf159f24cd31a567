/** Finds out whether sockets can be opened, by opening them for a moment. */
import { createSocket } from "node:dgram";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { Place } from "../targets/target.ts";

export interface BusySocket {
  /** As it was asked for: `address:port`, of UDP `address:port/udp`. */
  readonly socket: string;
  /** `EADDRINUSE`: somebody else has it; `EADDRNOTAVAIL`: this machine has no such address; `EACCES`: not allowed. */
  readonly error: string;
}

/** Which of `wanted` (`address:port`, IPv6 with or without brackets, `/udp` behind it) cannot be opened. */
export async function busySockets(wanted: readonly string[]): Promise<readonly BusySocket[]> {
  const busy: BusySocket[] = [];
  // One after the other: two that overlap (0.0.0.0 and 127.0.0.1) must not find each other.
  for (const socket of wanted) {
    const error = await tryListen(split(socket));
    if (error !== null) {
      busy.push({ socket, error });
    }
  }
  return busy;
}

/**
 * Why a running proxy that has the places `own` cannot open this one too; null: it can, or has it. Beside a place of its own that
 * overlaps (`overlaps`) nothing can be tried: then only those count whom the kernel names beside `own`.
 */
export async function whyTaken(wanted: Place, own: readonly Place[]): Promise<string | null> {
  if (own.some((place) => isSame(place, wanted))) {
    return null;
  }
  const overlapping = own.filter((place) => overlaps(place, wanted));
  if (overlapping.length === 0) {
    return tryListen(wanted);
  }
  return (await countListening(wanted)) > overlapping.length ? "EADDRINUSE" : null;
}

/** One is for all addresses of the other's kind, on the same port. */
export function overlaps(a: Place, b: Place): boolean {
  const isWide = ({ address }: Place): boolean => address === "0.0.0.0" || address === "::";
  return isSamePort(a, b) && isV6(a) === isV6(b) && a.address !== b.address && (isWide(a) || isWide(b));
}

/** Addresses are canonical in what is rendered. */
export function isSame(a: Place, b: Place): boolean {
  return isSamePort(a, b) && a.address === b.address;
}

/** `address:port`, with brackets around IPv6; of UDP `address:port/udp`. */
export function socketText({ address, port, transport }: Place): string {
  const socket = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  return transport === undefined ? socket : `${socket}/${transport}`;
}

/** What an error of `busySockets` means, behind the name of a socket. */
export function busyText(error: string): string {
  switch (error) {
    case "EADDRINUSE":
      return "is in use";
    case "EADDRNOTAVAIL":
      return "is not an address of this machine";
    case "EACCES":
      return "needs more rights than this user has";
    default:
      return `cannot be opened (${error})`;
  }
}

function isV6({ address }: Place): boolean {
  return address.includes(":");
}

function isSamePort(a: Place, b: Place): boolean {
  return a.port === b.port && a.transport === b.transport;
}

function split(text: string): Place {
  const [socket = "", transport] = text.split("/");
  const colon = socket.lastIndexOf(":");
  const place = { address: socket.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(socket.slice(colon + 1)) };
  return transport === "udp" ? { ...place, transport } : place;
}

/** The error's code, or null when the socket could be opened. It is closed again. */
function tryListen(place: Place): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const failed = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message);
  // As proxies do it: `::` is not for IPv4.
  const ipv6Only = isV6(place);
  if (place.transport === "udp") {
    const socket = createSocket({ type: ipv6Only ? "udp6" : "udp4", ipv6Only });
    socket.once("error", (error) => {
      socket.close();
      failed(error);
    });
    socket.bind({ address: place.address, port: place.port, exclusive: true }, () => socket.close(() => resolve(null)));
    return promise;
  }
  const server = createServer();
  server.once("error", failed);
  server.listen({ host: place.address, port: place.port, ipv6Only, exclusive: true }, () =>
    server.close(() => resolve(null)),
  );
  return promise;
}

/** The state of a socket that takes whatever comes in /proc/net/tcp and /proc/net/udp. */
const LISTENING = { tcp: "0A", udp: "07" } as const;

/** On how many addresses of its kind somebody listens on this port; 0 where the kernel does not tell. */
async function countListening(place: Place): Promise<number> {
  const { transport: kind = "tcp" } = place;
  const table = await readFile(`/proc/net/${kind}${isV6(place) ? "6" : ""}`, "utf8").catch(() => "");
  const port = `:${place.port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = table.split("\n").map((line) => line.trim().split(/\s+/));
  const found = rows.filter(([, local, , state]) => state === LISTENING[kind] && local?.endsWith(port));
  return new Set(found.map(([, local]) => local)).size;
}
