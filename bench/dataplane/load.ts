/** CPU of a proxy a request, under load. */
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { CONNECTIONS, LOAD_REQUESTS, WARM_REQUESTS } from "./aims.ts";
import { type Probe, requestOf } from "./cases.ts";
import type { Client } from "./clients.ts";
import { AnswerReader, type Door } from "./http.ts";
import type { Question } from "./question.ts";
import type { Serving } from "./serving.ts";

/** Microseconds of CPU, user and system, of one request. */
export async function cpuPerRequest({ side, pid }: Serving, { probe, client, counts }: Question): Promise<number> {
  const requests = counts?.loaded ?? LOAD_REQUESTS;
  const ask = (count: number): Promise<void> =>
    client === undefined ? load(side, probe, count) : loadBy(client, { door: side, probe, requests: count });
  await ask(Math.min(CONNECTIONS * WARM_REQUESTS, requests));
  const before = cpuNanoseconds(pid);
  await ask(requests);
  return (cpuNanoseconds(pid) - before) / requests / 1_000;
}

/** CPU that a process has used so far: /proc/PID/stat counts in ticks of 10 ms, the scheduler in nanoseconds. */
export function cpuNanoseconds(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce(
    (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]),
    0,
  );
}

/** The most memory that a process has held, in MiB. */
export function peakMebibytes(pid: number): number {
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(peak) / 1024;
}

/** Sends requests on some connections at once, one at a time on each, and checks the status of every answer. */
function load({ port, opening = "" }: Door, probe: Probe, requests: number): Promise<void> {
  const request = requestOf(probe);
  const sockets: Socket[] = [];
  let toSend = requests;
  let toCome = requests;
  const finished = new Promise<void>((resolve, reject) => {
    const send = (socket: Socket): void => {
      if (toSend-- > 0) socket.write(request);
    };
    for (let index = 0; index < CONNECTIONS; index++) {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(opening);
        send(socket);
      }).setNoDelay(true);
      const reader = new AnswerReader();
      sockets.push(socket);
      socket.on("data", (bytes: Buffer) => {
        for (const answer of reader.push(bytes)) {
          if (!answer.startsWith(`HTTP/1.1 ${probe.status}`)) reject(new Error(`${probe.name}: ${answer}`));
          if (--toCome === 0) resolve();
          send(socket);
        }
      });
      socket.on("error", reject);
      socket.on("close", () => reject(new Error(`${probe.name}: a connection was closed under load`)));
    }
  });
  return finished.finally(() => {
    for (const socket of sockets) socket.removeAllListeners("close").destroy();
  });
}

/** The same by clients that ask in their own way. */
async function loadBy(
  client: Client,
  { door, probe, requests }: { readonly door: Door; readonly probe: Probe; readonly requests: number },
): Promise<void> {
  let toSend = requests;
  const one = async (): Promise<void> => {
    const asker = await client(door, probe);
    try {
      while (toSend-- > 0) await asker.ask();
    } finally {
      asker.close();
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
}
