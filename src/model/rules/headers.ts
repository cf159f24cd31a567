import type { Diagnostic } from "../../errors/diagnostic.ts";
import type { Resource } from "../types.ts";
import { matchesOf, problem, type Rule, type RuleBody, rulesOf, touchedOf } from "./rule.ts";

const CODE = "MODEL-HEADER";
/** Fields that carry the message's framing or that the proxies themselves write; changing them would break one proxy or the other. */
const FRAMING = [
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
/** What every proxy writes itself, or Envoy takes off requests. */
const REQUEST_RESERVED = new Set([
  ...FRAMING,
  "host",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-client-cert",
]);
/** Envoy refuses a configuration that changes `Host`, in answers too. */
const RESPONSE_RESERVED = new Set([
  ...FRAMING,
  "host",
  "content-type",
  "content-encoding",
  "date",
  "location",
  "server",
]);
/** Rules see them as the client sent them on nginx and HAProxy, and without them or rewritten on Envoy. */
const UNMATCHABLE = new Set([...FRAMING, "x-forwarded-proto", "x-forwarded-client-cert"]);
/** Envoy takes the first as orders to itself; the second are Trimtab's notes to itself inside one proxy. */
const OWN_PREFIXES = ["x-envoy-", "x-trimtab-"];

/**
 * Fields with one value (RFC 9110, 5.5, and their own specifications): added to, they come as two lines from one proxy, as
 * `a,b` from the next, or nginx replaces them (ETag, Last-Modified in answers).
 */
const SINGLETONS = [
  "access-control-allow-origin",
  "age",
  "authorization",
  "content-disposition",
  "content-location",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "etag",
  "expires",
  "from",
  "if-modified-since",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "origin",
  "proxy-authorization",
  "range",
  "referer",
  "retry-after",
  "sec-websocket-key",
  "server",
  "strict-transport-security",
  "user-agent",
];

const REQUEST = {
  field: "requestHeaders",
  reserved: REQUEST_RESERVED,
  // Several lines of it are right in answers, where every proxy keeps them apart; nginx joins them in requests.
  singletons: new Set([...SINGLETONS, "set-cookie"]),
} as const;
const RESPONSE = { field: "responseHeaders", reserved: RESPONSE_RESERVED, singletons: new Set(SINGLETONS) } as const;

/** Header changes name each field once and leave framing alone; header matches look at what every proxy lets them see. */
export const headers: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    for (const { rule, at } of rulesOf(route)) {
      yield* changes(route, { rule, at, ...REQUEST });
      yield* changes(route, { rule, at, ...RESPONSE });
      for (const { match, at: matchAt } of matchesOf(rule, at)) {
        for (const [index, { name }] of (match.headers ?? []).entries()) {
          const message = whyUnmatchable(name.toLowerCase());
          if (message !== null) yield problem(CODE, route, { pointer: `${matchAt}/headers/${index}/name`, message });
        }
      }
    }
  }
};

function isOwn(name: string): boolean {
  return OWN_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Whether a request field, in lower case, is not the same to every proxy that looks at it. */
export function isHidden(name: string): boolean {
  return UNMATCHABLE.has(name) || isOwn(name);
}

function whyUnmatchable(name: string): string | null {
  if (name === "host") return "match the host by `hostnames`";
  if (!isHidden(name)) return null;
  return `${name} belongs to one connection or to the proxies, and not every proxy shows it to rules; it cannot be matched`;
}

interface Place {
  rule: RuleBody;
  at: string;
  field: "requestHeaders" | "responseHeaders";
  reserved: ReadonlySet<string>;
  singletons: ReadonlySet<string>;
}

function* changes(route: Resource<"route">, { rule, at, field, reserved, singletons }: Place): Iterable<Diagnostic> {
  const listOf = new Map<string, string>();
  const body = rule[field] ?? {};
  for (const list of ["set", "add", "remove"] as const) {
    for (const [index, entry] of (body[list] ?? []).entries()) {
      const name = (typeof entry === "string" ? entry : entry.name).toLowerCase();
      const pointer = `${at}/${field}/${list}/${index}${typeof entry === "string" ? "" : "/name"}`;
      if (reserved.has(name) || isOwn(name)) {
        yield problem(CODE, route, { pointer, message: `${name} belongs to the proxies; it cannot be changed here` });
      } else if (list === "add" && singletons.has(name)) {
        yield problem(CODE, route, { pointer, message: `${name} has one value and cannot be added to; use \`set\`` });
      }
      const earlier = listOf.get(name);
      if (earlier !== undefined && (earlier !== list || list !== "add")) {
        yield problem(CODE, route, {
          pointer,
          message: `${name} stands in \`${earlier}\` already; a name stands in one list, once (\`add\` may repeat it)`,
        });
      }
      listOf.set(name, list);
    }
  }
}
