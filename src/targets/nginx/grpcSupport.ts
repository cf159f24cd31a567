/** What nginx does with the leaves of gRPC. */
import { deadline } from "../grpcSupport.ts";
import { backtracking } from "../regexFindings.ts";
import type { Capabilities } from "../target.ts";

const ofClient = deadline(
  "grpc passes `grpc-timeout` on, and nginx does not end a call at its client's deadline: client and endpoint do, and the rule's `timeouts`",
);

/** The table's lines. */
export const grpcCapabilities = {
  "route.protocol": ofClient,
  "route.rules[].matches[].grpc.service": "exact",
  "route.rules[].matches[].grpc.serviceRegex": backtracking,
  "route.rules[].matches[].grpc.method": "exact",
  "route.rules[].matches[].grpc.methodRegex": backtracking,
} as const satisfies Partial<Capabilities>;
