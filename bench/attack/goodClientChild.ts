/**
 * A client that behaves, as a process of its own: it writes one object after the other and reads between, and says at the end
 * how long it waited and what was acknowledged. `node goodClientChild.ts URL TOKEN PID`; ends when its input does.
 */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

/** What it says at its end. */
export interface Told {
  readonly waits: readonly number[];
  /** CPU that the server's thread used in each of these: what the wait would be where nobody else wants the CPU. */
  readonly used: readonly number[];
  /** Weight of the one endpoint of each cluster, as last acknowledged. */
  readonly acknowledged: Readonly<Record<string, number>>;
  /** Status or error of what was not answered well. */
  readonly failures: readonly string[];
}

/** Clusters that it writes in turn. */
const CLUSTERS = 20;
/** As a pipeline or a person would: not as fast as it can. */
const PAUSE_MS = 10;

const [url = "", token = "", pid = ""] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const waits: number[] = [];
const used: number[] = [];
const failures: string[] = [];
const acknowledged: Record<string, number> = {};
let isOver = false;
process.stdin.resume().once("end", () => {
  isOver = true;
});

function ask(method: string, path: string, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const sent = request(`${url}${path}`, { method, agent, headers });
    sent.once("response", (answer) => text(answer).then(() => resolve(answer.statusCode as number), reject));
    sent.once("error", reject);
    sent.end(body);
  });
}

/** Milliseconds of CPU of the server's main thread; 0 where Linux does not say. */
function cpuOfServer(): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  } catch {
    return 0;
  }
}

async function timed(method: string, path: string, body?: string): Promise<boolean> {
  const began = performance.now();
  const before = cpuOfServer();
  try {
    const status = await ask(method, path, body);
    if (status < 300) return true;
    failures.push(`${method} ${status}`);
  } catch (error) {
    failures.push(`${method} ${(error as Error).message}`);
  } finally {
    waits.push(performance.now() - began);
    used.push(cpuOfServer() - before);
  }
  return false;
}

for (let turn = 0; !isOver; turn++) {
  const name = `good-${turn % CLUSTERS}`;
  const weight = 1 + (turn % 200);
  const body = JSON.stringify({ name, endpoints: [{ address: "127.0.0.1", port: 80, weight }] });
  if (await timed("PUT", `/v1/clusters/${name}`, body)) acknowledged[name] = weight;
  await timed("GET", `/v1/clusters/${name}`);
  await sleep(PAUSE_MS);
}
const told: Told = { waits, used, acknowledged, failures };
process.stdout.write(JSON.stringify(told), () => process.exit(0));
