/** `docs/reference/errors.md`: every stable code, from the rooms' own lists (`codes.ts`) and the targets' tables. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ErrorCode, ErrorCodes } from "../../errors/codes.ts";
import type { Target } from "../../targets/target.ts";
import { code, pageHead, table } from "./markdown.ts";

const source = fileURLToPath(new URL("../..", import.meta.url));

const INTRO = `Every code that Trimtab reports. Codes are stable: build on them, not on the texts. REST errors are RFC 9457
problem documents (\`application/problem+json\`) with \`code\`, \`title\`, \`status\`, \`detail\` and, for a refused model,
\`errors: [{pointer, code, message}]\` with all problems at once.`;

/** Every list of codes below `src/`: what files named `codes.ts` export under names that end in `Codes`. */
export async function collectCodes(): Promise<ErrorCodes> {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) =>
    /(^|\/)codes\.ts$/.test(file),
  );
  const all: Record<string, ErrorCode> = {};
  for (const file of files.sort()) {
    const exported = (await import(pathToFileURL(join(source, file)).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(exported)) {
      if (name.endsWith("Codes") && typeof value === "object") Object.assign(all, value);
    }
  }
  return all;
}

/** Code -> the fields and proxies whose support it explains. */
export function capabilityCodes(targets: readonly Target[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { proxy, capabilities } of targets) {
    for (const [leaf, support] of Object.entries(capabilities)) {
      if (support === "exact") continue;
      const places = found.get(support.code) ?? [];
      found.set(support.code, [...places, `${code(leaf)} on ${proxy}`]);
    }
  }
  return found;
}

/** The whole page. */
export function errorReference(codes: ErrorCodes, targets: readonly Target[]): string {
  const rows = Object.entries(codes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { status, title, explanation }]) => [code(name), String(status), title, explanation]);
  const limits = [...capabilityCodes(targets)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, places]) => [code(name), places.join(", ")]);
  return [
    pageHead("Error codes", INTRO),
    `\n${table(["code", "status", "title", "what it means and what to do"], rows)}`,
    "\n## What a proxy cannot do exactly\n\n",
    "The texts stand in the [capability matrix](capabilities.md).\n\n",
    table(["code", "concerns"], limits),
  ].join("");
}
