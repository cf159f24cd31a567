/** The name of a rendering by its content, for targets that render files. */
import { createHash } from "node:crypto";
import type { RenderedFile } from "./target.ts";

/** 64 bits: among thousands of generations a collision by chance is out of the question. */
const HEX_DIGITS = 16;

/** 16 hex digits of the SHA-256 over path, mode and text of the files, in order, each framed so that no two lists hash alike. */
export function generationOf(files: readonly RenderedFile[]): string {
  const hash = createHash("sha256");
  for (const { path, text, mode } of files) {
    hash.update(`${path}\0${mode}\0${Buffer.byteLength(text)}\0`);
    hash.update(text);
  }
  return hash.digest("hex").slice(0, HEX_DIGITS);
}
