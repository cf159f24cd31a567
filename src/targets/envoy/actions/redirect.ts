/** Redirects. One that keeps the request's host has a route for each kind of Host header. */
import { RedirectAction_RedirectResponseCode as Code } from "../../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import type { RedirectIr, RuleIr } from "../../../ir/index.ts";
import { prefixRewrite } from "../pathRewrite.ts";
import type { RouteContext, RouteFields, RouteForm } from "./action.ts";

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

/** Whether the rule's routes differ between hosts. */
export function dependsOnHost({ action }: RuleIr): boolean {
  return action.kind === "redirect" && action.hostname === null;
}

/** Whether the rule's routes differ between listeners' ports. */
export function dependsOnPort({ action }: RuleIr): boolean {
  return action.kind === "redirect" && action.port === "listener";
}

/**
 * The routes of a rule that redirects. Under a wildcard Envoy copies the Host header, with its port unless `port_redirect` is
 * set: for a Host with a port, a route of its own names the scheme's default port: the same place, written longer.
 */
export function redirectForms(rule: RuleIr, action: RedirectIr, context: RouteContext): readonly RouteForm[] {
  const host = action.hostname ?? (context.hostname.startsWith("*") ? null : context.hostname);
  const defaultPort = DEFAULT_PORTS[action.scheme ?? "http"];
  const named = action.port === "listener" ? context.port : action.port;
  const port = named === defaultPort ? null : named;
  const form = (authority: string | null, written: number | null): RouteForm => {
    return { kind: "answer", authority, fields: redirectFields(rule, action, { host, port: written }) };
  };
  if (host !== null || port !== null) return [form(null, port)];
  return [form(HOST_WITHOUT_PORT, null), form(null, defaultPort)];
}

/** Null: Envoy takes the request's. */
interface Place {
  readonly host: string | null;
  readonly port: number | null;
}

function redirectFields(rule: RuleIr, { scheme, path, status }: RedirectIr, { host, port }: Place): RouteFields {
  const value = {
    hostRedirect: host ?? "",
    portRedirect: port ?? 0,
    responseCode: CODES[status],
    ...(scheme === null ? {} : { schemeRewriteSpecifier: { case: "schemeRedirect", value: scheme } as const }),
    ...(path === null ? {} : pathSpecifier(rule, path)),
  };
  return { action: { case: "redirect", value } };
}

function pathSpecifier({ path: match }: RuleIr, { kind, value }: NonNullable<RedirectIr["path"]>) {
  if (kind === "full") return { pathRewriteSpecifier: { case: "pathRedirect", value } as const };
  const change = prefixRewrite(match.value, value);
  return change === null ? {} : { pathRewriteSpecifier: change };
}
