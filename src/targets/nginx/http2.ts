/** HTTP/2 with clients: a word of `listen`, or of each server, and limits that each server says. */
import {
  type FleetIr,
  HTTP2_REQUESTS,
  HTTP2_STREAMS,
  type Http2Use,
  type HttpPortIr,
  REASON_BODIES,
} from "../../ir/index.ts";
import { type Finding, foundByInspection, type Support, type Version } from "../target.ts";
import { isBefore, parseVersion } from "../version.ts";
import { block } from "./blocks.ts";
import { http3Limits } from "./http3.ts";
import { param, word } from "./quote.ts";
import type { ListenOption } from "./sockets.ts";
import type { Block } from "./views.ts";

/** From here on a socket takes what the client begins with, and its servers say whether that may be HTTP/2. */
const BOTH_SINCE: Version = [1, 25, 1];

const notBeside = {
  refused:
    "true needs nginx 1.25.1 in cleartext: before it a socket speaks either HTTP/1.1 or HTTP/2; set the fleet's `version` if it is newer, or write `only` for a listener of its own",
  code: "L7-H2C-MIXED-NGINX",
  when: foundByInspection,
} as const satisfies Support;

const notAlone = {
  approximated: "`only` takes HTTP/1.1 too: nginx since 1.25.1, and any inside TLS, speaks what the client begins with",
  code: "L7-H2-ONLY-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** What nginx says of `http2` of listeners. */
export const http2Capabilities = {
  "listener.http.http2": [notBeside, notAlone],
} as const satisfies Readonly<Record<string, Support>>;

/** The same of ports: inside TLS clients say what they speak (ALPN). */
export function inspectHttp2({ ports, version }: FleetIr): readonly Finding[] {
  const isOld = !saysInServers(version);
  return ports.flatMap((port) => {
    if (port.kind !== "http") return [];
    const isTls = port.tls !== null;
    const at = { pointer: "/http/http2" };
    const of = (said: Pick<Finding, "code" | "severity" | "message">): readonly Finding[] =>
      port.listeners.map((name) => ({ ...said, ...at, resource: { kind: "listener", name } }));
    if (port.http2 === "on" && !isTls && isOld)
      return of({ code: notBeside.code, severity: "error", message: notBeside.refused });
    if (port.http2 === "only" && (isTls || !isOld))
      return of({ code: notAlone.code, severity: "warning", message: notAlone.approximated });
    return [];
  });
}

/** Whether servers of a fleet of this version say that HTTP/2 is spoken, or their socket. */
export function saysInServers(version: FleetIr["version"]): boolean {
  return version !== null && !isBefore(parseVersion(version), BOTH_SINCE);
}

/** Of the one `listen` of a socket that has options. */
export function http2Option(use: Http2Use, inServers: boolean): readonly ListenOption[] {
  return use === "off" || inServers ? [] : [{ option: word("http2") }];
}

/** In each server: of requests that share a connection. Null: they do not. */
export function http2Lines(port: Pick<HttpPortIr, "http2" | "http3">, inServers: boolean): Block | null {
  const http3 = http3Limits(port);
  const http2 = port.http2 !== "off";
  if (!http2 && http3 === null) return null;
  return block("http2Limits", {
    http2,
    isDirective: inServers,
    http3,
    streams: word(HTTP2_STREAMS),
    requests: word(HTTP2_REQUESTS),
    badRequest: param(REASON_BODIES[400] as string),
  });
}
