/** Active health checks of a cluster. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  HeaderValueOption_HeaderAppendAction,
  RequestMethod,
} from "../../../gen/proto/envoy/config/core/v3/base_pb.js";
import type { HealthCheckSchema } from "../../../gen/proto/envoy/config/core/v3/health_check_pb.js";
import { CodecClientType } from "../../../gen/proto/envoy/type/v3/http_pb.js";
import { type HealthCheckIr, isOverHttp2 } from "../../../ir/index.ts";
import { formatLiteral } from "../quote.ts";
import { duration } from "../types.ts";

/** Any status can be a failed probe that counts towards `fall`; without it Envoy takes an endpoint out at the first. */
const ALL_STATUSES = { start: 100n, end: 600n };

/** How much of an answer's body is searched; Envoy's default is 1 KiB, HAProxy looks at more than this. */
const BODY_BYTES = 8_192;

/** Requests say by themselves what they speak inside TLS, probes do not. */
const SPEAKS_HTTP2 = { tlsOptions: { alpnProtocols: ["h2"] } };

/** The check as the Cluster has it; inside TLS where the Cluster's connections are. */
export function healthCheckMessage(check: HealthCheckIr, isTls: boolean): MessageInitShape<typeof HealthCheckSchema> {
  return {
    ...(isTls && isOverHttp2(check) ? SPEAKS_HTTP2 : {}),
    interval: duration(check.intervalMs),
    // Envoy's default of 60 s for clusters without traffic would leave a dead endpoint in.
    noTrafficInterval: duration(check.intervalMs),
    timeout: duration(check.timeoutMs),
    healthyThreshold: check.rise,
    unhealthyThreshold: check.fall,
    // A server that takes no new connection must fail, and one that closes after its answer must pass.
    reuseConnection: false,
    healthChecker: checkerOf(check),
  };
}

function checkerOf({ tcp, http, grpc }: HealthCheckIr) {
  if (http !== null) return httpChecker(http);
  if (grpc !== null) return { case: "grpcHealthCheck" as const, value: { serviceName: grpc.service } };
  const { send = null, expect = null } = tcp ?? {};
  const value = {
    ...(send === null ? {} : { send: payload(send) }),
    receive: expect === null ? [] : [payload(expect)],
  };
  return { case: "tcpHealthCheck" as const, value };
}

function payload(text: string) {
  return { payload: { case: "text" as const, value: Buffer.from(text, "utf8").toString("hex") } };
}

const METHODS: Readonly<Record<string, RequestMethod>> = {
  GET: RequestMethod.GET,
  HEAD: RequestMethod.HEAD,
  OPTIONS: RequestMethod.OPTIONS,
};

function httpChecker(http: NonNullable<HealthCheckIr["http"]>) {
  const method = METHODS[http.method];
  if (method === undefined) throw new Error(`health check method ${http.method} is not known to Envoy`);
  return {
    case: "httpHealthCheck" as const,
    value: {
      host: http.host,
      path: http.path,
      method,
      ...(http.protocol === "http2" ? { codecClientType: CodecClientType.HTTP2 } : {}),
      expectedStatuses: http.expectedStatus.map(({ low, high }) => ({ start: BigInt(low), end: BigInt(high + 1) })),
      retriableStatuses: [ALL_STATUSES],
      requestHeadersToAdd: http.headers.map(({ name, value }) => ({
        header: { key: name, value: formatLiteral(value) },
        appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
      })),
      ...(http.bodyContains === null
        ? {}
        : { receive: [payload(http.bodyContains)], responseBufferSize: BigInt(BODY_BYTES) }),
    },
  };
}
