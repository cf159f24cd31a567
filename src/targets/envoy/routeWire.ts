/** Writes a `RouteView` as the fields of an `envoy.config.route.v3.Route`: field numbers of the Envoy v1.31 API. */
import type {
  DirectResponseView,
  HeaderMatcherView,
  HeaderOptionsView,
  MatchView,
  PathRewriteView,
  RedirectView,
  RouteActionView,
  RouteView,
} from "./lower.ts";
import { closeMessage, openMessage, type Writer, writeString, writeUint } from "./wire.ts";

/** Field of a route in VirtualHost. */
const VIRTUAL_HOST_ROUTES = 3;
const ROUTE = {
  match: 1,
  route: 2,
  redirect: 3,
  directResponse: 7,
  requestHeadersToAdd: 9,
  responseHeadersToAdd: 10,
  responseHeadersToRemove: 11,
  requestHeadersToRemove: 12,
  name: 14,
} as const;
const MATCH = { prefix: 1, path: 2, headers: 6, safeRegex: 10, pathSeparatedPrefix: 14 } as const;
const HEADER_MATCHER = { name: 1, invertMatch: 8, stringMatch: 13, treatMissingHeaderAsEmpty: 14 } as const;
const STRING_MATCHER = { exact: 1, safeRegex: 5 } as const;
const REGEX_MATCHER_REGEX = 2;
const REGEX_REWRITE = { pattern: 1, substitution: 2 } as const;
const ACTION = {
  cluster: 1,
  weightedClusters: 3,
  prefixRewrite: 5,
  timeout: 8,
  idleTimeout: 24,
  regexRewrite: 32,
} as const;
const WEIGHTED_CLUSTERS = 1;
const CLUSTER_WEIGHT = { name: 1, weight: 2 } as const;
const REDIRECT = {
  hostRedirect: 1,
  pathRedirect: 2,
  responseCode: 3,
  prefixRewrite: 5,
  schemeRedirect: 7,
  portRedirect: 8,
  regexRewrite: 9,
} as const;
const REDIRECT_CODES = { 301: 0, 302: 1, 303: 2, 307: 3, 308: 4 } as const;
const DIRECT = { status: 1, body: 2 } as const;
const DATA_SOURCE_INLINE_STRING = 3;
const HEADER_OPTION = { header: 1, appendAction: 3 } as const;
const OVERWRITE_IF_EXISTS_OR_ADD = 2;
const HEADER_VALUE = { key: 1, value: 2 } as const;
const WRAPPER_VALUE = 1;
const DURATION = { seconds: 1, nanos: 2 } as const;

/** Writes the route as an entry of `VirtualHost.routes`, tag and length included. */
export function writeRoute(writer: Writer, route: RouteView): void {
  const start = openMessage(writer, VIRTUAL_HOST_ROUTES);
  writeMatch(writer, route.match);
  const { action } = route;
  if (action.kind === "route") writeAction(writer, action);
  else if (action.kind === "redirect") writeRedirect(writer, action);
  else writeDirect(writer, action);
  writeHeaderOptions(writer, ROUTE.requestHeadersToAdd, route.requestHeaders);
  writeHeaderOptions(writer, ROUTE.responseHeadersToAdd, route.responseHeaders);
  for (const name of route.responseHeaders.remove) writeString(writer, ROUTE.responseHeadersToRemove, name);
  for (const name of route.requestHeaders.remove) writeString(writer, ROUTE.requestHeadersToRemove, name);
  writeString(writer, ROUTE.name, route.name);
  closeMessage(writer, start);
}

function writeMatch(writer: Writer, match: MatchView): void {
  const start = openMessage(writer, ROUTE.match);
  if (match.kind === "prefix") writeString(writer, MATCH.prefix, match.value);
  else if (match.kind === "path") writeString(writer, MATCH.path, match.value);
  for (const header of match.headers) writeHeaderMatcher(writer, header);
  if (match.kind === "safeRegex") writeRegex(writer, MATCH.safeRegex, match.value);
  else if (match.kind === "pathSeparatedPrefix") writeString(writer, MATCH.pathSeparatedPrefix, match.value);
  closeMessage(writer, start);
}

function writeHeaderMatcher(writer: Writer, header: HeaderMatcherView): void {
  const start = openMessage(writer, MATCH.headers);
  writeString(writer, HEADER_MATCHER.name, header.name);
  if (header.invertMatch) writeUint(writer, HEADER_MATCHER.invertMatch, 1);
  const value = openMessage(writer, HEADER_MATCHER.stringMatch);
  if (header.kind === "exact") writeString(writer, STRING_MATCHER.exact, header.value);
  else writeRegex(writer, STRING_MATCHER.safeRegex, header.value);
  closeMessage(writer, value);
  if (header.treatMissingHeaderAsEmpty) writeUint(writer, HEADER_MATCHER.treatMissingHeaderAsEmpty, 1);
  closeMessage(writer, start);
}

