/** Which endpoints of a running HAProxy get nothing new but still have connections, and which processes of before still run. */
import { childrenOf } from "../childProcesses.ts";
import type { Leaving } from "../types.ts";
import type { DrainEnds, HeldServer } from "./haproxyDrains.ts";
import { askHaproxy, linesOf } from "./haproxySocket.ts";

/** Of all proxies (-1) the servers (4), all of them (-1). */
const SHOW = "show info; show stat -1 4 -1";

/** A process to ask. */
interface Asked {
  readonly socket: string;
  /** Of what was started. */
  readonly master: number;
  readonly ends: DrainEnds;
}

/** Null: no answer. What is left and its time is over is ended: the next look finds it gone. */
export async function haproxyLeaving({ socket, master, ends }: Asked, timeoutMs: number): Promise<Leaving | null> {
  const answer = await askHaproxy(socket, SHOW, timeoutMs);
  const worker = /^Pid: (\d+)$/m.exec(answer)?.[1];
  if (worker === undefined) return null;
  const others = [...(await childrenOf(master)).keys()].filter((pid) => pid !== Number(worker));
  const held = heldServers(answer.slice(answer.indexOf("# pxname")));
  for (const line of linesOf(await ends(held))) await askHaproxy(socket, line, timeoutMs);
  return { processes: others.length, endpoints: endpointsOf(held) };
}

/** Columns of CSV: backend, name, sessions now, status, weight. What has quotes and commas stands behind them. */
const [BACKEND, NAME, SESSIONS, STATUS, WEIGHT] = [0, 1, 4, 17, 18];

interface CountedServer extends HeldServer {
  readonly sessions: number;
}

function heldServers(csv: string): readonly CountedServer[] {
  return csv.split("\n").flatMap((line) => {
    const columns = line.split(",");
    const sessions = Number(columns[SESSIONS]);
    const isOut = columns[STATUS]?.startsWith("MAINT") === true || columns[WEIGHT] === "0";
    if (!isOut || !(sessions > 0)) return [];
    return [{ backend: columns[BACKEND] as string, server: columns[NAME] as string, sessions }];
  });
}

/** An endpoint may be a server of several backends. */
function endpointsOf(held: readonly CountedServer[]): Leaving["endpoints"] {
  const found = new Map<string, number>();
  for (const { server, sessions } of held) found.set(server, (found.get(server) ?? 0) + sessions);
  return Array.from(found, ([endpoint, connections]) => ({ endpoint, connections }));
}
