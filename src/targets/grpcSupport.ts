/** What nginx and HAProxy have in common of gRPC: statuses are not looked at, and a client's deadline is hers. */
import type { JsonValue } from "../ir/index.ts";
import type { Support } from "./target.ts";

/** Of `retry.grpcStatuses`. */
export function noGrpcRetry(proxy: string) {
  return {
    refused: `cannot be done: ${proxy} does not look at the status of a call; leave \`retry\` off, clients of gRPC can try again themselves`,
    code: "L7-GRPC-RETRY",
  } as const satisfies Support;
}

/** Of `route.protocol`, whose other values no deadline belongs to. */
export function deadline(approximated: string) {
  return {
    approximated,
    code: "L7-GRPC-DEADLINE",
    when: (protocol: JsonValue) => protocol === "grpc",
  } as const satisfies Support;
}
