/** Runs a proxy's own checker in a folder of its own. What can go wrong with that is the same for every proxy. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve as resolvePath } from "node:path";
import type { CheckResult, RenderedFile } from "./target.ts";

/** 10 000 routes take the slowest checker (nginx) half a second; what needs this long hangs. */
const CHECK_TIMEOUT_MS = 60_000;
/** A few lines, or one alert of 100 bytes for each faulty line: more than a person reads. */
const MAX_OUTPUT_BYTES = 1_048_576;
const MAX_MESSAGE_CHARACTERS = 4_000;

/** Gives `work` a temporary folder that is gone afterwards, in another one if that is given. */
export async function inFolder<T>(work: (folder: string) => Promise<T>, base: string = tmpdir()): Promise<T> {
  const folder = await mkdtemp(join(base, "trimtab-check-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes rendered files below a folder. */
export async function writeFiles(folder: string, files: readonly RenderedFile[]): Promise<void> {
  const folders = new Set(files.map(({ path }) => dirname(join(folder, path))));
  for (const path of folders) await mkdir(path, { recursive: true });
  for (const { path, text, mode } of files) await writeFile(join(folder, path), text, { mode });
}

/** One run of a checker. */
export interface CheckerRun {
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Its files; paths into it are cut to what lies below. */
  readonly folder: string;
  /** What of a printed line helps the reader; empty: nothing. */
  readonly relevantPart: (line: string) => string;
  /** How to get the program, as `install nginx (Debian: …)`. */
  readonly install: string;
}

/** A missing program or one that hangs is a failed check, not an exception. */
export function runChecker({ command, folder, relevantPart, install }: CheckerRun): Promise<CheckResult> {
  const [program, ...args] = command;
  const binary = placed(program);
  // nginx makes its own sockets where it is started, for as long as it checks.
  const limits = { timeout: CHECK_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, cwd: folder };
  return new Promise((resolve) => {
    execFile(binary, args, limits, (error, stdout, stderr) => {
      if (error === null) return resolve({ ok: true, message: "" });
      if (error.code === "ENOENT") return resolve({ ok: false, message: missing(binary, install) });
      if (error.killed === true) {
        return resolve({ ok: false, message: `${binary} gave no answer within ${CHECK_TIMEOUT_MS} ms` });
      }
      const lines = (stderr + stdout).replaceAll(`${folder}/`, "").replaceAll(folder, ".").split("\n");
      const kept = new Set(lines.map(relevantPart).filter((line) => line !== ""));
      resolve({ ok: false, message: ([...kept].join("\n") || error.message).slice(0, MAX_MESSAGE_CHARACTERS) });
    });
  });
}

/** A program's path from anywhere; a name is looked for on PATH. */
export function placed(program: string): string {
  return program.includes("/") ? resolvePath(program) : program;
}

/** What is said of a checker that is not there. */
export function missing(binary: string, install: string): string {
  return `cannot run ${binary}: it is not there; ${install} or name its binary`;
}
