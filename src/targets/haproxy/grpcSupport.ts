/** What HAProxy does with the leaves of gRPC. */
import { deadline } from "../grpcSupport.ts";
import { backtracking } from "../regexFindings.ts";
import type { Capabilities } from "../target.ts";

const ofClient = deadline(
  "grpc makes the client's deadline (`grpc-timeout`) a limit on the endpoint's silence: HAProxy has no limit on a whole call",
);

/** The table's lines. */
export const grpcCapabilities = {
  "route.protocol": ofClient,
  "route.rules[].matches[].grpc.service": "exact",
  "route.rules[].matches[].grpc.serviceRegex": backtracking,
  "route.rules[].matches[].grpc.method": "exact",
  "route.rules[].matches[].grpc.methodRegex": backtracking,
} as const satisfies Partial<Capabilities>;
