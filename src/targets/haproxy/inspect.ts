/** What no single field can show: unequal weights, and expressions that HAProxy cannot match safely. */
import type { FleetIr, RuleIr } from "../../ir/index.ts";
import { backtrackingRegexes } from "../regexFindings.ts";
import type { Finding } from "../target.ts";
import { unequalWeights } from "../unequalWeights.ts";
import { capabilities } from "./capabilities.ts";

/** Warnings about the fleet's clusters. */
export function inspect(ir: FleetIr): readonly Finding[] {
  return unequalWeights(ir.clusters, capabilities["cluster.balance.policy"]);
}

/** Errors about one rule. */
export function inspectRule(rule: RuleIr): readonly Finding[] {
  return backtrackingRegexes(rule, "HAProxy");
}
