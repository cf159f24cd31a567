/** Questions and answers between a test and a process that it started, so that each has an event loop and a memory of its own. */
import { type ChildProcess, fork } from "node:child_process";

/** What a process answers, by question. */
export type Answers = Record<string, (value: never) => unknown>;

interface Message {
  readonly id: number;
  readonly question: string;
  readonly value: unknown;
}

/** In the child: answers until the parent goes. */
export function answerParent(answers: Answers): void {
  process.on("message", async ({ id, question, value }: Message) => {
    process.send!({ id, answer: await answers[question]!(value as never) });
  });
  process.on("disconnect", () => process.exit(0));
}

/** A started process. */
export interface Child<A extends Answers> {
  ask<Q extends keyof A & string>(question: Q, ...value: Parameters<A[Q]>): Promise<Awaited<ReturnType<A[Q]>>>;
  stop(): Promise<void>;
  /** Ends it at once (SIGKILL): it has no time to say goodbye to anyone. */
  kill(): Promise<void>;
}

/** Starts a module of this folder; it answers as `A` says. */
export function startChild<A extends Answers>(file: string): Child<A> {
  const child: ChildProcess = fork(new URL(file, import.meta.url), {
    execArgv: [],
    // Bytes stay bytes.
    serialization: "advanced",
  });
  const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  let last = 0;
  child.on("message", ({ id, answer }: { id: number; answer: never }) => {
    waiting.get(id)?.resolve(answer);
    waiting.delete(id);
  });
  const ended = new Promise<void>((resolve) => {
    child.on("exit", (code, signal) => {
      for (const { reject } of waiting.values()) reject(new Error(`${file} ended: ${code ?? signal}`));
      resolve();
    });
  });
  return {
    ask: (question, ...value) =>
      new Promise((resolve, reject) => {
        if (!child.connected) return reject(new Error(`${file} has ended`));
        last += 1;
        waiting.set(last, { resolve, reject });
        child.send({ id: last, question, value: value[0] });
      }),
    async stop() {
      if (child.connected) child.disconnect();
      await ended;
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
