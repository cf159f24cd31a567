import { labelsGiven } from "../geoLabels.ts";
import type { Resource } from "../types.ts";
import { matchesOf, problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

/** A match asks for labels that the table gives: for another one it would never hold, and nobody would be told. */
export const geoMatches: Rule = function* (snapshot, touched, names) {
  const labels = createLabels();
  for (const route of touchedOf(touched, "route")) {
    for (const { rule, at: ruleAt } of rulesOf(route)) {
      for (const { match, at } of matchesOf(rule, ruleAt)) {
        const table = match.geo && snapshot.geoTable.get(match.geo.table);
        if (match.geo === undefined || table === undefined) continue;
        const known = labels(table);
        for (const [index, label] of match.geo.labels.entries()) {
          if (known.has(label)) continue;
          const message = `no range of geo table ${table.name} has the label ${label}${names.hint(label, known)}`;
          yield problem("MODEL-GEO", route, { pointer: `${at}/geo/labels/${index}`, message });
        }
      }
    }
  }
};

/** The labels that a table gives; a table is read once. */
function createLabels(): (table: Resource<"geoTable">) => ReadonlySet<string> {
  const read = new Map<Resource<"geoTable">, ReadonlySet<string>>();
  return (table) => {
    const labels = read.get(table) ?? labelsGiven(table.body);
    read.set(table, labels);
    return labels;
  };
}
