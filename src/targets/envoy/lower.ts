/**
 * From IR rules to plain views of Envoy routes: all decisions, no bytes. One view type per message that `routeWire.ts` writes;
 * names follow Envoy's fields.
 */
import type {
  ForwardIr,
  HeaderChangesIr,
  PathMatchIr,
  RedirectIr,
  RespondIr,
  RuleIr,
  SplitIr,
} from "../../ir/index.ts";
import { formatLiteral, regexLiteral, substitutionLiteral } from "./quote.ts";

/** Where a rule is served: redirects that keep the request's host need it, everything else does not. */
export interface RouteContext {
  /** The virtual host's name; starts with `*` when it stands for many hosts. */
  readonly hostname: string;
  /** The listener's port. */
  readonly port: number;
}

/** One Route. */
export interface RouteView {
  readonly name: string;
  readonly match: MatchView;
  readonly action: RouteActionView | RedirectView | DirectResponseView;
  readonly requestHeaders: HeaderOptionsView;
  readonly responseHeaders: HeaderOptionsView;
}

/** RouteMatch: one way to look at the path, and header matchers that must all hold. */
export interface MatchView {
  readonly kind: "path" | "safeRegex" | "prefix" | "pathSeparatedPrefix";
  readonly value: string;
  readonly headers: readonly HeaderMatcherView[];
}

/** HeaderMatcher with a StringMatcher. */
export interface HeaderMatcherView {
  readonly name: string;
  readonly kind: "exact" | "safeRegex";
  readonly value: string;
  readonly invertMatch: boolean;
  readonly treatMissingHeaderAsEmpty: boolean;
}

/** How a path changes: literally, or by a regular expression where no literal form does it. */
export type PathRewriteView =
  | { readonly kind: "prefix"; readonly value: string }
  | { readonly kind: "regex"; readonly pattern: string; readonly substitution: string };

