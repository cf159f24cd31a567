/** From a site's path to its rule: exact paths, regular expressions, the longest prefix. */
import type { PathMatchIr, RuleIr } from "../../ir/index.ts";
import { fullMatch, linearRegex } from "../../regex/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { addChoice, type Choice } from "./choice.ts";
import { linesOf, turnsOf } from "./conditions.ts";
import { addLines, addShared, addText, type FragmentBuilder } from "./fragment.ts";
import type { ListenerContext } from "./listenerContext.ts";
import { CHOICE_MARK, ruleKey } from "./names.ts";
import { comment, mapComment, mapKey, mapLine, mapSiteRegexKey, mapValue, rule, word } from "./quote.ts";
import type { PathItem } from "./survey.ts";

/** Adds a path's line. Prefix keys end in a slash, and so does what is looked up: whole elements only. */
export function addPath(builder: FragmentBuilder, site: string, item: PathItem): void {
  const isRule = "path" in item;
  const path = isRule ? item.path : item;
  const target = isRule ? ruleKey(item) : choiceKey(site, path);
  addLines(builder, path.kind, mapLine(mapKey(pathKey(site, path)), mapValue(target)));
}

/** `shop.example.com/cart`, `shop.example.com/orders/`. */
function pathKey(site: string, { kind, value }: PathMatchIr): string {
  return kind === "exact" || value === "/" ? `${site}${value}` : `${site}${value}/`;
}

/** What the path look-up finds for a choice. An exact path may end in a slash as prefixes do. */
export function choiceKey(site: string, path: PathMatchIr): string {
  return `${CHOICE_MARK}${path.kind === "exact" ? "=" : ""}${pathKey(site, path)}`;
}

/** A site's group that is no mere line of a map. */
export interface SiteGroup extends Choice {
  readonly site: string;
  readonly path: PathMatchIr;
  /** Whether the site's expressions are looked up in the listener's map. */
  readonly mapsRegexes: boolean;
}

/** Adds a choice or an expression. */
export function* addGroup(builder: FragmentBuilder, group: SiteGroup, context: ListenerContext): Steps<void> {
  if (group.path.kind !== "regex") yield* addChoice(builder, group, context);
  else if (group.mapsRegexes) addMappedRegex(builder, group);
  else yield* addRegex(builder, group, context);
}

/** With the expression as the model has it where it was written anew. */
function addMappedRegex(builder: FragmentBuilder, { site, path, owners }: SiteGroup): void {
  const { pattern } = linearRegex(path.value);
  if (pattern !== path.value) addLines(builder, "regex", mapComment(path.value));
  const key = mapSiteRegexKey(site, pattern);
  addLines(builder, "regex", mapLine(key, mapValue(ruleKey(owners[0] as RuleIr))));
}

/**
 * A line for each rule of an expression, for sites that the map cannot serve (survey.ts): it costs 1.5 thousand instructions where an
 * entry of the map costs 0.1, and the map by itself no more than one line. Where the conditions do not hold, later expressions and the
 * prefixes get their turn.
 */
function* addRegex(builder: FragmentBuilder, { site, path, owners }: SiteGroup, context: ListenerContext): Steps<void> {
  const names = [...new Set(owners.map(ruleKey))].join(", else ");
  addText(builder, "regexes", context.section("regexComment", { names: comment(names), path: comment(path.value) }));
  for (const [index, turn] of (yield* turnsOf(owners, [])).entries()) {
    if (shouldYield(index)) yield;
    for (const [acl, view] of turn.acls) addShared(builder, "regexAcls", [acl, context.section("acl", view)]);
    const view = { site: word(site), regex: word(fullMatch(path.value)), rule: rule(ruleKey(turn.owner)) };
    for (const line of linesOf(turn)) addText(builder, "regexes", context.section("regex", { ...view, ...line }));
  }
}
