/** Child processes of the end-to-end tests: started with their output in a log file, stopped by the pid that was started. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A child, as plain data: it can be handed to another process, which may then signal it. */
export interface Child {
  readonly pid: number;
  readonly logFile: string;
}

/** Time that a child gets to end by itself before it is killed. */
const STOP_GRACE_MS = 5_000;
const POLL_MS = 20;
const LOG_TAIL_LINES = 40;

/** Pids that this process started and has not stopped: they must not outlive it, however it ends. */
const started = new Set<number>();
process.on("exit", () => {
  for (const pid of started) signal(-pid, "SIGKILL");
});

/** Starts a program in the foreground; stdout and stderr go to `logFile`. */
export function startChild(
  command: string,
  args: readonly string[],
  options: { logFile: string; cwd?: string },
): Child {
  const log = openSync(options.logFile, "a");
  const child = spawn(command, args, { cwd: options.cwd, stdio: ["ignore", log, log], detached: true });
  closeSync(log);
  child.on("error", () => {});
  child.unref();
  if (child.pid === undefined) throw new Error(`cannot start ${command}`);
  started.add(child.pid);
  return { pid: child.pid, logFile: options.logFile };
}

/** Whether the process runs (a zombie does not). */
export function isRunning(child: Child): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${child.pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** SIGTERM, then SIGKILL; resolves when the process is gone. The whole group goes, so that no worker is left. */
export async function stopChild(child: Child): Promise<void> {
  signal(child.pid, "SIGTERM");
  const deadline = Date.now() + STOP_GRACE_MS;
  while (isRunning(child) && Date.now() < deadline) await sleep(POLL_MS);
  signal(-child.pid, "SIGKILL");
  while (isRunning(child)) await sleep(POLL_MS);
  started.delete(child.pid);
}

/** SIGKILL at once; resolves when the process is gone. */
export async function killChild(child: Child): Promise<void> {
  signal(child.pid, "SIGKILL");
  while (isRunning(child)) await sleep(1);
  started.delete(child.pid);
}

/** The last lines of the child's log. */
export function logTail(child: Child): string {
  try {
    return readFileSync(child.logFile, "utf8").split("\n").slice(-LOG_TAIL_LINES).join("\n");
  } catch {
    return "(no log)";
  }
}

/** Calls until it returns something other than null or undefined. Errors count as "not yet"; the last one is reported. */
export async function until<T>(
  what: string,
  attempt: () => Promise<T | null | undefined> | T | null | undefined,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const { timeoutMs = 15_000, everyMs = POLL_MS } = options;
  const deadline = Date.now() + timeoutMs;
  let last: unknown = "never true";
  for (;;) {
    try {
      const result = await attempt();
      if (result !== null && result !== undefined) return result;
      last = "not yet";
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what} (${String(last)})`);
    await sleep(everyMs);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}
