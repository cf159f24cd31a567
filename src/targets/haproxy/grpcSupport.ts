/** What HAProxy does with the leaves of gRPC. */
import { grpcCapabilities as shared } from "../grpcSupport.ts";

/** The table's lines. */
export const grpcCapabilities = shared(
  "grpc makes the client's deadline (`grpc-timeout`) a limit on the endpoint's silence: HAProxy has no limit on a whole call",
);
