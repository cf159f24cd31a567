/** What Envoy does with the leaves of gRPC. */
import type { Capabilities } from "../target.ts";
import { tooLarge } from "./regexSize.ts";

/** The table's lines. */
export const grpcCapabilities = {
  "route.protocol": "exact",
  "route.rules[].matches[].grpc.service": "exact",
  "route.rules[].matches[].grpc.serviceRegex": tooLarge,
  "route.rules[].matches[].grpc.method": "exact",
  "route.rules[].matches[].grpc.methodRegex": tooLarge,
} as const satisfies Partial<Capabilities>;
