/**
 * Every cross-resource rule. Input: a model and what was touched; output: diagnostics. A rule sees documents of valid shape
 * only, changes nothing, and reports each problem once. The order has no effect: diagnostics are sorted afterwards.
 */
import { canaries } from "./canaries.ts";
import { duplicateMatch } from "./duplicateMatch.ts";
import { endpoints } from "./endpoints.ts";
import { headers } from "./headers.ts";
import { healthChecks } from "./healthChecks.ts";
import { hostnameScope } from "./hostnameScope.ts";
import { hostnameShadowed } from "./hostnameShadowed.ts";
import { limits } from "./limits.ts";
import { pathPolicy } from "./pathPolicy.ts";
import { portClash } from "./portClash.ts";
import { protocols } from "./protocols.ts";
import { references } from "./references.ts";
import { regexDialect } from "./regexDialect.ts";
import { respondStatus } from "./respondStatus.ts";
import type { Rule } from "./rule.ts";
import { ruleParts } from "./ruleParts.ts";
import { singleTcpRoute } from "./singleTcpRoute.ts";
import { splits } from "./splits.ts";

export const rules: readonly Rule[] = [
  references,
  limits,
  portClash,
  protocols,
  singleTcpRoute,
  hostnameScope,
  hostnameShadowed,
  duplicateMatch,
  splits,
  canaries,
  ruleParts,
  respondStatus,
  headers,
  pathPolicy,
  regexDialect,
  endpoints,
  healthChecks,
];