/** RouteAction. */
export interface RouteActionView {
  readonly kind: "route";
  readonly clusters: SplitIr;
  readonly rewrite: PathRewriteView | null;
  /** 0: none. */
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** RedirectAction. Null: not set, Envoy takes the request's. */
export interface RedirectView {
  readonly kind: "redirect";
  readonly host: string | null;
  readonly scheme: string | null;
  readonly port: number | null;
  readonly fullPath: string | null;
  readonly rewrite: PathRewriteView | null;
  readonly status: RedirectIr["status"];
}

/** DirectResponseAction. */
export interface DirectResponseView {
  readonly kind: "direct";
  readonly status: number;
  readonly body: string;
}

/** Header changes in one direction. */
export interface HeaderOptionsView {
  /** `value` is a format string. */
  readonly add: readonly { readonly name: string; readonly value: string; readonly overwrite: boolean }[];
  readonly remove: readonly string[];
}

const NO_HEADERS: HeaderOptionsView = { add: [], remove: [] };
const NOT_EMPTY = ".+";

/** Bodies of the answers that the proxy itself makes; the same on every proxy. */
export const reasonBodies: Readonly<Record<number, string>> = {
  400: "400 Bad Request\n",
  403: "403 Forbidden\n",
  404: "404 Not Found\n",
  405: "405 Method Not Allowed\n",
  408: "408 Request Timeout\n",
  413: "413 Payload Too Large\n",
  426: "426 Upgrade Required\n",
  429: "429 Too Many Requests\n",
  431: "431 Request Header Fields Too Large\n",
  500: "500 Internal Server Error\n",
  501: "501 Not Implemented\n",
  502: "502 Bad Gateway\n",
  503: "503 Service Unavailable\n",
  504: "504 Gateway Timeout\n",
};

/** Whether a rule's route differs between the virtual hosts or ports that serve it. */
export function dependsOnContext(rule: RuleIr): boolean {
  const { action } = rule;
  return action.kind === "redirect" && (action.hostname === null || action.port === "listener");
}

/** The routes of one rule, in order; more than one where a redirect must tell two kinds of Host apart. */
export function lowerRule(rule: RuleIr, context: RouteContext): readonly RouteView[] {
  const { action } = rule;
  const route: RouteView = {
    name: rule.id,
    match: lowerMatch(rule),
    action: action.kind === "forward" ? lowerForward(rule, action) : lowerAnswer(rule, action, context),
    requestHeaders: action.kind === "forward" ? lowerHeaders(action.requestHeaders) : NO_HEADERS,
    responseHeaders: lowerHeaders(rule.responseHeaders),
  };
  if (action.kind === "respond") return [withContentType(route, action)];
  return route.action.kind === "redirect" ? splitByHostPort(route, route.action) : [route];
}

function lowerAnswer(rule: RuleIr, action: RedirectIr | RespondIr, context: RouteContext) {
  if (action.kind === "redirect") return lowerRedirect(rule, action, context);
  // RFC 9110: these two have no content.
  const empty = action.status === 204 || action.status === 304;
  return { kind: "direct", status: action.status, body: empty ? "" : action.body } as const;
}

function lowerMatch(rule: RuleIr): MatchView {
  const headers: HeaderMatcherView[] = [];
  if (rule.method !== null) headers.push(matcher(":method", "exact", rule.method));
  for (const { name, kind, value } of rule.headers) {
    if (kind === "exact") headers.push(matcher(name, "exact", value));
    else if (kind === "present") headers.push(matcher(name, "safeRegex", NOT_EMPTY));
    else if (kind === "regex") headers.push(matcher(name, "safeRegex", value), matcher(name, "safeRegex", NOT_EMPTY));
    // Inverted: with several lines, any one that is not empty makes it false.
    else headers.push({ ...matcher(name, "safeRegex", NOT_EMPTY), invertMatch: true, treatMissingHeaderAsEmpty: true });
  }
  return { ...lowerPath(rule.path), headers };
}

function matcher(name: string, kind: "exact" | "safeRegex", value: string): HeaderMatcherView {
  return { name, kind, value, invertMatch: false, treatMissingHeaderAsEmpty: false };
}

/** `path_separated_prefix` refuses the bare slash, for which `prefix` says the same. */
function lowerPath(path: PathMatchIr): { kind: MatchView["kind"]; value: string } {
  const { kind, value } = path;
  if (kind === "exact") return { kind: "path", value };
  if (kind === "regex") return { kind: "safeRegex", value };
  return value === "/" ? { kind: "prefix", value } : { kind: "pathSeparatedPrefix", value };
}

function lowerForward(rule: RuleIr, action: ForwardIr): RouteActionView | DirectResponseView {
  if (action.split.length === 0) return { kind: "direct", status: 503, body: reasonBodies[503] as string };
  return {
    kind: "route",
    clusters: action.split,
    rewrite: action.rewritePrefix === null ? null : rewritePrefix(rule.path.value, action.rewritePrefix),
    timeoutMs: action.requestTimeoutMs ?? 0,
    idleTimeoutMs: action.idleTimeoutMs,
  };
}

/**
 * Replaces the prefix `from` of whole elements. Envoy's `prefix_rewrite` replaces characters, so the bare slash on either side
 * needs its own form: Gateway API's rows for `/foo`, `/foo/` and `/foo/bar`.
 */
function rewritePrefix(from: string, to: string): PathRewriteView | null {
  if (from === "/") return to === "/" ? null : { kind: "prefix", value: `${to}/` };
  if (to !== "/") return { kind: "prefix", value: to };
  return { kind: "regex", pattern: `^${regexLiteral(from)}/?`, substitution: substitutionLiteral("/") };
}

function lowerRedirect(rule: RuleIr, action: RedirectIr, context: RouteContext): RedirectView {
  const scheme = action.scheme ?? "http";
  const port = action.port === "listener" ? context.port : action.port;
  const { path } = action;
  return {
    kind: "redirect",
    host: action.hostname ?? (context.hostname.startsWith("*") ? null : context.hostname),
    scheme: action.scheme,
    port: port === defaultPort(scheme) ? null : port,
    fullPath: path?.kind === "full" ? path.value : null,
    rewrite: path?.kind === "prefix" ? rewritePrefix(rule.path.value, path.value) : null,
    status: action.status,
  };
}

function defaultPort(scheme: string): number {
  return scheme === "https" ? 443 : 80;
}

/** A Host without port: a name or IPv4 address, or an IPv6 address in brackets. */
const HOST_WITHOUT_PORT = "[^:]*|\\[.*\\]";

/**
 * A redirect to the request's own host copies the Host header, with its port unless `port_redirect` is set. For a Host with
 * a port, a route of its own names the scheme's default port: the same place, written longer.
 */
function splitByHostPort(route: RouteView, redirect: RedirectView): readonly RouteView[] {
  if (redirect.host !== null || redirect.port !== null) return [route];
  const { match } = route;
  const plain = { ...match, headers: [...match.headers, matcher(":authority", "safeRegex", HOST_WITHOUT_PORT)] };
  const port = defaultPort(redirect.scheme ?? "http");
  return [
    { ...route, match: plain },
    { ...route, action: { ...redirect, port } },
  ];
}

function lowerHeaders(changes: HeaderChangesIr): HeaderOptionsView {
  const { set, add, remove } = changes;
  if (set.length === 0 && add.length === 0) return remove.length === 0 ? NO_HEADERS : { add: [], remove };
  return {
    add: [
      ...set.map(({ name, value }) => ({ name, value: formatLiteral(value), overwrite: true })),
      ...add.map(({ name, value }) => ({ name, value: formatLiteral(value), overwrite: false })),
    ],
    remove,
  };
}

/** Envoy itself writes the request's URL into Location of such a direct response. */
function getsLocation(status: number): boolean {
  return status === 201 || (status >= 300 && status < 400);
}

/** Envoy knows only text/plain for a direct response: the content type is a header change. Without a body there is none. */
function withContentType(route: RouteView, action: RespondIr): RouteView {
  const { add, remove } = route.responseHeaders;
  const contentType = { name: "content-type", value: formatLiteral(action.contentType), overwrite: true };
  const responseHeaders = {
    add: action.body === "" ? add : [contentType, ...add],
    remove: getsLocation(action.status) ? [...new Set([...remove, "location"])].sort() : remove,
  };
  return { ...route, responseHeaders };
}
