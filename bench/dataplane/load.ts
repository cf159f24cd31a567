/** CPU of a proxy a request, under load. */
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { CONNECTIONS, LOAD_REQUESTS, WARM_REQUESTS } from "./aims.ts";
import { type Probe, requestOf } from "./cases.ts";
import { AnswerReader, type Door } from "./http.ts";
import type { Serving } from "./serving.ts";

/** Microseconds of CPU, user and system, of one request. */
export async function cpuPerRequest(serving: Serving, probe: Probe): Promise<number> {
  await load(serving.side, probe, CONNECTIONS * WARM_REQUESTS);
  const before = cpuNanoseconds(serving.pid);
  await load(serving.side, probe, LOAD_REQUESTS);
  return (cpuNanoseconds(serving.pid) - before) / LOAD_REQUESTS / 1_000;
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
