/** What is said of health checks without rendering them: this file loads fast. */
import type { Support } from "../../target.ts";
import { asItCame } from "./protocolSupport.ts";

const bodyAtOnce: Support = {
  approximated:
    "takes an endpoint out at the first answer with another body: Envoy counts only wrong statuses and missing answers " +
    "towards `fall`.",
  code: "HC-BODY-FALL-ENVOY",
};

const servingAtOnce: Support = {
  approximated:
    "of gRPC takes an endpoint out at the first answer that does not say SERVING: Envoy counts only missing answers towards `fall`.",
  code: "HC-GRPC-FALL-ENVOY",
  when: (value) => value === "grpc",
};

const noRegex: Support = {
  refused: "cannot be done: Envoy looks for text in a body, not for a regular expression; write `contains`",
  code: "HC-BODY-REGEX-ENVOY",
};

const beginsDown: Support = {
  approximated:
    "has no effect: on Envoy an endpoint gets nothing until its first probe, which is sent at once, has passed.",
  code: "HC-INITIAL-ENVOY",
  when: (value) => value === "up",
};

/** What Envoy says of the leaves of health checks. */
export const healthCheckCapabilities = {
  "cluster.healthCheck": asItCame,
  "healthCheck.name": "exact",
  "healthCheck.labels": "exact",
  "healthCheck.description": "exact",
  "healthCheck.type": servingAtOnce,
  "healthCheck.interval": "exact",
  "healthCheck.timeout": "exact",
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
  "healthCheck.http.body.contains": bodyAtOnce,
  "healthCheck.http.body.regex": noRegex,
  "healthCheck.initial": beginsDown,
} as const satisfies Readonly<Record<string, Support>>;
