/** Finds out before anything starts which sockets are taken, and says how to change each. */
import { busySockets, busyText, socketText } from "../agent/index.ts";
import type { DevConfig } from "./config.ts";

/** A socket that will be opened. */
export interface WantedSocket {
  /** `127.0.0.1:8400`, `[::1]:8400`. */
  readonly socket: string;
  /** Completes "is wanted for": `the REST API`. */
  readonly purpose: string;
  /** Without it the rest can run: who wants it waits until it is free. */
  readonly canWait?: true;
  /** How to choose another one: `--http ADDRESS or TRIMTAB_HTTP`. */
  readonly change: string;
}

/** What the configuration's listeners (of these fleets only) and its echo upstreams open; `ports` are the overrides in it. */
export function configSockets(
  config: DevConfig,
  fleets: ReadonlySet<string>,
  ports: ReadonlyMap<number, number>,
): readonly WantedSocket[] {
  // The flag takes the port as the file has it.
  const written = new Map([...ports].map(([from, to]) => [to, from]));
  const portChange = (port: number): string => {
    const flag = `${written.get(port) ?? port}=OTHER`;
    return `--port ${flag} or TRIMTAB_PORTS=${flag}`;
  };
  const listeners = config.listeners
    .filter(({ fleet }) => fleets.has(fleet))
    .map(({ name, fleet, protocol, address, port }) => ({
      socket: socketText({ address, port, ...(protocol === "UDP" ? { transport: "udp" } : {}) }),
      purpose: `listener ${name} of fleet ${fleet}`,
      canWait: true as const,
      change: `${portChange(port)}, or another address with --bind ${fleet}=ADDRESS or TRIMTAB_BIND=${fleet}=ADDRESS`,
    }));
  const echoes = config.echoes.map((echo) => ({
    socket: socketText(echo),
    purpose: `the echo upstream of cluster ${echo.name}`,
    change: portChange(echo.port),
  }));
  return [...listeners, ...echoes];
}

/** One line per socket that cannot be opened; empty: all are free. */
export async function busyLines(wanted: readonly WantedSocket[]): Promise<readonly string[]> {
  const busy = new Map(
    (await busySockets(wanted.map(({ socket }) => socket))).map((found) => [found.socket, found.error]),
  );
  return wanted.flatMap(({ socket, purpose, change }) => {
    const error = busy.get(socket);
    return error === undefined
      ? []
      : [`${socket} ${busyText(error)}; it is wanted for ${purpose}. Change it with ${change}.`];
  });
}
