/** What nginx does with the leaves of gRPC. */
import { grpcCapabilities as shared } from "../grpcSupport.ts";

/** The table's lines. */
export const grpcCapabilities = shared(
  "grpc passes `grpc-timeout` on, and nginx does not end a call at its client's deadline: client and endpoint do, and the rule's `timeouts`",
);
