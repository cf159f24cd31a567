/**
 * Every cross-resource rule. Input: a model and what was touched; output: diagnostics. A rule sees documents of valid shape
 * only, changes nothing, and reports each problem once. The order has no effect: diagnostics are sorted afterwards.
 *
 * What a resource names may be missing, or misshapen and so not in the model. `references` tells the first; all others draw
 * no conclusion that what is missing could overturn.
 *
 * Most rules judge each touched resource by itself (and by the model): they are given some of them at a time. The others need
 * to see all that was touched, and say themselves where they may rest.
 */
import { affinity, affinityName } from "./affinity.ts";
import { balance, splitHashes } from "./balance.ts";
import { canaries } from "./canaries.ts";
import { certificates } from "./certificates.ts";
import { certificateUse } from "./certificateUse.ts";
import { clientAuthentication } from "./clientAuthentication.ts";
import { clusterLimits } from "./clusterLimits.ts";
import { clusterTls } from "./clusterTls.ts";
import { drainTimeout } from "./drainTimeout.ts";
import { createDuplicateMatch } from "./duplicateMatch.ts";
import { endpoints } from "./endpoints.ts";
import { geoMatches } from "./geoMatches.ts";
import { geoTables } from "./geoTables.ts";
import { grpc, grpcProtocols } from "./grpc.ts";
import { hairpin } from "./hairpin.ts";
import { headerSize } from "./headerSize.ts";
import { headers } from "./headers.ts";
import { healthChecks } from "./healthChecks.ts";
import { hostnameScope } from "./hostnameScope.ts";
import { hostnameShadowed } from "./hostnameShadowed.ts";
import { http3 } from "./http3.ts";
import { limits } from "./limits.ts";
import { listenerTls } from "./listenerTls.ts";
import { locality } from "./locality.ts";
import { outlierDetection } from "./outlierDetection.ts";
import { pathPolicy } from "./pathPolicy.ts";
import { portClash } from "./portClash.ts";
import { preferLocal } from "./preferLocal.ts";
import { process } from "./process.ts";
import { protocols } from "./protocols.ts";
import { proxyProtocol } from "./proxyProtocol.ts";
import { references } from "./references.ts";
import { regexDialect } from "./regexDialect.ts";
import { respondStatus } from "./respondStatus.ts";
import { retry } from "./retry.ts";
import type { OwnRule, Rule, WholeRule } from "./rule.ts";
import { ruleParts } from "./ruleParts.ts";
import { singleTcpRoute } from "./singleTcpRoute.ts";
import { slowStart } from "./slowStart.ts";
import { splits } from "./splits.ts";
import { viaGuard } from "./viaGuard.ts";

/**
 * Given all touched resources at once; they find errors, never warnings (`warningsOf` of check.ts). What these remember of the model
 * that they looked at last is their own.
 */
export function createRulesOfWhole(): readonly WholeRule[] {
  return [limits, portClash, singleTcpRoute, hairpin, createDuplicateMatch()];
}

/** Given touched resources a few at a time: the verdict on one does not depend on which others were touched. */
export const rulesOfEach: readonly Rule[] = [
  references,
  protocols,
  hostnameScope,
  hostnameShadowed,
  canaries,
  splitHashes,
  affinity,
  geoMatches,
  preferLocal,
  proxyProtocol,
  viaGuard,
  grpcProtocols,
  certificateUse,
  clientAuthentication,
];

/** These judge a resource by itself, whatever the model: once for each, and before its write's turn (ownVerdicts.ts). */
export const rulesOfOne: readonly OwnRule[] = [
  splits,
  ruleParts,
  respondStatus,
  headers,
  headerSize,
  pathPolicy,
  regexDialect,
  endpoints,
  locality,
  geoTables,
  balance,
  affinityName,
  listenerTls,
  http3,
  certificates,
  clusterTls,
  clusterLimits,
  healthChecks,
  outlierDetection,
  slowStart,
  drainTimeout,
  process,
  retry,
  grpc,
];
