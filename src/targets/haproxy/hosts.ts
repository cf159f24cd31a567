/** What virtual hosts add to their listener: sites, paths, choices. What did not change is not written again. */
import { BAD_COOKIE, fieldsReadBy, type RuleIr, type VirtualHostIr } from "../../ir/index.ts";
import { createRuns } from "../../util/runs.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { Quoted } from "../../util/templates.ts";
import { addShared, type Fragment, type FragmentBuilder, finished, joinFragments, newFragment } from "./fragment.ts";
import { isSameContext, type ListenerContext } from "./listenerContext.ts";
import { addGroup, addPath, choiceKey } from "./paths.ts";
import { header, text, word } from "./quote.ts";
import { addSite, siteOf } from "./sites.ts";
import { type PathItem, ruleOf, type Surveyor } from "./survey.ts";

/** Hosts are few with many paths or many with few: short runs, whose paths are kept in runs of their own. */
const HOSTS_IN_RUN = 8;
/** Near the square root of the largest number of paths that is usual (10 000). */
const PATHS_IN_RUN = 64;

/** What is told of each field that the host's rules look at. */
function addGatedFields(builder: FragmentBuilder, { rules }: VirtualHostIr, { section }: ListenerContext): void {
  for (const field of fieldsReadBy(rules)) {
    const bad = field === "cookie" ? word(BAD_COOKIE) : null;
    const view = { name: header(field), separator: separatorOf(field), bad };
    addShared(builder, "gatedFields", [field, section("gatedField", view)]);
  }
}

/** What stands between lines that become one (RFC 9110, 5.3; RFC 6265, 5.4). */
function separatorOf(field: string): Quoted<"text"> {
  return text(field === "cookie" ? "; " : ", ");
}

/** A fragment, and what it was made in. */
interface Made<Context> {
  readonly fragment: Fragment;
  readonly context: Context;
}

/** Fragments of hosts, in order. */
export type HostWriter = (hosts: readonly VirtualHostIr[], context: ListenerContext) => Steps<readonly Fragment[]>;

/** A writer with a memory of its own. */
export function createHostWriter(survey: Surveyor): HostWriter {
  const paths = createRuns({
    length: PATHS_IN_RUN,
    idOf: (item: PathItem) => ("path" in item ? item.id : item.value),
    make: function* (items: readonly PathItem[], site: string): Steps<Made<string>> {
      const builder = newFragment();
      for (const [index, item] of items.entries()) {
        addPath(builder, site, item);
        if (shouldYield(index)) yield;
      }
      return { fragment: finished(builder), context: site };
    },
    holds: ({ context }, site) => context === site,
  });
  const groups = createGroupWriter(survey);
  const hosts = createRuns({
    length: HOSTS_IN_RUN,
    idOf: siteOf,
    make: function* (run: readonly VirtualHostIr[], context: ListenerContext): Steps<Made<ListenerContext>> {
      const fragments: Fragment[] = [];
      for (const host of run) {
        const builder = newFragment();
        addSite(builder, host, context);
        addGatedFields(builder, host, context);
        fragments.push(finished(builder));
        const { items } = yield* survey(host);
        for (const { fragment } of yield* paths(items, siteOf(host))) fragments.push(fragment);
        for (const fragment of yield* groups(host, context)) fragments.push(fragment);
      }
      return { fragment: yield* joinFragments(fragments), context };
    },
    holds: (made, context) => isSameContext(made.context, context),
  });
  return function* write(list, context) {
    return (yield* hosts(list, context)).map(({ fragment }) => fragment);
  };
}

/** A group's fragment, and what it was made of. */
interface MadeGroup extends Made<ListenerContext> {
  readonly key: string;
  readonly mapsRegexes: boolean;
  readonly owners: readonly RuleIr[];
  readonly pathRegexes: readonly (string | null)[];
}

/** A changed host's groups are new objects: they are known again by their candidates. */
function createGroupWriter(survey: Surveyor) {
  const known = new WeakMap<RuleIr, Map<string, MadeGroup>>();
  return function* write(host: VirtualHostIr, context: ListenerContext): Steps<readonly Fragment[]> {
    const { choices: groups, mapsRegexes } = yield* survey(host);
    const fragments: Fragment[] = [];
    for (const [index, group] of groups.entries()) {
      const owners = group.candidates.map((candidate) => ruleOf(host.rules, candidate));
      const pathRegexes = group.candidates.map(({ pathRegex }) => pathRegex);
      const site = siteOf(host);
      const key = choiceKey(site, group.path);
      const first = owners[0] as RuleIr;
      const old = known.get(first)?.get(key);
      const isKnown =
        old !== undefined &&
        old.mapsRegexes === mapsRegexes &&
        isSameContext(old.context, context) &&
        isSameList(old.owners, owners) &&
        isSameList(old.pathRegexes, pathRegexes);
      if (isKnown) {
        fragments.push(old.fragment);
        continue;
      }
      const builder = newFragment();
      const { path, table } = group;
      const title = `${site}${path.value}`;
      yield* addGroup(
        builder,
        { site, path, key, title, rules: host.rules, owners, pathRegexes, table, mapsRegexes },
        context,
      );
      const made = { fragment: finished(builder), context, key, mapsRegexes, owners, pathRegexes };
      fragments.push(made.fragment);
      known.set(first, (known.get(first) ?? new Map<string, MadeGroup>()).set(key, made));
      if (shouldYield(index)) yield;
    }
    return fragments;
  };
}

function isSameList<T>(before: readonly T[], after: readonly T[]): boolean {
  return before.length === after.length && before.every((item, index) => item === after[index]);
}
