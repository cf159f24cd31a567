/**
 * The routes that stand first in every virtual host and refuse what the proxies would read differently: a bad Host, a path
 * that is not in its plain form, QUERY, TRACE. Envoy itself passes an empty Host, userinfo and two Hosts, and refuses a path without
 * a slash in front.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type RouteMatchSchema,
  type RouteSchema,
  VirtualHostSchema,
} from "../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import {
  BAD_COOKIE,
  BAD_PATH,
  GOOD_HOST,
  LOOP_BODY,
  LOOP_STATUS,
  MISDIRECTED_BODY,
  MISDIRECTED_STATUS,
  REASON_BODIES,
  viaPattern,
} from "../../ir/index.ts";
import { keepsNothing } from "./accessLog.ts";
import { encode } from "./types.ts";

/** Full match of a path (without query) to refuse. */
const REFUSED_PATH = `.*(?:${BAD_PATH.anywhere.join("|")}).*|.*(?:${BAD_PATH.atEnd.join("|")})`;

const ANY_PATH = { case: "prefix", value: "/" } as const;

type Route = MessageInitShape<typeof RouteSchema> & object;

function guard(name: string, match: MessageInitShape<typeof RouteMatchSchema>, status: number): Route {
  const body = { specifier: { case: "inlineString", value: REASON_BODIES[status] as string } } as const;
  return { name, match, action: { case: "directResponse", value: { status, body } } };
}

function stringMatch(kind: "exact" | "safeRegex", value: string) {
  const matchPattern = kind === "exact" ? { case: kind, value } : { case: kind, value: { regex: value } };
  return { case: "stringMatch", value: { matchPattern } } as const;
}

const badHost = {
  name: ":authority",
  headerMatchSpecifier: stringMatch("safeRegex", GOOD_HOST),
  invertMatch: true,
  treatMissingHeaderAsEmpty: true,
};
const trace = { name: ":method", headerMatchSpecifier: stringMatch("exact", "TRACE") };

/** Envoy's parser takes this one from 1.40 on, when there is a Content-Type; no other proxy knows it. */
const query = { name: ":method", headerMatchSpecifier: stringMatch("exact", "QUERY") };

const guards: readonly Route[] = [
  guard("bad-path", { pathSpecifier: { case: "safeRegex", value: { regex: REFUSED_PATH } } }, 400),
  guard("bad-host", { pathSpecifier: ANY_PATH, headers: [badHost] }, 400),
  guard("unknown-method", { pathSpecifier: ANY_PATH, headers: [query] }, 400),
  guard("trace", { pathSpecifier: ANY_PATH, headers: [trace] }, 405),
];

const badCookie = { name: "cookie", headerMatchSpecifier: stringMatch("safeRegex", `.*${BAD_COOKIE}.*`) };

const cookieGuard = guard("bad-cookie", { pathSpecifier: ANY_PATH, headers: [badCookie] }, 400);

/** Behind the others, of a port that knows requests again. */
export function loopGuard(via: string, isLogged: boolean): Uint8Array {
  const matcher = { name: "via", headerMatchSpecifier: stringMatch("safeRegex", `.*${viaPattern(via)}.*`) };
  const body = { specifier: { case: "inlineString", value: LOOP_BODY } } as const;
  const route: Route = {
    name: "loop",
    match: { pathSpecifier: ANY_PATH, headers: [matcher] },
    action: { case: "directResponse", value: { status: LOOP_STATUS, body } },
  };
  return bytesOf([isLogged ? logged(route) : route]);
}

/** Behind the guards, of hosts that are another listener's. */
export function misdirected(isLogged: boolean): Uint8Array {
  const body = { specifier: { case: "inlineString", value: MISDIRECTED_BODY } } as const;
  const route: Route = {
    name: "misdirected",
    match: { pathSpecifier: ANY_PATH },
    action: { case: "directResponse", value: { status: MISDIRECTED_STATUS, body } },
  };
  return bytesOf([isLogged ? logged(route) : route]);
}

/** Guards as fields of VirtualHost. */
export interface GuardBytes {
  readonly all: Uint8Array;
  /** Where rules look at cookies, behind the others. */
  readonly cookie: Uint8Array;
}

/** Of listeners without and with an access log. */
export const guardBytes: Readonly<Record<"plain" | "logged", GuardBytes>> = {
  plain: { all: bytesOf(guards), cookie: bytesOf([cookieGuard]) },
  logged: { all: bytesOf(guards.map(logged)), cookie: bytesOf([logged(cookieGuard)]) },
};

function logged(route: Route): Route {
  return { ...route, typedPerFilterConfig: keepsNothing };
}

function bytesOf(routes: readonly Route[]): Uint8Array {
  return encode(VirtualHostSchema, create(VirtualHostSchema, { routes: [...routes] }));
}
