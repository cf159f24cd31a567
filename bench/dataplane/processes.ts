/** Processes that the bench starts, and stops by their id. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";

/** What a process says last is why it ended. */
const MAX_LOG_CHARACTERS = 4_000;
/** Longer than any of them needs to end, callgrind's included. */
const STOP_TIMEOUT_MS = 10_000;

export interface Command {
  readonly binary: string;
  readonly args: readonly string[];
}

export interface Running {
  readonly pid: number;
  /** Null while it runs, else what it said last. */
  ended(): string | null;
  stop(): Promise<void>;
}

const children = new Set<ChildProcess>();
// An interrupted bench leaves nothing behind: neither signal would otherwise run what ends the processes.
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

/** Starts a process; its words are kept for the error message. */
export function start({ binary, args }: Command): Running {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  child.on("exit", () => children.delete(child));
  let log = "";
  const hear = (bytes: Buffer): void => {
    log = (log + bytes.toString()).slice(-MAX_LOG_CHARACTERS);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  child.on("error", (error) => hear(Buffer.from(error.message)));
  const isRunning = (): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    ended: () => (isRunning() ? null : `${binary} has ended: ${log}`),
    stop: () => (isRunning() ? stop(child) : Promise.resolve()),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
  clearTimeout(timer);
}

/** Lists of ten thousand resources fit. */
const MAX_OUTPUT_BYTES = 64 << 20;

/** Runs a command to its end and gives its standard output. */
export async function run({ binary, args }: Command): Promise<string> {
  const { stdout } = await promisify(execFile)(binary, args, { maxBuffer: MAX_OUTPUT_BYTES });
  return stdout;
}
