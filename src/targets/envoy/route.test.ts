import { create, createRegistry, fromBinary, type MessageInitShape, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeaderValueOption_HeaderAppendAction as Append } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import {
  RedirectAction_RedirectResponseCode as Code,
  type HeaderMatcherSchema,
  RetryPolicySchema,
  type Route,
  type RouteActionSchema,
  type RouteMatchSchema,
  RouteSchema,
  VirtualHostSchema,
} from "../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import { PreviousHostsPredicateSchema } from "../../gen/proto/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import {
  type ActionIr,
  type ConditionIr,
  type HeaderChangesIr,
  type PoliciesIr,
  RESENT_BODY_BYTES,
  RESENT_LENGTHS,
  type RewriteIr,
  type RuleIr,
} from "../../ir/index.ts";
import { retryPolicy } from "./failover.ts";
import { guardBytes } from "./guards.ts";
import { RETRY_ON_HEADER } from "./noted.ts";
import { writeRule } from "./route.ts";
import { changes, forward, method, rule } from "./testing.ts";
import { duration } from "./types.ts";

const HERE = {
  hostname: "a.example.com",
  port: 8080,
  isTls: false,
  clientSilenceMs: 60_000,
  isLogged: false,
  hashKeys: new Map(),
  http2: new Set<string>(),
  affinity: new Map(),
  via: null,
};

function bytesOf(one: RuleIr, context = HERE): Uint8Array {
  const writer = new BinaryWriter();
  writeRule(writer, one, context);
  return writer.finish();
}

const routesOf = (one: RuleIr, context = HERE) => fromBinary(VirtualHostSchema, bytesOf(one, context)).routes;
const registry = createRegistry(PreviousHostsPredicateSchema);
const tries = toJson(RetryPolicySchema, create(RetryPolicySchema, retryPolicy), { registry }) as object;
const jsonOf = (one: RuleIr, context = HERE) =>
  routesOf(one, context).map((route) => toJson(RouteSchema, route, { registry }));

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 200 });
const headers = fc.array(fc.record({ name: text, value: text }), { maxLength: 3 });
const headerChanges = fc.record({ set: headers, add: headers, remove: fc.array(text, { maxLength: 3 }) });
const split = fc.array(fc.record({ cluster: text, weight: fc.integer({ min: 1, max: 1000 }) }), { maxLength: 3 });
const milliseconds = fc.integer({ min: 1, max: 86_400_000 });
const action: fc.Arbitrary<ActionIr> = fc.oneof(
  fc.record({ kind: fc.constant("forward" as const), split }),
  fc.record({
    kind: fc.constant("redirect" as const),
    scheme: fc.option(fc.constantFrom("http" as const, "https" as const)),
    hostname: fc.option(text),
    port: fc.oneof(fc.constant("listener" as const), fc.constant(null), fc.integer({ min: 1, max: 65535 })),
    path: fc.option(fc.record({ kind: fc.constantFrom("full" as const, "prefix" as const), value: text })),
    status: fc.constantFrom(301 as const, 302 as const, 303 as const, 307 as const, 308 as const),
  }),
  fc.record({
    kind: fc.constant("respond" as const),
    status: fc.integer({ min: 200, max: 599 }),
    body: fc.string({ unit: "binary", maxLength: 4096 }),
    contentType: text,
  }),
);
const policies: fc.Arbitrary<PoliciesIr> = fc.record({
  rewrite: fc.option(
    fc.record({
      path: fc.option(
        fc.record({
          kind: fc.constantFrom("prefix" as const, "full" as const),
          value: fc.constantFrom("/", "/x", "/x%y\\"),
        }),
      ),
      hostname: fc.option(text),
    }),
  ),
  requestHeaders: fc.option(headerChanges),
  timeouts: fc.option(fc.record({ idleMs: milliseconds, requestMs: fc.option(milliseconds) })),
  retry: fc.option(
    fc.record({
      attempts: fc.integer({ min: 1, max: 10 }),
      resends: fc.option(
        fc.record({
          methods: fc.constantFrom(["GET"], ["POST", "PUT"]),
          statuses: fc.constantFrom([], [500, 503]),
          perTryMs: fc.option(milliseconds),
        }),
      ),
      grpcStatuses: fc.constant([]),
      backoffMs: fc.option(milliseconds),
    }),
  ),
  responseHeaders: fc.option(headerChanges),
});
const test = fc.constantFrom("exact" as const, "regex" as const, "present" as const, "absent" as const);
const condition: fc.Arbitrary<ConditionIr> = fc.record({
  field: fc.oneof(
    fc.record({ kind: fc.constant("method" as const) }),
    fc.record({ kind: fc.constant("header" as const), name: text }),
  ),
  test,
  value: text,
});
const anyRule: fc.Arbitrary<RuleIr> = fc.record({
  id: text,
  name: text,
  route: fc.constant("r"),
  ruleName: fc.constant(null),
  pointer: fc.constant("/rules/0"),
  protocol: fc.constant("http" as const),
  path: fc.record({ kind: fc.constantFrom("exact" as const, "regex" as const, "prefix" as const), value: text }),
  conditions: fc.array(condition, { maxLength: 3 }),
  action,
  policies,
});

