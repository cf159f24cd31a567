/** Worker threads that check bodies: one for JSON and one for YAML, which takes longer and must not keep JSON waiting. */
import { Worker } from "node:worker_threads";
import {
  CHECK_TIMEOUT_MS,
  MAX_WAITING_CHECKS,
  WORKER_HEAP_MB,
  WORKER_IDLE_MS,
  WORKER_START_TIMEOUT_MS,
} from "../limits.ts";
import type { Unsound } from "./checked.ts";
import { type Answer, type Format, READY, type UncheckedBody } from "./types.ts";

/** What became of a body; `busy`: too many wait already, or its turn did not come in time. */
export type Outcome = Answer | "busy";

export interface Workers {
  /** Takes the memory of the body's bytes. Rejects when the signal aborts, and on a defect. */
  check(body: UncheckedBody, signal: AbortSignal): Promise<Outcome>;
  close(): Promise<void>;
}

interface Task {
  readonly body: UncheckedBody;
  readonly signal: AbortSignal;
  readonly settle: (outcome: Outcome | Error) => void;
}

/** Starts a thread when there is work, and ends it when there was none for a while: its heap stays as large as its largest body made it. */
export function createWorkers(): Workers {
  const lanes: Record<Format, Lane> = { json: createLane(), yaml: createLane() };
  return {
    check(body, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
      const settle = (outcome: Outcome | Error): void =>
        outcome instanceof Error ? reject(outcome) : resolve(outcome);
      lanes[body.format].add({ body, signal, settle });
      return promise;
    },
    async close() {
      await Promise.all([lanes.json.close(), lanes.yaml.close()]);
    },
  };
}

interface Lane {
  add(task: Task): void;
  close(): Promise<void>;
}

/** Sources run as `.ts`, the built program as `.js`. */
const WORKER = new URL(`./bodyWorker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

function createLane(): Lane {
  const waiting = new Set<Task>();
  let worker: Worker | null = null;
  let isReady = false;
  let running: Task | null = null;
  let timer: NodeJS.Timeout | undefined;

  const finishWith = (outcome: Outcome | Error): void => {
    clearTimeout(timer);
    const task = running;
    running = null;
    task?.settle(outcome);
    next();
  };
  /** Ends the thread; what it did has no outcome of its own. */
  const discard = (ended: Worker): void => {
    if (worker === ended) worker = null;
    void ended.terminate();
  };
  /** What the thread does now may take so long. That a busy machine is slow to start it says nothing about the body. */
  const limit = (at: Worker): void => {
    clearTimeout(timer);
    const [outcome, ms]: [Outcome, number] = isReady
      ? [tooDear(`than ${CHECK_TIMEOUT_MS / 1000} s`), CHECK_TIMEOUT_MS]
      : ["busy", WORKER_START_TIMEOUT_MS];
    timer = setTimeout(() => {
      discard(at);
      finishWith(outcome);
    }, ms);
  };
  const start = (): Worker => {
    isReady = false;
    const started = new Worker(WORKER, { resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB } });
    started.on("message", (said: Answer | typeof READY) => {
      if (worker !== started) return;
      if (said !== READY) return finishWith(said);
      isReady = true;
      limit(started);
    });
    started.on("error", (error: NodeJS.ErrnoException) => {
      if (worker !== started) return;
      discard(started);
      finishWith(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? tooDear("memory than a body may take") : error);
    });
    started.unref();
    return started;
  };
  const next = (): void => {
    if (running !== null) return;
    const [task] = waiting;
    if (task === undefined) {
      timer = setTimeout(() => worker !== null && discard(worker), WORKER_IDLE_MS).unref();
      return;
    }
    waiting.delete(task);
    running = task;
    worker ??= start();
    limit(worker);
    worker.postMessage(task.body, [task.body.bytes.buffer as ArrayBuffer]);
  };
  return {
    add(task) {
      if (waiting.size >= MAX_WAITING_CHECKS) {
        task.settle("busy");
        return;
      }
      waiting.add(task);
      // Who has gone needs no answer: what runs is given up by its end, the rest at once.
      task.signal.addEventListener("abort", () => {
        if (waiting.delete(task)) task.settle(new Error("the client has gone"));
      });
      next();
    },
    async close() {
      clearTimeout(timer);
      await worker?.terminate();
    },
  };
}

function tooDear(what: string): Unsound {
  return { kind: "unsound", code: "API-TOO-LARGE", detail: `to read the body takes more ${what}` };
}
