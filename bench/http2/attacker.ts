/** A client that sends one flood over and over, each time on a new connection, until it is told to stop. Tells what it sent. */
import { parentPort, workerData } from "node:worker_threads";
import { floodsOf } from "../../e2e/harness/http2Floods.ts";
import { openHttp2 } from "../../e2e/harness/rawHttp2.ts";

/** Which flood, where, and for how long. */
export interface Task {
  readonly address: string;
  readonly port: number;
  readonly host: string;
  readonly name: string;
  readonly size: number;
  readonly milliseconds: number;
}

/** What came of it. */
export interface Sent {
  readonly connections: number;
  /** Of these, ended by the proxy before all was sent. */
  readonly ended: number;
  readonly frames: number;
  readonly bytes: number;
}

/** A connection whose frames are all sent stays so long: what it costs while it is open counts too. */
const STAY_MS = 200;

const { address, port, host, name, size, milliseconds } = workerData as Task;
const flood = floodsOf(host, size).find((each) => each.name === name);
if (flood === undefined) throw new Error(`no flood ${name}`);
const burst = Buffer.concat(flood.frames);

async function once(): Promise<boolean> {
  const client = await openHttp2({ address, port }, flood?.settings);
  const closed = new Promise<boolean>((resolve) => client.socket.once("close", () => resolve(false)));
  const written = new Promise<boolean>((resolve) => client.socket.write(burst, (error) => resolve(!error)));
  const isSent = await Promise.race([written, closed]);
  if (isSent) await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, STAY_MS))]);
  client.close();
  return isSent;
}

let [connections, ended] = [0, 0];
const until = performance.now() + milliseconds;
while (performance.now() < until) {
  connections++;
  // A connection that is refused or reset is the proxy's answer, too.
  if (!(await once().catch(() => false))) ended++;
}
const whole = connections - ended;
parentPort?.postMessage({
  connections,
  ended,
  frames: whole * flood.frames.length,
  bytes: whole * burst.length,
} satisfies Sent);