function writeRegex(writer: Writer, field: number, regex: string): void {
  const start = openMessage(writer, field);
  writeString(writer, REGEX_MATCHER_REGEX, regex);
  closeMessage(writer, start);
}

function writeAction(writer: Writer, action: RouteActionView): void {
  const start = openMessage(writer, ROUTE.route);
  const [first, second] = action.clusters;
  if (first !== undefined && second === undefined) writeString(writer, ACTION.cluster, first.cluster);
  else writeWeightedClusters(writer, action.clusters);
  const { rewrite } = action;
  if (rewrite?.kind === "prefix") writeString(writer, ACTION.prefixRewrite, rewrite.value);
  writeDuration(writer, ACTION.timeout, action.timeoutMs);
  writeDuration(writer, ACTION.idleTimeout, action.idleTimeoutMs);
  writeRegexRewrite(writer, ACTION.regexRewrite, rewrite);
  closeMessage(writer, start);
}

function writeWeightedClusters(writer: Writer, clusters: RouteActionView["clusters"]): void {
  const start = openMessage(writer, ACTION.weightedClusters);
  for (const { cluster, weight } of clusters) {
    const entry = openMessage(writer, WEIGHTED_CLUSTERS);
    writeString(writer, CLUSTER_WEIGHT.name, cluster);
    const value = openMessage(writer, CLUSTER_WEIGHT.weight);
    writeUint(writer, WRAPPER_VALUE, weight);
    closeMessage(writer, value);
    closeMessage(writer, entry);
  }
  closeMessage(writer, start);
}

function writeRegexRewrite(writer: Writer, field: number, rewrite: PathRewriteView | null): void {
  if (rewrite?.kind !== "regex") return;
  const start = openMessage(writer, field);
  writeRegex(writer, REGEX_REWRITE.pattern, rewrite.pattern);
  writeString(writer, REGEX_REWRITE.substitution, rewrite.substitution);
  closeMessage(writer, start);
}

function writeRedirect(writer: Writer, redirect: RedirectView): void {
  const start = openMessage(writer, ROUTE.redirect);
  const { rewrite } = redirect;
  const code = REDIRECT_CODES[redirect.status];
  if (redirect.host !== null) writeString(writer, REDIRECT.hostRedirect, redirect.host);
  if (redirect.fullPath !== null) writeString(writer, REDIRECT.pathRedirect, redirect.fullPath);
  if (code !== 0) writeUint(writer, REDIRECT.responseCode, code);
  if (rewrite?.kind === "prefix") writeString(writer, REDIRECT.prefixRewrite, rewrite.value);
  if (redirect.scheme !== null) writeString(writer, REDIRECT.schemeRedirect, redirect.scheme);
  if (redirect.port !== null) writeUint(writer, REDIRECT.portRedirect, redirect.port);
  writeRegexRewrite(writer, REDIRECT.regexRewrite, rewrite);
  closeMessage(writer, start);
}

function writeDirect(writer: Writer, direct: DirectResponseView): void {
  const start = openMessage(writer, ROUTE.directResponse);
  writeUint(writer, DIRECT.status, direct.status);
  if (direct.body !== "") {
    const body = openMessage(writer, DIRECT.body);
    writeString(writer, DATA_SOURCE_INLINE_STRING, direct.body);
    closeMessage(writer, body);
  }
  closeMessage(writer, start);
}

function writeHeaderOptions(writer: Writer, field: number, options: HeaderOptionsView): void {
  for (const { name, value, overwrite } of options.add) {
    const start = openMessage(writer, field);
    const header = openMessage(writer, HEADER_OPTION.header);
    writeString(writer, HEADER_VALUE.key, name);
    writeString(writer, HEADER_VALUE.value, value);
    closeMessage(writer, header);
    if (overwrite) writeUint(writer, HEADER_OPTION.appendAction, OVERWRITE_IF_EXISTS_OR_ADD);
    closeMessage(writer, start);
  }
}

/** 0 is written as an empty Duration: for Envoy's timeouts an absent field is not 0. */
function writeDuration(writer: Writer, field: number, milliseconds: number): void {
  const start = openMessage(writer, field);
  const seconds = Math.floor(milliseconds / 1000);
  const nanos = (milliseconds - seconds * 1000) * 1_000_000;
  if (seconds !== 0) writeUint(writer, DURATION.seconds, seconds);
  if (nanos !== 0) writeUint(writer, DURATION.nanos, nanos);
  closeMessage(writer, start);
}
