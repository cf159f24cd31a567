/** Runs `haproxy -c` on a rendering, in a folder of its own that is gone afterwards. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CheckResult, Rendered, RenderedFiles } from "../target.ts";
import { CONFIG_FILE } from "./render.ts";

/** 10 000 rules take 0.2 s; a checker that needs this long hangs. */
const CHECK_TIMEOUT_MS = 30_000;
/** One alert per faulty line, 100 bytes each: more than a person reads. */
const MAX_OUTPUT_BYTES = 1_048_576;
const MAX_MESSAGE_CHARACTERS = 4_000;

/** Asks HAProxy itself whether it would load these files. A missing binary is a failed check, not an exception. */
export async function check(rendered: Rendered, options: { readonly binary?: string } = {}): Promise<CheckResult> {
  if (rendered.kind !== "files") throw new Error("the HAProxy target renders files");
  const folder = await mkdtemp(join(tmpdir(), "trimtab-haproxy-"));
  try {
    await writeFiles(folder, rendered);
    return await runChecker(options.binary ?? "haproxy", folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeFiles(folder: string, { files }: RenderedFiles): Promise<void> {
  const folders = new Set(files.map(({ path }) => dirname(join(folder, path))));
  for (const path of folders) await mkdir(path, { recursive: true });
  for (const { path, text, mode } of files) await writeFile(join(folder, path), text, { mode });
}

function runChecker(binary: string, folder: string): Promise<CheckResult> {
  const argv = ["-c", "-f", join(folder, CONFIG_FILE)];
  const limits = { timeout: CHECK_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
  return new Promise((resolve) => {
    execFile(binary, argv, limits, (error, stdout, stderr) => {
      if (error === null) return resolve({ ok: true, message: "" });
      resolve({ ok: false, message: failureMessage({ error, binary, output: stderr + stdout, folder }) });
    });
  });
}

interface Failure {
  readonly error: Error & { readonly code?: unknown; readonly killed?: boolean };
  readonly binary: string;
  readonly output: string;
  readonly folder: string;
}

function failureMessage({ error, binary, output, folder }: Failure): string {
  if (error.code === "ENOENT") {
    return `cannot run ${binary}: it is not there; install HAProxy (Debian: apt-get install haproxy) or name its binary`;
  }
  if (error.killed === true) return `haproxy -c gave no answer within ${CHECK_TIMEOUT_MS} ms`;
  const lines = output.replaceAll(`${folder}/`, "").replaceAll(folder, ".").split("\n");
  const kept = lines.filter((line) => line !== "" && !line.startsWith("[NOTICE]"));
  return (kept.join("\n") || error.message).slice(0, MAX_MESSAGE_CHARACTERS);
}
