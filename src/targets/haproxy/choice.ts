/** A path that several rules may take: the first whose conditions hold, tried line by line or found in a table. */
import type { RuleIr, TableIr, VirtualHostIr } from "../../ir/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { linesOf, type Turn, testsOf, turnsOf } from "./conditions.ts";
import { addLines, addShared, addText, type FragmentBuilder } from "./fragment.ts";
import type { ListenerContext } from "./listenerContext.ts";
import { listenerMap, ruleKey } from "./names.ts";
import { comment, file, mapKey, mapLine, mapValue, rule, word } from "./quote.ts";
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

/** Adds lines, a table, or turns. */
export function* addChoice(builder: FragmentBuilder, choice: Choice, context: ListenerContext): Steps<void> {
  const { key, rules, owners, pathRegexes, table } = choice;
  const { choiceTables } = context.shape;
  if (!choiceTables) yield* addLinesOf(builder, choice, context);
  else if (table !== null) yield* addTable(builder, { rules, table, key }, context);
  else yield* addTurns(builder, choice, context);
  const isCertain = owners.at(-1)?.conditions.length === 0 && pathRegexes.at(-1) === null;
  if (!isCertain) addShared(builder, "openEnd", ["", context.section("openEnd", { notFound: context.notFound })]);
}

/** A line for each turn, path after path. */
function* addLinesOf(builder: FragmentBuilder, choice: Choice, context: ListenerContext): Steps<void> {
  const { key, title, owners, pathRegexes } = choice;
  const names = [...new Set(owners.map(ruleKey))].join(", else ");
  addText(builder, "choices", context.section("choice", { title: comment(title), names: comment(names) }));
  for (const [index, turn] of (yield* turnsOf(owners, pathRegexes)).entries()) {
    for (const [acl, view] of turn.acls) addShared(builder, "choiceAcls", [acl, context.section("acl", view)]);
    addText(builder, "choices", ownLines(key, turn, context));
    if (shouldYield(index)) yield;
  }
}

function ownLines(key: string, turn: Turn, context: ListenerContext): string {
  const view = { key: word(key), rule: rule(ruleKey(turn.owner)) };
  return linesOf(turn)
    .map((line) => context.section("candidate", { ...view, ...line }))
    .join("");
}

/** All first turns, then all second ones: of those that ask the same one line for all paths, with a map from paths to rules. */
function* addTurns(
  builder: FragmentBuilder,
  { key, owners, pathRegexes }: Choice,
  context: ListenerContext,
): Steps<void> {
  for (const [place, owner] of owners.entries()) {
    if (shouldYield(place)) yield;
    const pathRegex = pathRegexes[place] ?? null;
    const turn = context.turnName(place, owner, pathRegex);
    const isShared = context.shape.sharedTurns.has(turn);
    const asked = testsOf(owner, pathRegex, isShared ? turn : undefined);
    for (const [acl, view] of asked.acls) addShared(builder, "choiceAcls", [acl, context.section("acl", view)]);
    if (!isShared) {
      addShared(builder, "turns", [`${turn} ${key}`, ownLines(key, { owner, ...asked }, context)]);
      continue;
    }
    const map = `choice.${turn}`;
    addLines(builder, map, mapLine(mapKey(key), mapValue(ruleKey(owner))));
    const view = { file: file(listenerMap(context.listener, map)) };
    const lines = linesOf({ owner: { id: turn }, tests: asked.tests });
    addShared(builder, "turns", [turn, lines.map((line) => context.section("turn", { ...view, ...line })).join("")]);
  }
}
