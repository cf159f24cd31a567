/** Whole configurations as YAML, without holding the event loop. */
import { Worker } from "node:worker_threads";
import { stringify } from "yaml";
import { inSlices, type Pace } from "../util/slices.ts";
import type { Steps } from "../util/steps.ts";
import { decodeUtf8 } from "./json.ts";
import { INLINE_YAML_BYTES, MAX_YAML_BYTES, YAML_HEAP_MB, YAML_SLICE, YAML_TIMEOUT_MS } from "./limits.ts";
import { Problem } from "./problem.ts";
import { type Parsed, parseText } from "./yamlText.ts";

/** A body parser for fastify. Throws API-BAD-REQUEST with line and column. */
export async function parseYaml(bytes: Buffer, pace?: Pace): Promise<unknown> {
  const text = await inSlices(decodeUtf8(bytes), pace);
  if (text.length > MAX_YAML_BYTES) {
    throw new Problem(
      "API-TOO-LARGE",
      `YAML is taken up to ${MAX_YAML_BYTES} bytes; send larger configurations as JSON`,
    );
  }
  const parsed = text.length <= INLINE_YAML_BYTES ? parseText(text) : await parseInWorker(text);
  if ("error" in parsed) throw new Problem("API-BAD-REQUEST", `the body is no YAML: ${parsed.error}`);
  return JSON.parse(parsed.json);
}

/** Sources run as `.ts`, the built program as `.js`. */
const WORKER = new URL(`./yamlWorker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

function parseInWorker(text: string): Promise<Parsed> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, { workerData: text, resourceLimits: { maxOldGenerationSizeMb: YAML_HEAP_MB } });
    const timer = setTimeout(() => {
      resolve({ error: `not parsed in ${YAML_TIMEOUT_MS / 1000} s` });
      void worker.terminate();
    }, YAML_TIMEOUT_MS);
    worker.once("message", (parsed: Parsed) => resolve(parsed));
    worker.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ERR_WORKER_OUT_OF_MEMORY") resolve({ error: "too large to parse; send it as JSON" });
      else reject(error);
    });
    worker.once("exit", () => {
      clearTimeout(timer);
      reject(new Error("the YAML worker ended without an answer"));
    });
  });
}

/** The document's collections as block YAML, a few resources in each step. */
export function* documentYaml(document: Readonly<Record<string, readonly unknown[]>>): Steps<string> {
  const parts: string[] = [];
  for (const [collection, list] of Object.entries(document)) {
    parts.push(`${collection}:\n`);
    for (let index = 0; index < list.length; index += YAML_SLICE) {
      parts.push(stringify(list.slice(index, index + YAML_SLICE), { aliasDuplicateObjects: false, lineWidth: 0 }));
      yield;
    }
  }
  return parts.length === 0 ? "{}\n" : parts.join("");
}
