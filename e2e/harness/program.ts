/** The built program, used as a person does: `trimtab serve` as a process, and its commands. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Child, isRunning, killChild, logTail, startChild, stopChild, until } from "./process.ts";

/** The repository's root: three levels up, this file being `e2e/harness/program.ts`. */
export const repositoryRoot = join(import.meta.dirname, "..", "..");

export interface Program {
  readonly child: Child;
  readonly dataDir: string;
  /** `http://127.0.0.1:port` */
  readonly api: string;
  /** `127.0.0.1:port` */
  readonly xds: string;
}

export interface ServeOptions {
  readonly dataDir: string;
  readonly httpPort: number;
  readonly xdsPort: number;
  readonly logFile: string;
  /** Further arguments of `trimtab serve`. */
  readonly more?: readonly string[];
}

/** The entry that is tested: `TRIMTAB_E2E_PROGRAM`, else the build. */
export function programEntry(): string {
  const named = process.env.TRIMTAB_E2E_PROGRAM;
  const entry = resolve(repositoryRoot, named ?? join("dist", "main.js"));
  if (!existsSync(entry)) throw new Error(`${entry} is not there: build it, or name another in TRIMTAB_E2E_PROGRAM`);
  return entry;
}

/** Gets files with the secrets in them. */
export const AGENT_TOKEN = "e2e-agents-0123456789abcdef0123456789abcdef";

/** Starts the server and waits until it is ready. */
export async function startProgram(options: ServeOptions): Promise<Program> {
  const { dataDir, httpPort, xdsPort, logFile, more = [] } = options;
  const xds = `127.0.0.1:${xdsPort}`;
  const tokenFile = `${logFile}.agent-token`;
  await writeFile(tokenFile, AGENT_TOKEN, { mode: 0o600 });
  const args = [programEntry(), "serve", "--data", dataDir, "--http", `127.0.0.1:${httpPort}`, "--xds", xds];
  args.push("--agent-token-file", tokenFile, ...more);
  const child = startChild(process.execPath, args, { logFile });
  const program = { child, dataDir, api: `http://127.0.0.1:${httpPort}`, xds };
  await until("trimtab serve is ready", async () => {
    if (!isRunning(child)) return "ended";
    const answer = await fetch(`${program.api}/readyz`);
    await answer.arrayBuffer();
    return answer.status === 200 ? "ready" : null;
  });
  if (!isRunning(child)) throw new Error(`trimtab serve ended:\n${logTail(child)}`);
  return program;
}

export const stopProgram = (program: Program): Promise<void> => stopChild(program.child);

/** `kill -9`. */
export const killProgram = (program: Program): Promise<void> => killChild(program.child);

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that should be done long before this. */
const CLI_DEADLINE_MS = 30_000;
const CLI_MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Runs `trimtab <args>` and gives what it printed; a failing exit code is a result, not an exception. */
export function runCli(...args: readonly string[]): Promise<CliResult> {
  return new Promise((resolve) => {
    const options = { timeout: CLI_DEADLINE_MS, maxBuffer: CLI_MAX_OUTPUT_BYTES, cwd: repositoryRoot };
    execFile(process.execPath, [programEntry(), ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

/** Runs a command that must succeed. */
export async function cli(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(...args);
  if (code !== 0) throw new Error(`trimtab ${args.join(" ")} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}
