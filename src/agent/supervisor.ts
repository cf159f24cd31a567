/** Keeps one child process running: starts it, restarts it when it dies, ends it with everything it forked. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { reasonOf } from "../util/reason.ts";
import { endsWithParent } from "./endsWithParent.ts";
import { lineSplitter, MAX_LINE, MAX_LOG_LINE, recentLines } from "./lines.ts";
import { createOutputPipe, discard, type OutputPipe } from "./outputPipe.ts";
import { clearGroup, killLeftovers, recordGroup, signalGroup, watchGroup } from "./processGroup.ts";
import type { Backoff, Command } from "./types.ts";

/** 200 ms is hardly an outage for a crash; 10 s keeps a proxy that cannot start from eating a core. */
export const DEFAULT_BACKOFF: Backoff = { firstMs: 200, maxMs: 10_000, stableMs: 10_000 };

/** Any `maxMs` is reached long before; a power of two stays a number of milliseconds. */
const MAX_DOUBLINGS = 30;

/** What a proxy may need of our environment. The rest (tokens, for instance) is none of its business. */
const PASSED_ENVIRONMENT = ["PATH", "HOME", "TMPDIR", "TZ", "LANG", "LD_LIBRARY_PATH"];

export interface SupervisorOptions {
  readonly command: Command;
  /** The child's working folder, by which leftovers are known; this child's own. Made anew when it is gone. */
  readonly runDir: string;
  readonly backoff: Backoff;
  /** Runs before each start, with no process of ours running. */
  readonly beforeStart?: () => Promise<void>;
  readonly onStart: (pid: number) => void;
  /** Also when it could not be started at all: no folder, a full disk, no program. */
  readonly onDeath: (reason: string, restartInMs: number) => void;
  readonly onLine: (line: string) => void;
  /** A line of its access log: an object of JSON on its standard output. */
  readonly onLogged: (line: string) => void;
}

export interface Supervisor {
  /**
   * Starts the child now unless it runs (a pending restart is brought forward), and keeps it running from then on. Never
   * rejects: a start that fails is a death like any other, and is tried again.
   */
  start(): Promise<void>;
  /** Resolves when what a killed run left in this folder has ended. */
  cleared(): Promise<unknown>;
  /** Resolves when no start is on its way. */
  launched(): Promise<unknown>;
  /** False when there is no child. Goes to the leader only. */
  signal(signal: NodeJS.Signals): boolean;
  pid(): number | null;
  /** How often the child died without being asked to, since the beginning. */
  deaths(): number;
  /** What it printed last, since its start or `forgetOutput`. */
  output(): string;
  forgetOutput(): void;
  /** Ends the child: `signal`, and after `graceMs` SIGKILL to its whole group. Resolves when all of it is gone. */
  stop(signal: NodeJS.Signals, graceMs: number): Promise<void>;
}

/** For reading what a process printed before its end; only a process that left its group can hold the pipe longer. */
const LAST_WORDS_MS = 500;

interface Child {
  readonly process: ChildProcess;
  readonly startedAt: number;
  /** Resolves when it and its group are gone. */
  readonly gone: Promise<void>;
}

