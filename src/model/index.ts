/**
 * The model room.
 *
 * Input: documents (JSON values), and the model they change. Output: frozen resources and snapshots, or diagnostics with
 * JSON pointers, all at once. Guarantee: what passes here has a meaning that does not depend on any proxy; the same
 * documents give the same hashes. It does no input or output, and knows neither store, compiler nor targets. What may take
 * long comes in steps as well (`…Steps`, see util/steps.ts).
 */

export { canonicalAddress } from "./addresses.ts";
export { boundAddress } from "./boundAddress.ts";
export { type Bounds, boundsFor, DEFAULT_MEMORY, MIN_MEMORY } from "./bounds.ts";
export { canaryRule } from "./canaryRule.ts";
export { type CarriedStates, carryStates, inState, stateOf, stateWarning } from "./canaryState.ts";
export { certificatesOf, firstEnd } from "./certificateFacts.ts";
export { certificateTimes } from "./certificateTimes.ts";
export { type Checker, checkSnapshot, createChecker, warningsOf } from "./check.ts";
export { canonicalCidr, isWithin } from "./cidr.ts";
export { modelCodes } from "./codes.ts";
export {
  beyondJudging,
  type ConfigResult,
  type ResourceResult,
  validateConfig,
  validateConfigSteps,
  validateResource,
} from "./documents.ts";
export { extentOf } from "./extent.ts";
export { labelsGiven, localZones } from "./geoLabels.ts";
export { type GrpcPath, grpcPath } from "./grpcPath.ts";
export { effectiveHostnames } from "./hostnames.ts";
export { speaksHttp2 } from "./http2.ts";
export { inUse } from "./inUse.ts";
export { collectionOf, collections, kindOf, kinds } from "./kinds.ts";
export { lint } from "./lint/index.ts";
export { OWNER_LABEL, OWNER_NAME, ownedBy, ownerOf } from "./owner.ts";
export { isChallengePath } from "./redirectToHttps.ts";
export { reachOf } from "./references.ts";
export { createScale, type Scale } from "./scale.ts";
export {
  applyChanges,
  changeTo,
  diffSnapshots,
  diffSnapshotsSteps,
  effectOf,
  emptySnapshot,
  makeResource,
  toDocument,
  toDocumentSteps,
} from "./snapshot.ts";
export { toldOnce } from "./toldOnce.ts";
export type * from "./types.ts";
export { ANY_HOST, covers, durationMs, intersectHostnames } from "./values.ts";
export type { CertificateFacts, Certificates } from "./x509.ts";
export { zoneWeights } from "./zoneWeights.ts";
