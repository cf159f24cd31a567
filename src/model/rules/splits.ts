import { problem, type Rule, rulesOf, touchedOf } from "./rule.ts";

/** Somebody must receive the traffic of a split, and each cluster stands in it once. */
export const splits: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    for (const { rule, at } of rulesOf(route)) {
      if (rule.split === undefined) continue;
      if (rule.split.every(({ weight }) => weight === 0)) {
        yield problem("MODEL-SPLIT", route, {
          pointer: `${at}/split`,
          message: "the weights add up to 0: nothing would receive traffic",
        });
      }
      const seen = new Set<string>();
      for (const [index, { cluster }] of rule.split.entries()) {
        if (seen.has(cluster)) {
          yield problem("MODEL-SPLIT", route, {
            pointer: `${at}/split/${index}/cluster`,
            message: `cluster ${JSON.stringify(cluster)} stands in this split already`,
          });
        }
        seen.add(cluster);
      }
    }
  }
};
