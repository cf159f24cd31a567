/** What nginx and HAProxy have in common of gRPC: statuses are not looked at, and a client's deadline is hers. */
import type { JsonValue } from "../ir/index.ts";
import { backtracking } from "./regexFindings.ts";
import type { Capabilities, Support } from "./target.ts";

/** Of `retry.grpcStatuses`. */
export function noGrpcRetry(proxy: string) {
  return {
    refused: `cannot be done: ${proxy} does not look at the status of a call; leave \`retry\` off, clients of gRPC can try again themselves`,
    code: "L7-GRPC-RETRY",
  } as const satisfies Support;
}

/** The table's lines; `deadline`: what becomes of a client's, which a route's other protocols have none of. */
export function grpcCapabilities(deadline: string) {
  return {
    "route.protocol": {
      approximated: deadline,
      code: "L7-GRPC-DEADLINE",
      when: (protocol: JsonValue) => protocol === "grpc",
    },
    "route.rules[].matches[].grpc.service": "exact",
    "route.rules[].matches[].grpc.serviceRegex": backtracking,
    "route.rules[].matches[].grpc.method": "exact",
    "route.rules[].matches[].grpc.methodRegex": backtracking,
  } as const satisfies Partial<Capabilities>;
}
