/** What rules add to their listener: a line that names their backend, a split, an answer of their own. */
import type { RuleIr } from "../../ir/index.ts";
import type { Steps } from "../../util/steps.ts";
import { answerOf, isAnswered } from "./answers.ts";
import { ruleBackend } from "./cluster/ruleBackend.ts";
import { addLines, addText, type FragmentBuilder } from "./fragment.ts";
import type { ListenerContext } from "./listenerContext.ts";
import { answerBackend, apartBackend, ruleKey } from "./names.ts";
import { changesOf } from "./policies/index.ts";
import { mapKey, mapLine, mapValue } from "./quote.ts";
import { addSplit } from "./splits.ts";

/**
 * The rules of some lists, each name once: matches of one rule do the same, and a rule may serve several hosts and ports. A single
 * list without further matches is given back as it is.
 */
export function* distinctRules(lists: readonly (readonly RuleIr[])[]): Steps<readonly RuleIr[]> {
  const [only] = lists;
  if (only !== undefined && lists.length === 1 && only.every(isFirstMatch)) return only;
  const seen = new Set<string>();
  const found: RuleIr[] = [];
  let looked = 0;
  for (const rules of lists) {
    for (const rule of rules) {
      const known = seen.size;
      if (seen.add(ruleKey(rule)).size > known) found.push(rule);
      if (++looked % LOOKUPS_PER_STEP === 0) yield;
    }
  }
  return found;
}

/** Names that are looked up between two yields. */
const LOOKUPS_PER_STEP = 2048;

/** Ends with `.0`. (All rules of a host are asked at every change: two characters are read, no text is compared.) */
function isFirstMatch({ id }: RuleIr): boolean {
  return id.charCodeAt(id.length - 1) === 0x30 && id.charCodeAt(id.length - 2) === 0x2e;
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
  const split = action.split.map(({ cluster, weight }) => ({ backend: backendOf(owner, cluster, context), weight }));
  const [first] = split;
  if (split.length > 1) addSplit(builder, { key, split }, context);
  else if (first !== undefined) backend(first.backend);
  return null;
}

/** The cluster's, that for all rules which try again alike, or the rule's own. */
function backendOf(owner: RuleIr, cluster: string, { apart }: ListenerContext): string {
  const together = apart.get(cluster);
  if (together === undefined || changesOf(owner).every(({ group }) => together.has(group)))
    return ruleBackend(cluster, { protocol: owner.protocol, retry: owner.policies.retry });
  return apartBackend(cluster, ruleKey(owner));
}
