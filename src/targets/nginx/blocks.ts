/** From views to text: one template renders one view. What did not change in the IR reaches the files as text made before. */
import { landingPlace, loadTemplates, templateFolder } from "../../util/templates.ts";
import { places } from "./quote.ts";
import type { Block, Views } from "./views.ts";

const templates = loadTemplates({ folder: templateFolder("nginx"), places });
const policyTemplates = loadTemplates({ folder: templateFolder("nginx/policies"), places });
/** Only what a template of ours rendered is a block. */
const asBlock = landingPlace("block");

/** Where the templates of policies stand. */
const POLICIES = "policies/";

/** No text. */
export const NO_BLOCK: Block = asBlock("");

/** Renders one template: lines, each with its line feed. */
export function block<Name extends keyof Views>(name: Name, view: Views[Name]): Block {
  const text = name.startsWith(POLICIES)
    ? policyTemplates.render(name.slice(POLICIES.length), view)
    : templates.render(name, view);
  return asBlock(text);
}

/** Renders a template of one line without its line feed: for the middle of another line. */
export function inline<Name extends keyof Views>(name: Name, view: Views[Name]): Block {
  return asBlock(block(name, view).text.trimEnd());
}

/** One block after the other, with lines between them that `between` gives. Appended, not copied: together they may be 90 MB. */
export function joinBlocks(blocks: readonly Block[], between = ""): Block {
  if (blocks.length < 2) return blocks[0] ?? NO_BLOCK;
  let all = "";
  for (const [index, { text }] of blocks.entries()) all += index === 0 ? text : between + text;
  return asBlock(all);
}