type MatcherInit = MessageInitShape<typeof HeaderMatcherSchema>;
type RouteInit = MessageInitShape<typeof RouteSchema>;
/** Fields of a Route. */
interface ActionInit {
  readonly action: NonNullable<RouteInit["action"]>;
}

const NOT_EMPTY = ".+";
const regexMatch = (regex: string) =>
  ({ case: "stringMatch", value: { matchPattern: { case: "safeRegex", value: { regex } } } }) as const;

function matchersOf({ field, test, value }: ConditionIr): MatcherInit[] {
  if (field.kind !== "method" && field.kind !== "header") throw new Error("only what header matchers say");
  const name = field.kind === "method" ? ":method" : field.name;
  const present = { name, headerMatchSpecifier: regexMatch(NOT_EMPTY) };
  const exact = { case: "stringMatch", value: { matchPattern: { case: "exact", value } } } as const;
  return {
    exact: [{ name, headerMatchSpecifier: exact }],
    regex: [{ name, headerMatchSpecifier: regexMatch(value) }, present],
    present: [present],
    absent: [{ ...present, invertMatch: true, treatMissingHeaderAsEmpty: true }],
    within: [],
  }[test];
}

function matchOf({ path: { kind, value }, conditions }: RuleIr): MessageInitShape<typeof RouteMatchSchema> {
  const pathSpecifier = {
    exact: { case: "path", value } as const,
    regex: { case: "safeRegex", value: { regex: value } } as const,
    prefix: { case: value === "/" ? ("prefix" as const) : ("pathSeparatedPrefix" as const), value },
  }[kind];
  return { pathSpecifier, headers: conditions.flatMap(matchersOf) };
}

/** What `prefix_rewrite` or `regex_rewrite` becomes. */
function rewriteOf(from: string, to: string) {
  if (from === "/") return to === "/" ? null : ({ case: "prefixRewrite", value: `${to}/` } as const);
  if (to !== "/") return { case: "prefixRewrite", value: to } as const;
  const regex = `^${from.replaceAll(/[\\.+*?()|[\]{}^$]/g, "\\$&")}/?`;
  return { case: "regexRewrite", value: { pattern: { regex }, substitution: "/" } } as const;
}

function optionsOf({ set, add }: HeaderChangesIr) {
  const option = (appendAction: Append) => (setting: { name: string; value: string }) => {
    return { header: { key: setting.name, value: setting.value.replaceAll("%", "%%") }, appendAction };
  };
  return [...set.map(option(Append.OVERWRITE_IF_EXISTS_OR_ADD)), ...add.map(option(Append.APPEND_IF_EXISTS_OR_ADD))];
}

function directOf(status: number, body: string): ActionInit {
  const text = { specifier: { case: "inlineString", value: body } } as const;
  return { action: { case: "directResponse", value: body === "" ? { status } : { status, body: text } } };
}

/** Of the route for requests that are sent once; null: the virtual host's. */
function retryPolicyOf({ timeouts, retry }: PoliciesIr): MessageInitShape<typeof RetryPolicySchema> | null {
  const tryMs = timeouts !== null && timeouts.idleMs < HERE.clientSilenceMs ? timeouts.idleMs : null;
  if (retry === null && tryMs === null) return null;
  return {
    ...retryPolicy,
    ...(retry === null ? {} : { numRetries: retry.attempts }),
    ...(tryMs === null ? {} : { perTryTimeout: duration(tryMs) }),
    ...(retry === null || retry.backoffMs === null
      ? {}
      : { retryBackOff: { baseInterval: duration(retry.backoffMs) } }),
  };
}

