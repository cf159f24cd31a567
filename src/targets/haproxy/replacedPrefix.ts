/** A path whose matched prefix is replaced, in rewrites and redirects. */
import type { PathMatchIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { number, text } from "./quote.ts";

/** What stands in a log-format: `head`, then what follows the first `cut` characters. */
export interface ReplacementView {
  /** Empty for a prefix that is stripped: then what is left gets a slash at its start if it has none. */
  readonly head: Quoted<"text">;
  readonly strips: boolean;
  /** Null: nothing is cut off. */
  readonly cut: Quoted<"number"> | null;
}

/** The path becomes `replacement` and what follows the matched prefix; `/` as replacement strips. */
export function replacementOf(path: PathMatchIr, replacement: string): ReplacementView {
  const cut = cutOf(path);
  const head = headOf(replacement);
  return { head: text(head), strips: head === "", cut: cut === 0 ? null : number(cut) };
}

/** Characters of the matched prefix that go. */
export function cutOf({ kind, value }: PathMatchIr): number {
  if (kind !== "prefix") throw new Error(`${value}: replaces a prefix, matches none`);
  return value === "/" ? 0 : value.length;
}

/** What stands in their place. */
export function headOf(replacement: string): string {
  return replacement.replace(/\/+$/, "");
}
