/** The name of a configuration as files: a hash of their content, which a running proxy can tell back. */
import { createHash } from "node:crypto";
import { hashSteps } from "../util/hash.ts";
import type { Steps } from "../util/steps.ts";
import type { RenderedFile } from "./target.ts";

/** 64 bits; an agent compares it with a handful of generations of one fleet. */
const HEX_DIGITS = 16;

/** 16 hex digits over paths, modes and texts, each framed by its length: equal files in equal order, equal generation. */
export function* generationOf(files: readonly RenderedFile[]): Steps<string> {
  const hash = createHash("sha256");
  for (const { path, text, mode } of files) {
    hash.update(`${path}\0${mode}\0${Buffer.byteLength(text)}\0`);
    yield;
    yield* hashSteps(hash, text);
  }
  return hash.digest("hex").slice(0, HEX_DIGITS);
}