function forwardOf({ path, action, policies }: RuleIr): ActionInit {
  const { rewrite, timeouts } = policies;
  const retries = retryPolicyOf(policies);
  if (action.kind !== "forward") throw new Error("not a forward");
  const clusters = action.split.map(({ cluster, weight }) => ({ name: cluster, weight }));
  const [first, second] = action.split;
  const change = pathChangeOf(path.value, rewrite?.path ?? null);
  const hostname = rewrite?.hostname ?? null;
  const value: MessageInitShape<typeof RouteActionSchema> = {
    clusterSpecifier:
      first !== undefined && second === undefined
        ? { case: "cluster", value: first.cluster }
        : { case: "weightedClusters", value: { clusters } },
    ...(timeouts === null
      ? {}
      : {
          timeout: duration(timeouts.requestMs ?? 0),
          idleTimeout: duration(Math.max(timeouts.idleMs, HERE.clientSilenceMs)),
        }),
    ...(retries === null ? {} : { retryPolicy: retries }),
    ...(change === null ? {} : { [change.case]: change.value }),
    ...(hostname === null ? {} : { hostRewriteSpecifier: { case: "hostRewriteLiteral", value: hostname } }),
  };
  return { action: { case: "route", value } };
}

function hasOwnRouteForTunnels({ action, policies: { timeouts } }: RuleIr): boolean {
  const isForwarded = action.kind === "forward" && action.split.length > 0;
  return isForwarded && timeouts !== null && timeouts.idleMs < HERE.clientSilenceMs;
}

function hasOwnRouteForRetries({ action, policies: { retry } }: RuleIr): boolean {
  return action.kind === "forward" && action.split.length > 0 && retry !== null && retry.resends !== null;
}

function pathChangeOf(from: string, path: RewriteIr["path"]) {
  if (path === null || path.kind === "prefix") return path === null ? null : rewriteOf(from, path.value);
  const value = { pattern: { regex: "^/.*$" }, substitution: path.value.replaceAll("\\", "\\\\") };
  return { case: "regexRewrite", value } as const;
}

const CODES = {
  301: Code.MOVED_PERMANENTLY,
  302: Code.FOUND,
  303: Code.SEE_OTHER,
  307: Code.TEMPORARY_REDIRECT,
  308: Code.PERMANENT_REDIRECT,
} as const;

function redirectOf({ path: { value: from }, action }: RuleIr): ActionInit {
  if (action.kind !== "redirect") throw new Error("not a redirect");
  const { scheme, hostname, path, status } = action;
  const port = action.port === "listener" ? HERE.port : action.port;
  const change = path?.kind === "prefix" ? rewriteOf(from, path.value) : null;
  const value = {
    hostRedirect: hostname ?? HERE.hostname,
    portRedirect: port === (scheme === "https" ? 443 : 80) ? 0 : (port ?? 0),
    responseCode: CODES[status],
    ...(scheme === null ? {} : { schemeRewriteSpecifier: { case: "schemeRedirect", value: scheme } as const }),
    ...(path?.kind === "full" ? { pathRewriteSpecifier: { case: "pathRedirect", value: path.value } as const } : {}),
    ...(change === null ? {} : { pathRewriteSpecifier: change }),
  };
  return { action: { case: "redirect", value } };
}

/** The rule's one route on an exact host, in the words of protobuf-es. */
function messageOf(one: RuleIr): RouteInit {
  const { action, policies } = one;
  const isForwarded = action.kind === "forward" && action.split.length > 0;
  const none = { set: [], add: [], remove: [] };
  const [request, response] = [
    (isForwarded ? policies.requestHeaders : null) ?? none,
    policies.responseHeaders ?? none,
  ];
  const own = { ...none, set: [] as { name: string; value: string }[], remove: [] as string[] };
  const isSentOnce = hasOwnRouteForTunnels(one) || hasOwnRouteForRetries(one);
  let done: ActionInit;
  if (action.kind === "redirect") done = redirectOf(one);
  else if (action.kind === "forward") done = isForwarded ? forwardOf(one) : directOf(503, "503 Service Unavailable\n");
  else {
    const { status, body, contentType } = action;
    done = directOf(status, status === 204 || status === 304 ? "" : body);
    if (body !== "") own.set.push({ name: "content-type", value: contentType });
    if (status === 201 || (status >= 300 && status < 400)) own.remove.push("location");
  }
  return {
    name: one.name,
    match: matchOf(one),
    ...done,
    requestHeadersToAdd: optionsOf(request),
    requestHeadersToRemove: [...request.remove, ...(isSentOnce ? [RETRY_ON_HEADER] : [])],
    responseHeadersToAdd: [...optionsOf(own), ...optionsOf(response)],
    responseHeadersToRemove: [...own.remove, ...response.remove],
  };
}

