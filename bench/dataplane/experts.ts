/** Changes of the copies of hand-written files. */
import { readFileSync, writeFileSync } from "node:fs";

/** Puts something in the place of a text of a file, which must be there. */
export function change(path: string, text: string | RegExp, by: string): void {
  const before = readFileSync(path, "utf8");
  const after = before.replace(text, by);
  if (after === before) throw new Error(`${path} has no ${text}`);
  writeFileSync(path, after);
}
