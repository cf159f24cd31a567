/** Which endpoints of a running HAProxy get nothing new but still have connections, and which processes of before still run. */
import { childrenOf } from "../childProcesses.ts";
import type { Leaving } from "../types.ts";
import { askHaproxy } from "./haproxySocket.ts";

/** Of all proxies (-1) the servers (4), all of them (-1). */
const SHOW = "show info; show stat -1 4 -1";

/** Null: no answer. `master`: the pid of what was started. */
export async function haproxyLeaving(socket: string, master: number, timeoutMs: number): Promise<Leaving | null> {
  const answer = await askHaproxy(socket, SHOW, timeoutMs);
  const worker = /^Pid: (\d+)$/m.exec(answer)?.[1];
  if (worker === undefined) return null;
  const others = [...(await childrenOf(master)).keys()].filter((pid) => pid !== Number(worker));
  return { processes: others.length, endpoints: endpointsOf(answer.slice(answer.indexOf("# pxname"))) };
}

/** Columns of CSV: name, sessions now, status, weight. What has quotes and commas stands behind them. */
const [NAME, SESSIONS, STATUS, WEIGHT] = [1, 4, 17, 18];

/** An endpoint may be a server of several backends. */
function endpointsOf(csv: string): Leaving["endpoints"] {
  const found = new Map<string, number>();
  for (const line of csv.split("\n")) {
    const columns = line.split(",");
    const sessions = Number(columns[SESSIONS]);
    const isOut = columns[STATUS]?.startsWith("MAINT") === true || columns[WEIGHT] === "0";
    if (isOut && sessions > 0) found.set(columns[NAME] as string, (found.get(columns[NAME] as string) ?? 0) + sessions);
  }
  return Array.from(found, ([endpoint, connections]) => ({ endpoint, connections }));
}
