/** Redirects. One that keeps the request's host has a route for each kind of Host header. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { RedirectAction_RedirectResponseCode as Code } from "../../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import type { RedirectIr, RuleIr } from "../../../ir/index.ts";
import { type PathRewriteFields, writePrefixRewrite } from "../pathRewrite.ts";
import { openMessage, writeNumber, writeText } from "../writer.ts";
import type { RouteContext, RouteForm } from "./action.ts";

/** Number in Route. */
const ROUTE_REDIRECT = 3;
/** Numbers in RedirectAction. */
const REDIRECT = { hostRedirect: 1, pathRedirect: 2, responseCode: 3, schemeRedirect: 7, portRedirect: 8 } as const;
const REWRITE: PathRewriteFields = { prefixRewrite: 5, regexRewrite: 9 };

const CODES = {
  301: Code.MOVED_PERMANENTLY,
  302: Code.FOUND,
  303: Code.SEE_OTHER,
  307: Code.TEMPORARY_REDIRECT,
  308: Code.PERMANENT_REDIRECT,
} as const satisfies Readonly<Record<RedirectIr["status"], Code>>;

const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** A Host without port: a name or IPv4 address, or an IPv6 address in brackets. */
const HOST_WITHOUT_PORT = "[^:]*|\\[.*\\]";

/** Null: Envoy takes the request's. */
interface Place {
  readonly host: string | null;
  readonly port: number | null;
}

/**
 * The routes of a rule that redirects. Under a wildcard Envoy copies the Host header, with its port unless `port_redirect` is
 * set: for a Host with a port, a route of its own names the scheme's default port: the same place, written longer.
 */
export function redirectForms(rule: RuleIr, action: RedirectIr, context: RouteContext): readonly RouteForm[] {
  const host = action.hostname ?? (context.hostname.startsWith("*") ? null : context.hostname);
  const defaultPort = DEFAULT_PORTS[action.scheme ?? (context.isTls ? "https" : "http")];
  const named = action.port === "listener" ? context.port : action.port;
  const port = named === defaultPort ? null : named;
  const form = (authority: string | null, place: Place): RouteForm => {
    return { authority, isForwarded: false, write: (writer) => writeRedirect(writer, rule, { ...action, ...place }) };
  };
  if (host !== null || port !== null) return [form(null, { host, port })];
  return [form(HOST_WITHOUT_PORT, { host, port }), form(null, { host, port: defaultPort })];
}

function writeRedirect(
  writer: BinaryWriter,
  rule: RuleIr,
  { host, port, scheme, path, status }: Omit<RedirectIr, "port"> & Place,
): void {
  openMessage(writer, ROUTE_REDIRECT);
  if (host !== null) writeText(writer, REDIRECT.hostRedirect, host);
  if (path?.kind === "full") writeText(writer, REDIRECT.pathRedirect, path.value);
  writeNumber(writer, REDIRECT.responseCode, CODES[status]);
  if (scheme !== null) writeText(writer, REDIRECT.schemeRedirect, scheme);
  if (port !== null) writeNumber(writer, REDIRECT.portRedirect, port);
  if (path?.kind === "prefix") writePrefixRewrite(writer, REWRITE, { from: rule.path.value, to: path.value });
  writer.join();
}
