/** What is said of HTTP/3 without rendering it: this file loads fast. */
import type { FleetIr, HttpPortIr, JsonValue, RuleIr } from "../../ir/index.ts";
import { besideHttp3, lacksHttp3, withoutHttp3 } from "../http3.ts";
import { type Finding, foundByInspection, type Support, type Version } from "../target.ts";

const besidePassed = {
  refused:
    "cannot be kept together with TLS listeners of the same address and port: nginx would shake hands for their names over UDP; leave it off, or give them a port of their own",
  code: "HTTP3-PASSED-NGINX",
  when: foundByInspection,
} as const satisfies Support;

const silentForLonger = {
  refused:
    "cannot be kept together with rules whose `timeouts.idle` is longer than `http.keepAliveTimeout`: over HTTP/3 nginx ends a connection on which nothing came for the latter, also while a request waits; raise the one or lower the other",
  code: "HTTP3-SILENCE-NGINX",
  when: foundByInspection,
} as const satisfies Support;

const isSpoken = (value: JsonValue, version: Version): boolean => value === true && !lacksHttp3("nginx", version);

const hostWithoutPort = {
  approximated:
    "tells endpoints, the log and redirects a host in small letters, with the port that clients are told (443: none) whatever a request names: nginx knows no more of it",
  code: "HTTP3-HOST-NGINX",
  when: isSpoken,
} as const satisfies Support;

const losesAtReloads = {
  approximated:
    "is slow, and some handshakes fail, while workers of before a reload finish what they have (at most `process.shutdownGrace`): they read the same UDP sockets",
  code: "HTTP3-RELOAD-NGINX",
  when: isSpoken,
} as const satisfies Support;

const { http3, http3Port } = withoutHttp3("nginx");

/** What nginx says of it. */
export const http3Capabilities = {
  "listener.http.http3": [http3, besidePassed, silentForLonger, hostWithoutPort, losesAtReloads],
  "listener.http.http3Port": http3Port,
} as const satisfies Readonly<Record<string, Support>>;

/** Errors about ports whose other promises nginx does not keep over HTTP/3. */
export function inspectHttp3({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) => (port.kind === "http" && port.http3 !== null ? findingsOf(port) : []));
}

function waitsForLonger({ clientTimeouts, virtualHosts }: HttpPortIr): boolean {
  const isLonger = ({ action, policies: { timeouts } }: RuleIr): boolean =>
    action.kind === "forward" &&
    timeouts !== null &&
    Math.min(timeouts.idleMs, timeouts.requestMs ?? Number.POSITIVE_INFINITY) > clientTimeouts.keepAliveMs;
  return virtualHosts.some(({ rules }) => rules.some(isLonger));
}

function findingsOf(port: HttpPortIr): readonly Finding[] {
  return [
    ...(port.passed === null ? [] : besideHttp3(port, besidePassed)),
    ...(waitsForLonger(port) ? besideHttp3(port, silentForLonger) : []),
  ];
}
