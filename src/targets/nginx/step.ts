/** What a choice among rules needs before the server that it stands in. */
import type { Claim } from "./names.ts";
import type { Block } from "./views.ts";

/** Maps, or another block that gives a variable its value; the first claim is its name. The same name, the same block. */
export interface Step {
  readonly claims: readonly Claim[];
  readonly block: Block;
}
