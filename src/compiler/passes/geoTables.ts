/** The geo tables that the rules of a port ask, in canonical form. */
import type { GeoEntryIr, GeoTableIr, RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { canonicalCidr, type Resource, type Snapshot } from "../../model/index.ts";
import { toNumber } from "../../util/ipNumbers.ts";
import { compareText, sortedByKeySteps } from "../../util/sorted.ts";
import { mapSteps, type Steps, shouldYield } from "../../util/steps.ts";
import type { CompilerMemory } from "../memory.ts";
import { reuseList } from "../reuse.ts";

/** The usual case: one list for all. */
const NONE: readonly GeoTableIr[] = [];

/** Those that the rules of some host look at, ascending by name; `before` when it holds the same. */
export function* geoTablesOf(
  hosts: readonly VirtualHostIr[],
  { snapshot, before }: { readonly snapshot: Snapshot; readonly before: readonly GeoTableIr[] | undefined },
  memory: CompilerMemory,
): Steps<readonly GeoTableIr[]> {
  if (snapshot.geoTable.size === 0) return NONE;
  const names = new Set<string>();
  for (const [index, { rules }] of hosts.entries()) {
    for (const name of tablesOfRules(rules, memory)) names.add(name);
    if (shouldYield(index)) yield;
  }
  if (names.size === 0) return NONE;
  const tables: GeoTableIr[] = [];
  for (const name of [...names].sort(compareText)) {
    const table = snapshot.geoTable.get(name);
    if (table === undefined)
      throw new Error(`geo table ${name} is referred to but missing: the model's rules did not run`);
    tables.push(yield* compileTable(table, memory));
  }
  return reuseList(before, tables);
}

function tablesOfRules(rules: readonly RuleIr[], { geoTablesOfRules }: CompilerMemory): readonly string[] {
  const known = geoTablesOfRules.get(rules);
  if (known !== undefined) return known;
  const names = new Set<string>();
  for (const { conditions } of rules)
    for (const { field } of conditions) if (field.kind === "geo") names.add(field.name);
  const found = names.size === 0 ? NO_NAMES : [...names];
  geoTablesOfRules.set(rules, found);
  return found;
}

const NO_NAMES: readonly string[] = [];

function* compileTable(table: Resource<"geoTable">, { geoTables }: CompilerMemory): Steps<GeoTableIr> {
  const known = geoTables.get(table);
  if (known !== undefined) return known;
  const { entries, defaultLabel = null } = table.body;
  const canonical = yield* mapSteps(
    entries,
    ({ cidr, label }): GeoEntryIr => Object.freeze({ cidr: canonicalCidr(cidr), label }),
  );
  const made = Object.freeze({
    name: table.name,
    entries: yield* sortedByKeySteps(canonical, ({ cidr }) => placeOf(cidr)),
    defaultLabel,
  });
  geoTables.set(table, made);
  return made;
}

/** Text that sorts as IR lists do. */
function placeOf(cidr: string): string {
  const [address = "", length = ""] = cidr.split("/");
  const family = address.includes(":") ? "6" : "4";
  return `${family} ${toNumber(address).toString(16).padStart(32, "0")} ${length.padStart(3, "0")}`;
}
