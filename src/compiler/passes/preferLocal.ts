/**
 * Rules that forward to clusters which prefer a client's zone: before each of them one for every label, whose clients go to the cluster
 * made for them. All that is special is in the IR then, and a proxy sees rules and clusters as any others.
 */
import { type ConditionIr, type ForwardIr, nearName, type RuleIr, type VirtualHostIr } from "../../ir/index.ts";
import type { Resource, Snapshot } from "../../model/index.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import { preferenceOf, wordsOf } from "../clusters/preferLocal.ts";
import { withLabel } from "../fields.ts";
import type { CompilerMemory } from "../memory.ts";
import type { Near, Preference } from "../preference.ts";
import { reuseList, reuseParent } from "../reuse.ts";

/** What clusters prefer, by name. */
export type Preferences = ReadonlyMap<string, Preference>;

const NONE: Preferences = new Map();

/** Of all clusters of a model. */
export function* preferencesOf(snapshot: Snapshot, memory: CompilerMemory): Steps<Preferences> {
  if (snapshot.geoTable.size === 0) return NONE;
  const found = new Map<string, Preference>();
  let index = 0;
  for (const [name, cluster] of snapshot.cluster) {
    if (shouldYield(index++)) yield;
    const { table } = cluster.body.locality?.preferLocal ?? {};
    if (table === undefined) continue;
    const resource = snapshot.geoTable.get(table);
    if (resource === undefined)
      throw new Error(`geo table ${table} is referred to but missing: the model's rules did not run`);
    found.set(name, preferenceOf(cluster, resource, memory));
    // A thousand endpoints, sixteen times.
    yield;
  }
  return found.size === 0 ? NONE : found;
}

/** A cluster that was made for clients of a label. */
export interface MadeCluster {
  readonly made: Resource<"cluster">;
  readonly near: { readonly cluster: string; readonly label: string };
}

/** Those of all clusters, by their names. */
export function madeClusters(preferences: Preferences): ReadonlyMap<string, MadeCluster> {
  const found = new Map<string, MadeCluster>();
  for (const [cluster, { near }] of preferences)
    for (const { label, cluster: made } of near) found.set(made.name, { made, near: { cluster, label } });
  return found;
}

/** Hosts with these rules; `before`: the port's last ones. */
export function* withPreferences(
  hosts: readonly VirtualHostIr[],
  { preferences, before }: { readonly preferences: Preferences; readonly before: readonly VirtualHostIr[] | null },
  memory: CompilerMemory,
): Steps<readonly VirtualHostIr[]> {
  if (preferences.size === 0) return hosts;
  const old = new Map(before?.map((host) => [host.hostnames[0], host]));
  const made: VirtualHostIr[] = [];
  for (const host of hosts) {
    const last = old.get(host.hostnames[0]);
    const rules: RuleIr[] = [];
    let index = 0;
    for (const rule of host.rules) {
      if (shouldYield(index++)) yield;
      rules.push(...nearRules(rule, preferences, memory));
    }
    const isSame = rules.length === host.rules.length && rules.every((rule, place) => rule === host.rules[place]);
    const next = isSame ? host.rules : reuseList(last?.rules, rules);
    made.push(reuseParent<VirtualHostIr>(last, { ...host, rules: next }));
  }
  return made;
}

/** The rule, after those for clients near some zone. The same objects for the same rule and preferences. */
function nearRules(rule: RuleIr, preferences: Preferences, { nearRules: known }: CompilerMemory): readonly RuleIr[] {
  const { action } = rule;
  if (action.kind !== "forward") return [rule];
  const own = action.split.flatMap(({ cluster }) => preferences.get(cluster) ?? []);
  const [first] = own;
  if (first === undefined) return [rule];
  const found = known.get(rule);
  if (found !== undefined && found.own.length === own.length && found.own.every((each, at) => each === own[at]))
    return found.rules;
  const near = { rule, action, table: first.table };
  const rules = made(near, own, preferences);
  known.set(rule, { own, rules });
  return rules;
}

interface Forwarding {
  readonly rule: RuleIr;
  readonly action: ForwardIr;
  readonly table: string;
}

function made({ rule, action, table }: Forwarding, own: readonly Preference[], all: Preferences): readonly RuleIr[] {
  const labels = [...new Set(own.flatMap(({ near }) => near.map(({ label }) => label)))].sort();
  const words = wordsOf(labels);
  const rules: RuleIr[] = [];
  for (const label of labels) {
    const conditions = withLabel(rule.conditions, table, label);
    if (conditions === null) continue;
    const split = action.split.map((part) => ({ ...part, cluster: clusterFor(part.cluster, label, all) }));
    rules.push(nearRule(rule, { word: words.get(label) ?? label, conditions, action: { ...action, split } }));
  }
  return [...rules, rule];
}

function clusterFor(cluster: string, label: string, preferences: Preferences): string {
  const near: Near | undefined = preferences.get(cluster)?.near.find((each) => each.label === label);
  return near?.cluster.name ?? cluster;
}

function nearRule(
  rule: RuleIr,
  { word, conditions, action }: { word: string; conditions: readonly ConditionIr[]; action: ForwardIr },
): RuleIr {
  const match = rule.id.lastIndexOf(".");
  const id = nearName(rule.id.slice(0, match), word) + rule.id.slice(match);
  return Object.freeze({ ...rule, id, name: nearName(rule.name, word), conditions, action: Object.freeze(action) });
}
