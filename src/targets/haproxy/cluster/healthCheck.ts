/** Active health checks of a backend's servers. */
import type { HealthCheckIr } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import { backtracking } from "../../regexFindings.ts";
import type { Support } from "../../target.ts";
import { format, header, number, statuses, time, word } from "../quote.ts";
import { bodyPattern } from "./bodyRegex.ts";
import { GRPC_SERVING, grpcRequest, type Scheme } from "./grpcProbe.ts";
import { initiallyUp } from "./initialState.ts";

/** The authority of gRPC probes; servers do not look at it. */
const GRPC_HOST = "health.trimtab.invalid";

const answersOnly = {
  approximated:
    "of gRPC waits for an answer that says SERVING: any other is a failed probe only when the endpoint closes the connection or `timeout` is over, on the other proxies at once.",
  code: "HC-GRPC-HAPROXY",
  when: (value) => value === "grpc",
} as const satisfies Support;

const probeTimeout: Support = {
  approximated:
    "limits the wait for the probe's answer; making the connection for the probe may take the smaller of the interval " +
    "and the cluster's connect timeout.",
  code: "HC-CONNECT-TIMEOUT",
};

/** What HAProxy says of the leaves of health checks. */
export const healthCheckCapabilities = {
  "cluster.healthCheck": [initiallyUp, backtracking],
  "healthCheck.name": "exact",
  "healthCheck.labels": "exact",
  "healthCheck.description": "exact",
  "healthCheck.type": answersOnly,
  "healthCheck.initial": initiallyUp,
  "healthCheck.interval": "exact",
  "healthCheck.timeout": probeTimeout,
  "healthCheck.rise": "exact",
  "healthCheck.fall": "exact",
  "healthCheck.port": "exact",
  "healthCheck.http.method": "exact",
  "healthCheck.http.path": "exact",
  "healthCheck.http.host": "exact",
  "healthCheck.http.expectedStatus[]": "exact",
  "healthCheck.tcp.send": "exact",
  "healthCheck.tcp.expect": "exact",
  "healthCheck.grpc.service": "exact",
  "healthCheck.http.headers[].name": "exact",
  "healthCheck.http.headers[].value": "exact",
  "healthCheck.http.body.contains": "exact",
  "healthCheck.http.body.regex": backtracking,
} as const satisfies Readonly<Record<string, Support>>;
/** An active health check; times in milliseconds. */
export interface CheckView {
  readonly timeout: Quoted<"time">;
  readonly interval: Quoted<"time">;
  readonly rise: Quoted<"number">;
  readonly fall: Quoted<"number">;
  readonly port: Quoted<"number"> | null;
  readonly startsDown: boolean;
  readonly http: {
    readonly method: Quoted<"word">;
    readonly http2: boolean;
    readonly path: Quoted<"word">;
    readonly host: Quoted<"format">;
    readonly headers: readonly { readonly name: Quoted<"header">; readonly value: Quoted<"format"> }[];
    readonly statuses: Quoted<"statuses">;
    readonly contains: Quoted<"word"> | null;
    readonly matches: Quoted<"word"> | null;
  } | null;
  /** Of tcp and gRPC, in hex, so that no byte has a meaning of its own. */
  readonly send: Quoted<"word"> | null;
  readonly expect: Quoted<"word"> | null;
}

interface CheckPlace {
  readonly startsDown: boolean;
  readonly isTls: boolean;
}

/** The check as the backend has it. */
export function checkView(check: HealthCheckIr, { startsDown, isTls }: CheckPlace): CheckView {
  const { http } = check;
  const scheme = isTls ? "https" : "http";
  return {
    timeout: time(check.timeoutMs),
    interval: time(check.intervalMs),
    rise: number(check.rise),
    fall: number(check.fall),
    port: check.port === null ? null : number(check.port),
    startsDown,
    http:
      http === null
        ? null
        : {
            method: word(http.method),
            http2: http.protocol === "http2",
            // With a scheme and a host it is an `:authority`.
            path: word(http.protocol === "http2" ? `${scheme}://${http.host}${http.path}` : http.path),
            host: format(http.host),
            headers: http.headers.map((one) => ({ name: header(one.name), value: format(one.value) })),
            statuses: statuses(http.expectedStatus),
            contains: http.bodyContains === null ? null : word(http.bodyContains),
            matches: http.bodyRegex === null ? null : bodyPattern(http.bodyRegex),
          },
    ...bytesOf(check, scheme),
  };
}

function bytesOf({ tcp, grpc }: HealthCheckIr, scheme: Scheme): Pick<CheckView, "send" | "expect"> {
  if (grpc !== null)
    return { send: word(grpcRequest(grpc.service, { scheme, host: GRPC_HOST })), expect: word(GRPC_SERVING) };
  return { send: hex(tcp?.send ?? null), expect: hex(tcp?.expect ?? null) };
}

function hex(text: string | null): Quoted<"word"> | null {
  return text === null ? null : word(Buffer.from(text, "utf8").toString("hex"));
}
