/**
 * A client that behaves, as a process of its own: it writes one object after the other and reads between, and says at the end
 * how long it waited and what was acknowledged. `node goodClientChild.ts URL TOKEN`; ends when its input does.
 */
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

/** What it says at its end. */
export interface Told {
  readonly waits: readonly number[];
  /** Weight of the one endpoint of each cluster, as last acknowledged. */
  readonly acknowledged: Readonly<Record<string, number>>;
  /** Status or error of what was not answered well. */
  readonly failures: readonly string[];
}

/** Clusters that it writes in turn. */
const CLUSTERS = 20;
/** As a pipeline or a person would: not as fast as it can. */
const PAUSE_MS = 10;

const [url = "", token = ""] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const waits: number[] = [];
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

async function timed(method: string, path: string, body?: string): Promise<boolean> {
  const began = performance.now();
  try {
    const status = await ask(method, path, body);
    if (status < 300) return true;
    failures.push(`${method} ${status}`);
  } catch (error) {
    failures.push(`${method} ${(error as Error).message}`);
  } finally {
    waits.push(performance.now() - began);
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
const told: Told = { waits, acknowledged, failures };
process.stdout.write(JSON.stringify(told), () => process.exit(0));
