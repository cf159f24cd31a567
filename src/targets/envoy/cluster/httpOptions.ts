/** How HTTP is spoken with endpoints, and how long its connections are kept. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { HttpProtocolOptionsSchema } from "../../../gen/proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import type { ClusterIr, PoolIr } from "../../../ir/index.ts";
import { http2Options } from "../http2.ts";
import { duration, MAX_HEADERS, pack } from "../types.ts";

/** Idle connections to endpoints are closed before most servers close them (60 s is usual), so that none breaks in use. */
const POOL_IDLE_MS = 30_000;

type UpstreamProtocol = NonNullable<MessageInitShape<typeof HttpProtocolOptionsSchema>["upstreamProtocolOptions"]>;

const http1 = {
  case: "explicitHttpConfig",
  value: { protocolConfig: { case: "httpProtocolOptions", value: {} } },
} as const satisfies UpstreamProtocol;

const http2 = {
  case: "explicitHttpConfig",
  value: { protocolConfig: { case: "http2ProtocolOptions", value: http2Options } },
} as const satisfies UpstreamProtocol;

/**
 * The gRPC check speaks HTTP/2 and Envoy asks that the cluster can. Requests come in as HTTP/1 (`listener.ts`) and so they stay;
 * only the check uses the other.
 */
const asItCame = {
  case: "useDownstreamProtocolConfig",
  value: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
} as const satisfies UpstreamProtocol;

const NOTHING_SAID: Omit<PoolIr, "maxIdle"> = { idleTimeoutMs: null, maxRequestsPerConnection: null };
/** Made once: most clusters say nothing of their pool. */
const usual = optionsOf(http1, NOTHING_SAID);
const usualOfHttp2 = optionsOf(http2, NOTHING_SAID);
const usualOfGrpcCheck = optionsOf(asItCame, NOTHING_SAID);

/** The cluster's HttpProtocolOptions. */
export function httpOptions({ protocol, pool, healthCheck }: ClusterIr) {
  const isGrpcCheck = healthCheck?.kind === "grpc";
  if (pool.idleTimeoutMs !== null || pool.maxRequestsPerConnection !== null) {
    return optionsOf(protocol === "http2" ? http2 : isGrpcCheck ? asItCame : http1, pool);
  }
  if (protocol === "http2") return usualOfHttp2;
  return isGrpcCheck ? usualOfGrpcCheck : usual;
}

function optionsOf(
  upstreamProtocolOptions: UpstreamProtocol,
  { idleTimeoutMs, maxRequestsPerConnection }: Omit<PoolIr, "maxIdle">,
) {
  const commonHttpProtocolOptions = {
    idleTimeout: duration(idleTimeoutMs ?? POOL_IDLE_MS),
    maxHeadersCount: MAX_HEADERS,
    ...(maxRequestsPerConnection === null ? {} : { maxRequestsPerConnection }),
  };
  const message = create(HttpProtocolOptionsSchema, { commonHttpProtocolOptions, upstreamProtocolOptions });
  return pack(HttpProtocolOptionsSchema, message);
}
