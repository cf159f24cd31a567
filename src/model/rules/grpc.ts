import type { Diagnostic } from "../../errors/diagnostic.ts";
import { speaksHttp2 } from "../http2.ts";
import type { Resource } from "../types.ts";
import { type MatchBody, matchesOf, problem, type Rule, type RuleBody, rulesOf, touchedOf } from "./rule.ts";

const CODE = "MODEL-GRPC";

/** What a match of a gRPC route may not have, and why. */
const OF_HTTP = {
  path: "say `grpc` with `service` and `method`: a call has no other path",
  method: "every call is a POST; say `grpc` with `service` and `method`",
  query: "a call has no query",
  cookies: "a call has no cookies; match metadata with `headers`",
} as const satisfies Partial<Record<keyof MatchBody, string>>;

const ONLY_SPLIT = "a gRPC route forwards calls: its rules have a `split`";

/** What a rule of a gRPC route may not have, and why. */
const OF_HTTP_RULES = {
  redirect: ONLY_SPLIT,
  respond: ONLY_SPLIT,
  rewrite: "the path of a call names its service and method, and the endpoint has to see it",
} as const satisfies Partial<Record<keyof RuleBody, string>>;

const STATUSES_ALONE = "not in a gRPC route: calls are tried again after the statuses of `grpcStatuses` only";

/** `retry` of a gRPC route: what speaks of answers and bodies of HTTP. */
const OF_HTTP_RETRY = ["on", "statuses", "methods", "perTryTimeout"] as const;

/** A gRPC route speaks of calls, and only it does. */
export const grpc: Rule = function* (_snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    const isGrpc = route.body.protocol === "grpc";
    for (const { rule, at } of rulesOf(route)) {
      if (isGrpc) yield* partsOfHttp(route, rule, at);
      else if (rule.retry?.grpcStatuses !== undefined) {
        const message = "only in a route of protocol grpc";
        yield problem(CODE, route, { pointer: `${at}/retry/grpcStatuses`, message });
      }
      for (const { match, at: matchAt } of matchesOf(rule, at))
        yield* problemsOf(route, match, { isGrpc, at: matchAt });
    }
  }
};

function* partsOfHttp(route: Resource<"route">, rule: RuleBody, at: string): Iterable<Diagnostic> {
  for (const [field, message] of Object.entries(OF_HTTP_RULES)) {
    if (rule[field as keyof typeof OF_HTTP_RULES] !== undefined)
      yield problem(CODE, route, { pointer: `${at}/${field}`, message });
  }
  if (rule.retry === undefined) return;
  for (const field of OF_HTTP_RETRY) {
    if (rule.retry[field] !== undefined)
      yield problem(CODE, route, { pointer: `${at}/retry/${field}`, message: STATUSES_ALONE });
  }
  if (rule.retry.grpcStatuses === undefined) {
    const message = "in a gRPC route it names statuses of gRPC: add `grpcStatuses`";
    yield problem(CODE, route, { pointer: `${at}/retry`, message });
  }
}

function* problemsOf(
  route: Resource<"route">,
  match: MatchBody,
  { isGrpc, at }: { readonly isGrpc: boolean; readonly at: string },
): Iterable<Diagnostic> {
  if (!isGrpc) {
    if (match.grpc !== undefined)
      yield problem(CODE, route, { pointer: `${at}/grpc`, message: "only in a route of protocol grpc" });
    return;
  }
  for (const [field, message] of Object.entries(OF_HTTP)) {
    if (match[field as keyof typeof OF_HTTP] !== undefined)
      yield problem(CODE, route, { pointer: `${at}/${field}`, message });
  }
  for (const name of ["service", "method"] as const) {
    if (match.grpc?.[name] === undefined || match.grpc[`${name}Regex`] === undefined) continue;
    const message = `either \`${name}\` or \`${name}Regex\``;
    yield problem(CODE, route, { pointer: `${at}/grpc/${name}Regex`, message });
  }
}

/** Calls are HTTP/2, from the client to the endpoint. */
export const grpcProtocols: Rule = function* (snapshot, touched) {
  for (const route of touchedOf(touched, "route")) {
    if (route.body.protocol !== "grpc") continue;
    for (const [index, name] of route.body.listeners.entries()) {
      const listener = snapshot.listener.get(name)?.body;
      if (listener === undefined || !listener.protocol.startsWith("HTTP") || speaksHttp2(listener) !== false) continue;
      const message = `listener ${JSON.stringify(name)} speaks HTTP/1.1, and calls need HTTP/2: write \`http.http2\` there`;
      yield problem(CODE, route, { pointer: `/listeners/${index}`, message });
    }
    for (const { rule, at } of rulesOf(route)) {
      for (const [index, { cluster }] of (rule.split ?? []).entries()) {
        const found = snapshot.cluster.get(cluster);
        if (found === undefined || found.body.protocol === "http2") continue;
        const message = `cluster ${JSON.stringify(cluster)} speaks HTTP/1.1, and calls need HTTP/2: write \`protocol: http2\` there`;
        yield problem(CODE, route, { pointer: `${at}/split/${index}/cluster`, message });
      }
    }
  }
};
