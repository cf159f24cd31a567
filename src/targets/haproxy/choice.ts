/** A path that several rules may take: the first whose conditions hold, tried line by line or found in a table. */
import type { RuleIr, TableIr, VirtualHostIr } from "../../ir/index.ts";
import { linesOf, turnsOf } from "./conditions.ts";
import { addShared, addText, type FragmentBuilder } from "./fragment.ts";
import type { ListenerContext } from "./listenerContext.ts";
import { ruleKey } from "./names.ts";
import { comment, rule, word } from "./quote.ts";
import { addTable } from "./table.ts";

/** A group with a choice. */
export interface Choice {
  /** What the path look-up finds. */
  readonly key: string;
  /** Host and path, for people. */
  readonly title: string;
  /** The host's. */
  readonly rules: VirtualHostIr["rules"];
  /** The candidates, in order, and the expression that the path must match besides. */
  readonly owners: readonly RuleIr[];
  readonly pathRegexes: readonly (string | null)[];
  readonly table: TableIr | null;
}

/** Adds the lines or the table. */
export function addChoice(builder: FragmentBuilder, choice: Choice, context: ListenerContext): void {
  const { key, title, rules, owners, pathRegexes, table } = choice;
  if (context.shape.choiceTables && table !== null) {
    addTable(builder, { rules, table, key }, context);
    addOpenEnd(builder, context);
    return;
  }
  const names = [...new Set(owners.map(ruleKey))].join(", else ");
  addText(builder, "choices", context.section("choice", { title: comment(title), names: comment(names) }));
  for (const turn of turnsOf(owners, pathRegexes)) {
    for (const [acl, view] of turn.acls) addShared(builder, "choiceAcls", [acl, context.section("acl", view)]);
    const view = { key: word(key), rule: rule(ruleKey(turn.owner)) };
    for (const line of linesOf(turn)) {
      addText(builder, "choices", context.section("candidate", { ...view, ...line }));
    }
  }
  const isCertain = owners.at(-1)?.conditions.length === 0 && pathRegexes.at(-1) === null;
  if (!isCertain) addOpenEnd(builder, context);
}

/** A choice that may find no rule: what is looked up then is no rule's name. */
function addOpenEnd(builder: FragmentBuilder, context: ListenerContext): void {
  addShared(builder, "openEnd", ["", context.section("openEnd", {})]);
}
