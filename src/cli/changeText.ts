/** Changes of a model for people: on a terminal, and as a comment of a pull request. */
import type { ResourceChange } from "./changes.ts";
import { counted } from "./output.ts";

/** A comment on GitHub has at most 65 536 characters; the frame, and whoever adds a line, need some. */
const MAX_COMMENT = 60_000;

/** `~ routes/shop`, and below it each value before and after. */
export function changeText({ change, resource, values }: ResourceChange): string {
  const sign = { created: "+", deleted: "-", updated: "~" }[change];
  const show = (value: unknown): string => (value === undefined ? "(nothing)" : JSON.stringify(value));
  return [
    `${sign} ${resource}\n`,
    ...values.map((value) => `    ${value.pointer}: ${show(value.before)} -> ${show(value.after)}\n`),
  ].join("");
}

/** All changes as Markdown that fits one comment. */
export function changesMarkdown(changes: readonly ResourceChange[]): string {
  if (changes.length === 0) return "**Trimtab**: nothing changes.\n";
  const texts: string[] = [];
  let length = 0;
  for (const change of changes) {
    // In a block of `diff` lines that begin with `!` are the changed ones.
    const text = changeText(change).replace(/^~/, "!");
    length += text.length;
    if (length > MAX_COMMENT) break;
    texts.push(text);
  }
  const body = texts.join("");
  const left = changes.length - texts.length;
  const fence = "`".repeat(Math.max(3, ...[...body.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  const more = left > 0 ? `\nand ${counted(left, "more resource")}: too long for a comment\n` : "";
  return `**Trimtab**: ${counted(changes.length, "resource")} will change.\n\n${fence}diff\n${body}${fence}\n${more}`;
}
