import { fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RouteSchema, VirtualHostSchema } from "../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import type { ActionIr, RuleIr } from "../../ir/index.ts";
import { guardBytes } from "./guards.ts";
import { lowerRule } from "./lower.ts";
import { writeRoute } from "./routeWire.ts";
import { forward, rule } from "./testing.ts";
import { createWriter, takeBytes } from "./wire.ts";

const HERE = { hostname: "a.example.com", port: 8080 };

/** Our bytes, read and written again by protobuf-es; both as routes of a virtual host. */
function bothEncodings(rules: readonly RuleIr[], context = HERE): [Buffer, Buffer] {
  const writer = createWriter();
  for (const one of rules) for (const route of lowerRule(one, context)) writeRoute(writer, route);
  const ours = takeBytes(writer);
  return [Buffer.from(ours), Buffer.from(toBinary(VirtualHostSchema, fromBinary(VirtualHostSchema, ours)))];
}

function jsonOf(one: RuleIr, context = HERE): unknown[] {
  const writer = createWriter();
  for (const route of lowerRule(one, context)) writeRoute(writer, route);
  return fromBinary(VirtualHostSchema, takeBytes(writer)).routes.map((route) => toJson(RouteSchema, route));
}

const text = fc.string({ unit: "binary", maxLength: 200 });
const headers = fc.array(fc.record({ name: text, value: text }), { maxLength: 3 });
const changes = fc.record({ set: headers, add: headers, remove: fc.array(text, { maxLength: 3 }) });
const split = fc.array(fc.record({ cluster: text, weight: fc.integer({ min: 1, max: 1000 }) }), { maxLength: 3 });
const milliseconds = fc.integer({ min: 1, max: 86_400_000 });
const action: fc.Arbitrary<ActionIr> = fc.oneof(
  fc.record({
    kind: fc.constant("forward" as const),
    split,
    rewritePrefix: fc.option(fc.constantFrom("/", "/x", "/x%y\\")),
    requestHeaders: changes,
    idleTimeoutMs: milliseconds,
    requestTimeoutMs: fc.option(milliseconds),
  }),
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
const anyRule: fc.Arbitrary<RuleIr> = fc.record({
  id: text,
  route: fc.constant("r"),
  ruleName: fc.constant(null),
  pointer: fc.constant("/rules/0"),
  path: fc.record({ kind: fc.constantFrom("exact" as const, "regex" as const, "prefix" as const), value: text }),
  method: fc.option(fc.constantFrom("GET", "POST")),
  headers: fc.array(
    fc.record({
      name: text,
      kind: fc.constantFrom("exact" as const, "regex" as const, "present" as const, "absent" as const),
      value: text,
    }),
    { maxLength: 3 },
  ),
  action,
  responseHeaders: changes,
});

/** Names are never empty in the model; protobuf leaves an empty string out, we write it. */
const holdsEmptyText = (one: RuleIr) =>
  /"(?:name|value|cluster|hostname|id|contentType)":""|\[""|"",|,""/.test(JSON.stringify(one));

describe("writeRoute", () => {
  it("writes the very bytes of protobuf-es", () => {
    fc.assert(
      fc.property(anyRule, (one) => {
        fc.pre(!holdsEmptyText(one));
        const [ours, theirs] = bothEncodings([one]);
        expect(ours.equals(theirs)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
  it("writes the guards so too", () => {
    const theirs = toBinary(VirtualHostSchema, fromBinary(VirtualHostSchema, guardBytes));
    expect(Buffer.from(guardBytes).equals(Buffer.from(theirs))).toBe(true);
    expect(fromBinary(VirtualHostSchema, guardBytes).routes.map(({ name }) => name)).toEqual([
      "bad-path",
      "bad-host",
      "trace",
    ]);
  });
  it("writes a forward", () => {
    const one = rule("r.0.0", { path: "/", method: "GET", action: forward("a", { requestTimeoutMs: 1500 }) });
    expect(jsonOf(one)).toEqual([
      {
        name: "r.0.0",
        match: { prefix: "/", headers: [{ name: ":method", stringMatch: { exact: "GET" } }] },
        route: { cluster: "a", timeout: "1.500s", idleTimeout: "60s" },
      },
    ]);
  });
  it("writes no timeout as zero, which is not Envoy's default", () => {
    expect(jsonOf(rule("r.0.0", { path: "/", action: forward("a") }))).toMatchObject([{ route: { timeout: "0s" } }]);
  });
  it("doubles percent signs in header values only", () => {
    const setting = { set: [{ name: "x", value: "1%" }], add: [], remove: [] };
    const one = rule("r.0.0", {
      path: "/p%25",
      action: forward("a", { requestHeaders: setting, rewritePrefix: "/q%25" }),
      responseHeaders: setting,
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

describe("lowerRule", () => {
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
