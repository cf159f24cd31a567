/** What rules add to their listener: a line that names their backend, a split, an answer of their own. */
import type { RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { answerOf, isAnswered } from "./answers.ts";
import { addLines, addText, type FragmentBuilder } from "./fragment.ts";
import type { ListenerContext } from "./listenerContext.ts";
import { answerBackend, ruleKey } from "./names.ts";
import { mapKey, mapLine, mapValue } from "./quote.ts";
import { addSplit } from "./splits.ts";

/** The rules of hosts, each name once: matches of one rule do the same, and a rule may serve several hosts. */
export function* distinctRules(hosts: readonly VirtualHostIr[]): Steps<readonly RuleIr[]> {
  const [only] = hosts;
  if (only !== undefined && hosts.length === 1 && only.rules.every(({ id }) => id.endsWith(".0"))) return only.rules;
  const found = new Map<string, RuleIr>();
  for (const { rules } of hosts) {
    for (const [index, rule] of rules.entries()) {
      const key = ruleKey(rule);
      if (!found.has(key)) found.set(key, rule);
      if (shouldYield(index >> 6)) yield;
    }
    if (shouldYield(found.size)) yield;
  }
  return [...found.values()];
}

/** Adds a rule; gives the body that it answers with, if that needs a file. */
export function addRule(
  builder: FragmentBuilder,
  owner: RuleIr,
  context: ListenerContext,
): { readonly path: string; readonly text: string } | null {
  const key = ruleKey(owner);
  const backend = (name: string): void => addLines(builder, "backends", mapLine(mapKey(key), mapValue(name)));
  const { action } = owner;
  if (isAnswered(owner)) {
    const { text, body } = answerOf(owner, context);
    backend(answerBackend(context.listener, key));
    addText(builder, "answers", text);
    return body;
  }
  if (action.kind !== "forward") throw new Error(`${key} neither forwards nor answers`);
  const [first] = action.split;
  if (action.split.length > 1) addSplit(builder, { key, split: action.split }, context);
  else if (first !== undefined) backend(first.cluster);
  return null;
}
