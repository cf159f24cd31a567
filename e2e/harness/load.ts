/** Requests to one place, one after the other, for as long as it takes; which of them failed. */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Between two requests of a client: so many that each change meets some, so few that two cores carry three proxies. */
const THINK_MS = 20;
/** Longer than any proxy waits for an endpoint here. */
export const PATIENCE_MS = 10_000;
/** Reasons that are kept. */
export const MAX_REASONS = 5;

export interface Requests {
  readonly sent: number;
  readonly failed: number;
  /** The first few reasons. */
  readonly reasons: readonly string[];
}

/** Where requests go. */
export interface At {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

export interface Asked extends At {
  /** Null: a connection of its own. */
  readonly agent: Agent | null;
}

/** Null, or why it failed. */
export function ask({ host, port, path, agent }: Asked): Promise<string | null> {
  return new Promise((resolve) => {
    const sent = request({ host, port, path, agent: agent ?? false, timeout: PATIENCE_MS }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode === 200 ? null : `status ${answer.statusCode}`));
      answer.on("error", ({ message }) => resolve(message));
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", ({ message }) => resolve(message));
    sent.end();
  });
}

/** Does it over and over, beginning at once; gives what ends that, when the last one is done. */
export function repeated(one: () => Promise<void>): () => Promise<void> {
  let on = true;
  const client = async (): Promise<void> => {
    while (on) {
      await one();
      await sleep(THINK_MS);
    }
  };
  const running = client();
  return () => {
    on = false;
    return running;
  };
}

/** Begins at once; over one connection, or each request over its own. */
export function load(at: At, isKept: boolean): { readonly stop: () => Promise<Requests> } {
  const agent = isKept ? new Agent({ keepAlive: true, maxSockets: 1 }) : null;
  const reasons: string[] = [];
  let [sent, failed] = [0, 0];
  const end = repeated(async () => {
    sent++;
    const reason = await ask({ ...at, agent });
    if (reason !== null && failed++ < MAX_REASONS) reasons.push(reason);
  });
  return {
    stop: async () => {
      await end();
      agent?.destroy();
      return { sent, failed, reasons };
    },
  };
}
