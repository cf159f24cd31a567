/**
 * The routes that stand first in every virtual host and refuse what the proxies would read differently: a bad Host, a path
 * that is not in its plain form, TRACE. Encoded once.
 */
import { type MatchView, type RouteView, reasonBodies } from "./lower.ts";
import { writeRoute } from "./routeWire.ts";
import { createWriter, takeBytes } from "./wire.ts";

/** A name, IPv4 or bracketed IPv6 address, perhaps with a port. Envoy itself passes an empty Host, userinfo and two Hosts. */
const GOOD_HOST = "(?:[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*\\.?|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]*)?";

/**
 * Encoded characters that are refused: NUL, `/`, `\`, and what RFC 3986 never encodes and a rule for the plain form would
 * miss: letters, digits, `-`, `_`.
 */
const REFUSED_CODES = "(?:00|2[dDfF]|3[0-9]|4[1-9a-fA-F]|5[0-9aAcCfF]|6[1-9a-fA-F]|7[0-9aA])";
const DOT_SEGMENT = "/(?:\\.|%2[eE]){1,2}";

/** Full match of a path (without query) to refuse. (Envoy itself refuses a path without a slash in front.) */
export const BAD_PATH = [
  `.*(?://|\\\\|#|%${REFUSED_CODES}|${DOT_SEGMENT}/|%[^0-9a-fA-F]|%[0-9a-fA-F][^0-9a-fA-F]).*`,
  `.*${DOT_SEGMENT}`,
  ".*%[0-9a-fA-F]?",
].join("|");

const ANY_PATH = { kind: "prefix", value: "/" } as const;

function guard(name: string, match: MatchView, status: number): RouteView {
  const action = { kind: "direct", status, body: reasonBodies[status] as string } as const;
  const none = { add: [], remove: [] };
  return { name, match, action, requestHeaders: none, responseHeaders: none };
}

function guardRoutes(): readonly RouteView[] {
  const badHost = { name: ":authority", kind: "safeRegex", value: GOOD_HOST } as const;
  const trace = { name: ":method", kind: "exact", value: "TRACE" } as const;
  return [
    guard("bad-path", { kind: "safeRegex", value: BAD_PATH, headers: [] }, 400),
    guard(
      "bad-host",
      { ...ANY_PATH, headers: [{ ...badHost, invertMatch: true, treatMissingHeaderAsEmpty: true }] },
      400,
    ),
    guard("trace", { ...ANY_PATH, headers: [{ ...trace, invertMatch: false, treatMissingHeaderAsEmpty: false }] }, 405),
  ];
}

/** The guards as entries of `VirtualHost.routes`. */
export const guardBytes: Uint8Array = encodeGuards();

function encodeGuards(): Uint8Array {
  const writer = createWriter();
  for (const route of guardRoutes()) writeRoute(writer, route);
  return takeBytes(writer);
}
