/** Active health checks of a backend's servers. */
import type { HealthCheckIr } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import type { Support } from "../../target.ts";
import { isBefore } from "../../version.ts";
import { format, number, statuses, time, word } from "../quote.ts";
import { INIT_STATE_SINCE } from "../version.ts";

const initiallyUp: Support = {
  approximated:
    "begins with every endpoint up: HAProxy before 3.1 sends an endpoint traffic until its first probe has failed, the " +
    "other proxies not before one has passed.",
  code: "HC-INITIAL-UP",
  when: (_value, version) => isBefore(version, INIT_STATE_SINCE),
};

const probeTimeout: Support = {
  approximated:
    "limits the wait for the probe's answer; making the connection for the probe may take the smaller of the interval " +
    "and the cluster's connect timeout.",
  code: "HC-CONNECT-TIMEOUT",
};

/** What HAProxy says of the leaves of health checks. */
export const healthCheckCapabilities = {
  "cluster.healthCheck": "exact",
  "healthCheck.name": "exact",
  "healthCheck.labels": "exact",
  "healthCheck.description": "exact",
  "healthCheck.type": initiallyUp,
  "healthCheck.interval": "exact",
  "healthCheck.timeout": probeTimeout,
  "healthCheck.rise": "exact",
  "healthCheck.fall": "exact",
  "healthCheck.port": "exact",
  "healthCheck.http.method": "exact",
  "healthCheck.http.path": "exact",
  "healthCheck.http.host": "exact",
  "healthCheck.http.expectedStatus[]": "exact",
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
    readonly path: Quoted<"word">;
    readonly host: Quoted<"format">;
    readonly statuses: Quoted<"statuses">;
  } | null;
}

/** The check as the backend has it. */
export function checkView(check: HealthCheckIr, startsDown: boolean): CheckView {
  const { http } = check;
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
            path: word(http.path),
            host: format(http.host),
            statuses: statuses(http.expectedStatus),
          },
  };
}
