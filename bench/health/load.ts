/** Requests without end through one proxy to one cluster, and what came of them. */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** At once, and the pause of each between two: some hundred requests a second. */
const WORKERS = 4;
const PAUSE_MS = 10;

/** A load that runs. */
export interface Load {
  /** Requests so far. */
  readonly sent: () => number;
  /** When those were sent that were not answered 200. */
  readonly failures: () => readonly number[];
  /** When those were sent whose kept connection was closed before a byte of an answer; sent once more, as browsers do, over a new one. */
  readonly cuts: () => readonly number[];
  /** When each node last answered. */
  readonly lastAnswer: (node: string) => number;
  readonly stop: () => Promise<void>;
}

/** Starts one, over connections that are kept. */
export function startLoad(host: string, port: number, path: string): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: WORKERS });
  const answers = new Map<string, number>();
  const [failures, cuts]: [number[], number[]] = [[], []];
  let [sent, stopped] = [0, false];
  const one = (over: Agent | false = agent): Promise<void> =>
    new Promise((resolve) => {
      const since = performance.now();
      let isAnswered = false;
      const fail = (): void => {
        failures.push(since);
        resolve();
      };
      const asked = request({ host, port, path, agent: over }, (answer) => {
        isAnswered = true;
        answer.resume();
        answer.on("error", fail);
        answer.on("end", () => {
          if (answer.statusCode !== 200) return fail();
          answers.set(String(answer.headers["x-node"]), performance.now());
          resolve();
        });
      });
      asked.on("error", () => {
        if (isAnswered || !asked.reusedSocket) return fail();
        cuts.push(since);
        one(false).then(resolve);
      });
      asked.end();
    });
  async function work(): Promise<void> {
    while (!stopped) {
      sent++;
      await one();
      await sleep(PAUSE_MS);
    }
  }
  const working = Promise.all(Array.from({ length: WORKERS }, work));
  return {
    sent: () => sent,
    failures: () => failures,
    cuts: () => cuts,
    lastAnswer: (node) => answers.get(node) ?? 0,
    async stop() {
      stopped = true;
      await working;
      agent.destroy();
    },
  };
}