/** @throws RangeError when `runDir` is relative: it is the child's working folder, so its paths would name something else. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  assertAbsolute(options.runDir);
  const output = recentLines();
  let [wanted, failures, deaths] = [false, 0, 0];
  let child: Child | null = null;
  let cleared: Promise<unknown> = killLeftovers(options.runDir).catch(ignore);
  let launching: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  async function launch(): Promise<void> {
    await child?.gone;
    await cleared;
    output.clear();
    try {
      // Without its working folder a child is refused with the words for a program that is not there.
      await mkdir(options.runDir, { recursive: true, mode: 0o755 });
      await options.beforeStart?.();
      const pipe = await createOutputPipe(options.runDir);
      if (!wanted) return discard(pipe);
      child = spawnChild(options, pipe, { onLine: heard, onEnd: ended });
    } catch (error) {
      return died(`cannot be started: ${reasonOf(error)}`, 0);
    }
    const { pid } = child.process;
    if (pid !== undefined) {
      // Before anything is waited for: a start is told before its death.
      options.onStart(pid);
      // Only for a run after ours was killed: no reason to end a child that runs.
      await recordGroup(options.runDir, pid).catch((error) => heard(`its pid is not noted: ${reasonOf(error)}`));
    }
  }

  function heard(line: string): void {
    output.add(line);
    options.onLine(line);
  }

  function ended(reason: string, startedAt: number, gone: Promise<void>): void {
    child = null;
    cleared = gone;
    died(reason, performance.now() - startedAt);
  }

  function died(reason: string, livedMs: number): void {
    if (!wanted) {
      return;
    }
    deaths += 1;
    failures = livedMs >= options.backoff.stableMs ? 0 : failures;
    const delay = Math.min(options.backoff.maxMs, options.backoff.firstMs * 2 ** failures);
    failures = Math.min(failures + 1, MAX_DOUBLINGS);
    clearTimeout(timer);
    timer = setTimeout(() => void start(), delay);
    options.onDeath(reason, delay);
  }

  function start(): Promise<void> {
    wanted = true;
    clearTimeout(timer);
    if (child !== null && isAlive(child)) {
      return Promise.resolve();
    }
    launching ??= launch().finally(() => {
      launching = null;
    });
    return launching;
  }

  async function stop(signal: NodeJS.Signals, graceMs: number): Promise<void> {
    wanted = false;
    clearTimeout(timer);
    await launching;
    if (child !== null) {
      const { process: running, gone } = child;
      const killer = setTimeout(() => signalGroup(running.pid ?? 0, "SIGKILL"), graceMs);
      running.kill(signal);
      await gone;
      clearTimeout(killer);
    }
    await cleared;
    failures = 0;
    await recordGroup(options.runDir, null).catch(ignore);
  }

  return {
    start,
    stop,
    cleared: () => cleared,
    launched: async () => launching,
    signal: (signal) => child?.process.kill(signal) ?? false,
    pid: () => child?.process.pid ?? null,
    deaths: () => deaths,
    output: output.text,
    forgetOutput: output.clear,
  };
}

/** The note of a pid is a help only: a leftover that it does not name shows when the new child says that its port is taken. */
function ignore(): void {}

function assertAbsolute(runDir: string): void {
  if (!isAbsolute(runDir)) {
    throw new RangeError(`the run folder must be an absolute path: ${runDir}`);
  }
}

interface ChildEvents {
  readonly onLine: (line: string) => void;
  readonly onEnd: (reason: string, startedAt: number, gone: Promise<void>) => void;
}

function spawnChild(
  { command, runDir, onLogged }: SupervisorOptions,
  pipe: OutputPipe,
  { onLine, onEnd }: ChildEvents,
): Child {
  const { output } = pipe;
  const startedAt = performance.now();
  const child = spawnInto(pipe, command, runDir);
  if (child.pid !== undefined) {
    watchGroup(child.pid);
    // Without file descriptors left there is neither a child nor a pipe.
    child.stderr?.setEncoding("utf8").on("data", lineSplitter(onLine));
    const onOutput = (line: string): void => (line.startsWith("{") ? onLogged(line) : onLine(line.slice(0, MAX_LINE)));
    output.setEncoding("utf8").on("data", lineSplitter(onOutput, MAX_LOG_LINE));
  } else output.destroy();
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const end = async (reason: string): Promise<void> => {
    await (child.pid === undefined ? undefined : clearGroup(child.pid));
    // Its last words are still in the pipe; the pipe closes with the last process of the group.
    await Promise.race([closed, sleep(LAST_WORDS_MS)]);
    // Nothing that comes later may be taken for words of the next child.
    child.stderr?.destroy();
    output.destroy();
    onEnd(reason, startedAt, gone);
    resolve();
  };
  const closed = Promise.all([child, output].map((each) => new Promise((done) => each.once("close", done))));
  child.once("error", (error) => {
    if (child.pid === undefined) {
      void end(`cannot be run: ${error.message}`);
    }
  });
  child.once("exit", (code, signal) => {
    void end(signal === null ? `exited with code ${code}` : `was ended by ${signal}`);
  });
  return { process: child, startedAt, gone };
}

/** @throws what the system says; the pipe is closed then. */
function spawnInto(pipe: OutputPipe, command: Command, runDir: string): ChildProcess {
  // A session of its own: a Ctrl-C at the terminal reaches us, and we end the child in our order.
  const { binary, args } = endsWithParent(command);
  try {
    const child = spawn(binary, args, {
      cwd: runDir,
      detached: true,
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ENVIRONMENT.includes(name))),
      stdio: ["ignore", pipe.writeEnd, "pipe"],
    });
    // Or else nobody would learn of the output's end.
    closeSync(pipe.writeEnd);
    return child;
  } catch (error) {
    discard(pipe);
    throw error;
  }
}

function isAlive({ process: child }: Child): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