describe("writeRule", () => {
  it("writes what protobuf-es writes, but for the order of fields", () => {
    fc.assert(
      fc.property(anyRule, (one) => {
        const expected = toBinary(RouteSchema, create(RouteSchema, messageOf(one)));
        const routes = routesOf(one);
        expect(routes).toHaveLength(1 + Number(hasOwnRouteForTunnels(one)) + Number(hasOwnRouteForRetries(one)));
        expect(Buffer.from(toBinary(RouteSchema, routes.at(-1) as Route)).equals(expected)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
  it("writes parts only of a RouteAction more than once", () => {
    const policies = { rewrite: { path: { kind: "prefix", value: "/x" } as const, hostname: null } };
    const bytes = bytesOf(rule("r.0.0", { path: "/p", action: forward("a"), policies }));
    const whole = toBinary(VirtualHostSchema, fromBinary(VirtualHostSchema, bytes));
    // Tag and length of two parts more: the rewrite's and the timeouts'.
    expect(bytes.length - whole.length).toBe(4);
  });
  it("has the guards as fields of a virtual host", () => {
    expect(fromBinary(VirtualHostSchema, guardBytes.plain.all).routes.map(({ name }) => name)).toEqual([
      "bad-path",
      "bad-host",
      "unknown-method",
      "trace",
    ]);
  });
  it("writes a forward", () => {
    const one = rule("r.0.0", {
      path: "/",
      conditions: [method("GET")],
      action: forward("a"),
      policies: { timeouts: { idleMs: 60_000, requestMs: 1500 } },
    });
    expect(jsonOf(one)).toEqual([
      {
        name: "r/0",
        match: { prefix: "/", headers: [{ name: ":method", stringMatch: { exact: "GET" } }] },
        route: { cluster: "a", timeout: "1.500s", idleTimeout: "60s" },
      },
    ]);
  });
  it("gives requests that are sent again a route of their own", () => {
    const resends = { methods: ["GET", "PUT"], statuses: [502, 503], perTryMs: 1500 };
    const policies = { retry: { attempts: 4, resends, grpcStatuses: [], backoffMs: 2000 } };
    const [again, once] = jsonOf(rule("r.0.0", { path: "/", action: forward("a"), policies })) as Record<
      string,
      never
    >[];
    const absent = { stringMatch: { safeRegex: { regex: ".+" } }, invertMatch: true, treatMissingHeaderAsEmpty: true };
    expect(again?.match).toEqual({
      prefix: "/",
      headers: [
        { name: ":method", stringMatch: { safeRegex: { regex: "GET|PUT" } } },
        { name: "upgrade", ...absent, stringMatch: { safeRegex: { regex: "(?i)websocket" } } },
        { name: "x-trimtab-coding", ...absent },
        {
          name: "content-length",
          stringMatch: { safeRegex: { regex: RESENT_LENGTHS } },
          treatMissingHeaderAsEmpty: true,
        },
      ],
    });
    expect(again?.route).toMatchObject({
      retryPolicy: {
        retryOn: "connect-failure,reset,retriable-status-codes",
        numRetries: 4,
        retriableStatusCodes: [502, 503],
        perTryTimeout: "1.500s",
        retryBackOff: { baseInterval: "2s" },
      },
    });
    expect(once).toMatchObject({ match: { prefix: "/" }, requestHeadersToRemove: [RETRY_ON_HEADER] });
    expect(once?.route).toMatchObject({ retryPolicy: { retryOn: "connect-failure", numRetries: 4 } });
  });
  it("knows a body that is sent again by its length", () => {
    const isShort = (length: string): boolean => new RegExp(`^(?:${RESENT_LENGTHS})$`).test(length);
    expect(["", "0", "999", "9999", "10000", "15999", "16299", "16379", String(RESENT_BODY_BYTES)].every(isShort)).toBe(
      true,
    );
    expect([String(RESENT_BODY_BYTES + 1), "16390", "17000", "20000", "100000", "-1", "1e3"].some(isShort)).toBe(false);
  });
  it("gives WebSockets a route of their own where the endpoint may be silent for less long than a client", () => {
    const one = rule("r.0.0", {
      path: "/",
      action: forward("a"),
      policies: { timeouts: { idleMs: 5000, requestMs: null } },
    });
    const asksForOne = { name: "upgrade", stringMatch: { safeRegex: { regex: "(?i)websocket" } } };
    expect(jsonOf(one)).toEqual([
      {
        name: "r/0",
        match: { prefix: "/", headers: [asksForOne] },
        route: { cluster: "a", timeout: "0s", idleTimeout: "5s" },
      },
      {
        name: "r/0",
        match: { prefix: "/" },
        route: {
          cluster: "a",
          timeout: "0s",
          idleTimeout: "60s",
          retryPolicy: { ...tries, perTryTimeout: "5s" },
        },
        requestHeadersToRemove: [RETRY_ON_HEADER],
      },
    ]);
    expect(jsonOf(one, { ...HERE, clientSilenceMs: 5000 })).toHaveLength(1);
  });
  it("writes no timeout as zero, which is not Envoy's default", () => {
    expect(jsonOf(rule("r.0.0", { path: "/", action: forward("a") }))).toMatchObject([{ route: { timeout: "0s" } }]);
  });
  it("doubles percent signs in header values only", () => {
    const setting = changes({ set: [{ name: "x", value: "1%" }] });
    const one = rule("r.0.0", {
      path: "/p%25",
      action: forward("a"),
      policies: {
        rewrite: { path: { kind: "prefix", value: "/q%25" }, hostname: null },
        requestHeaders: setting,
        responseHeaders: setting,
      },
    });
    expect(jsonOf(one)).toMatchObject([
      {
        match: { pathSeparatedPrefix: "/p%25" },
        route: { prefixRewrite: "/q%25" },
        requestHeadersToAdd: [{ header: { key: "x", value: "1%%" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" }],
        responseHeadersToAdd: [{ header: { key: "x", value: "1%%" } }],
      },
    ]);
  });
});

describe("redirects and answers", () => {
  const toHttps = rule("r.0.0", {
    path: "/",
    action: { kind: "redirect", scheme: "https", hostname: null, port: null, path: null, status: 301 },
  });
  it("names the host of an exact virtual host in a redirect", () => {
    expect(jsonOf(toHttps)).toMatchObject([{ redirect: { schemeRedirect: "https", hostRedirect: "a.example.com" } }]);
  });
  it("tells Hosts with and without port apart under a wildcard", () => {
    const [plain, withPort] = jsonOf(toHttps, { ...HERE, hostname: "*.example.com" });
    expect(plain).toMatchObject({
      match: { headers: [{ name: ":authority" }] },
      redirect: { schemeRedirect: "https" },
    });
    expect(withPort).toMatchObject({ match: { prefix: "/" }, redirect: { portRedirect: 443 } });
  });
  it("writes no default port", () => {
    const action = {
      kind: "redirect",
      scheme: null,
      hostname: null,
      port: "listener",
      path: null,
      status: 302,
    } as const;
    const one = rule("r.0.0", { path: "/", action });
    expect(jsonOf(one, { ...HERE, port: 80 })).toMatchObject([{ redirect: { hostRedirect: "a.example.com" } }]);
    expect(JSON.stringify(jsonOf(one, { ...HERE, port: 80 }))).not.toContain("portRedirect");
    expect(jsonOf(one)).toMatchObject([{ redirect: { portRedirect: 8080 } }]);
  });
  it("gives 204 no body", () => {
    const one = rule("r.0.0", {
      path: "/",
      action: { kind: "respond", status: 204, body: "x", contentType: "text/plain" },
    });
    expect(jsonOf(one)).toMatchObject([{ directResponse: { status: 204 } }]);
    expect(JSON.stringify(jsonOf(one))).not.toContain("inlineString");
  });
});
