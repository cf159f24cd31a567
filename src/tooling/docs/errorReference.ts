/** `docs/reference/errors.md`: every stable code, from the registry and the targets' tables. */
import type { ErrorCodes } from "../../errors/codes.ts";
import { deviationsOf, type Target } from "../../targets/target.ts";
import { code, pageHead, table } from "./markdown.ts";

const INTRO = `Every code that Trimtab reports. Codes are stable: build on them, not on the texts. REST errors are RFC 9457
problem documents (\`application/problem+json\`) with \`code\`, \`title\`, \`status\`, \`detail\` and, for a refused model,
\`errors: [{pointer, code, message}]\` with all problems at once.`;

/** Code -> the fields and proxies whose support it explains. */
function capabilityCodes(targets: readonly Target[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { proxy, capabilities } of targets) {
    for (const [leaf, support] of Object.entries(capabilities)) {
      for (const deviation of deviationsOf(support)) {
        const places = found.get(deviation.code) ?? [];
        found.set(deviation.code, [...places, `${code(leaf)} on ${proxy}`]);
      }
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
