/** What one path group adds to its port when it has to choose among candidates: table rows, or a chain of conditions. */
import type { CandidateIr, DimensionIr, PathGroupIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { addLines, type ConditionUse, type DimensionUse, type FragmentBuilder } from "./fragment.ts";
import { GROUP_MARK, shortHash } from "./names.ts";
import { mapHexKey, mapKey, mapLine, mapValue } from "./quote.ts";

/** A group of the virtual host that it belongs to. */
export interface OwnedGroup {
  readonly host: VirtualHostIr;
  readonly group: PathGroupIr;
}

/** The rule that takes all requests of a group that has nothing left to choose; null: it has. */
export function directRule({ host, group }: OwnedGroup): RuleIr | null {
  if (group.decision.kind !== "direct") return null;
  const [only] = group.candidates;
  if (only === undefined) throw new Error(`${group.id}: direct without candidate`);
  return ruleAt(host, only.rule);
}

/** What the path look-up finds for a group that must still choose. */
export function groupTarget({ id }: PathGroupIr): string {
  return GROUP_MARK + id;
}

/** Adds the group's rows or conditions; nothing for a direct group. */
export function addDecision(builder: FragmentBuilder, owned: OwnedGroup): void {
  const { group } = owned;
  if (group.decision.kind === "direct") return;
  if (group.otherwise === "prefixes") builder.uses.set("fallback", { kind: "fallback" });
  if (group.decision.kind === "table") addTable(builder, owned);
  else addChain(builder, owned);
}

function addTable(builder: FragmentBuilder, { host, group }: OwnedGroup): void {
  if (group.decision.kind !== "table") return;
  const scope = groupTarget(group);
  // frontends ask for the classes in the order of the tags, so the rows' keys stand in that order too
  const dimensions = group.decision.dimensions
    .map((dimension, place) => ({ dimension, place, use: dimensionUse(dimension) }))
    .sort((a, b) => (a.use.tag < b.use.tag ? -1 : 1));
  const tags = dimensions.map(({ use }) => use.tag);
  addLines(builder, "dimensions", mapLine(mapKey(scope), mapValue(`,${tags.join(",")},`)));
  for (const { dimension, use } of dimensions) {
    builder.uses.set(`dimension.${use.tag}`, { kind: "dimension", dimension: use });
    if (dimension.kind === "regex") continue;
    dimension.values.forEach((value, index) => {
      const key = mapHexKey(`${scope}|${use.tag}`, value);
      addLines(builder, "classes", mapLine(key, mapValue(String(index + 1))));
    });
  }
  for (const row of group.decision.rows) {
    const classes = dimensions.map(({ place }) => row.classes[place]);
    const key = mapKey([scope, ...classes].join("|"));
    addLines(builder, "rows", mapLine(key, mapValue(ruleAt(host, row.rule).id)));
  }
}

function dimensionUse(dimension: DimensionIr): DimensionUse {
  const { field } = dimension;
  const header = field.kind === "header" ? field.name : "";
  if (dimension.kind === "exact") {
    if (field.kind === "path") throw new Error("a path is not looked up by value in a table");
    const tag = field.kind === "method" ? "method" : `header.${header}`;
    return { tag, field: field.kind, header, regex: null };
  }
  const [regex] = dimension.values;
  if (regex === undefined || field.kind === "method") throw new Error("not a regex dimension that a table can have");
  return { tag: `regex.${shortHash(field.kind, header, regex)}`, field: field.kind, header, regex };
}

function addChain(builder: FragmentBuilder, { host, group }: OwnedGroup): void {
  group.candidates.forEach((candidate, place) => {
    const rule = ruleAt(host, candidate.rule);
    const { conditions, without } = candidateConditions(rule, candidate);
    for (const condition of [...conditions, ...without]) {
      builder.uses.set(`condition.${condition.acl}`, { kind: "condition", condition });
    }
    builder.uses.set(`candidate.${group.id}.${String(place).padStart(6, "0")}`, {
      kind: "candidate",
      candidate: {
        group: groupTarget(group),
        rule: rule.id,
        acls: conditions.map(({ acl }) => acl),
        without: without.map(({ acl }) => acl),
      },
    });
  });
}

/** Exact and regex also want a single line of that field: a repeated field equals nothing. */
function candidateConditions(rule: RuleIr, candidate: CandidateIr) {
  const conditions: ConditionUse[] = [];
  const without: ConditionUse[] = [];
  if (rule.method !== null) {
    conditions.push({ acl: `method.${rule.method}`, test: "method", header: "", value: rule.method });
  }
  if (candidate.pathRegex !== null) {
    const acl = `path.${shortHash(candidate.pathRegex)}`;
    conditions.push({ acl, test: "pathRegex", header: "", value: candidate.pathRegex });
  }
  for (const { name, kind, value } of rule.headers) {
    const present: ConditionUse = { acl: `present.${name}`, test: "headerPresent", header: name, value: "" };
    const single: ConditionUse = { acl: `single.${name}`, test: "headerSingle", header: name, value: "" };
    if (kind === "absent") without.push(present);
    else if (kind === "present") conditions.push(present);
    else {
      const test = kind === "exact" ? "headerExact" : "headerRegex";
      const acl = `${kind}.${name}.${shortHash(value)}`;
      conditions.push(single, ...(kind === "regex" ? [present] : []), { acl, test, header: name, value });
    }
  }
  return { conditions, without };
}

/** The rule at an index of the virtual host's list. */
export function ruleAt(host: VirtualHostIr, index: number): RuleIr {
  const rule = host.rules[index];
  if (rule === undefined) throw new Error(`${host.id} has no rule ${index}`);
  return rule;
}
