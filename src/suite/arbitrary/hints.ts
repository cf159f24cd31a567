/**
 * What a schema cannot say of a field's values: what the model's rules or some proxy refuse, and few values, so that rules meet
 * each other. A field without a hint gets whatever its schema allows.
 */
import fc from "fast-check";
import {
  AUTHORITY,
  CHAINS_OF_ONE_KEY,
  FORMS_OF_ONE_KEY,
  LATER_REVOCATIONS,
  OTHER_AUTHORITY,
  REVOCATIONS,
} from "./certificates.ts";
import * as values from "./values.ts";

export interface Hint {
  /** Why the schema does not do. */
  readonly reason: string;
  /** In place of what the schema allows. */
  readonly value?: fc.Arbitrary<unknown>;
  /** How often in a hundred an optional field is there. */
  readonly presence?: number;
  /** Of a list: at most so many. */
  readonly most?: number;
  /** Of a branch of a oneOf: its share; others have 1. */
  readonly weight?: number;
  /** The field beside it with which an edit swaps its value: no other edit of it is valid. */
  readonly swappedWith?: string;
}

const NO_EFFECT = "text for people: rarely there, for other fields have more to show";
const MEET = "few values, so that rules compete and references meet";

const RULE_NAMES = ["first", "main", "0"];

/** By place, as in `gen/leafPaths.ts`; also objects and lists, and elements of lists (`[]`). They win over `valueHints`. */
export const placeHints: Readonly<Record<string, Hint>> = {
  "fleet.version": {
    reason: "versions between which some proxy's output or verdict differs; never drawn, for only one is installed",
    value: fc.constantFrom("1.20", "1.22", "1.24", "1.31", "2.4", "2.6", "2.8", "3.1"),
    presence: 0,
  },
  "fleet.bindAddress": { reason: "addresses that meet in several spellings", value: values.bindAddress },
  "fleet.healthChecks": {
    reason: "nginx alone takes it, and without an agent serves all endpoints",
    value: fc.constantFrom("agent", "agent", "agent", "external"),
    presence: 70,
  },
  "fleet.accessLog": { reason: "what is written down changes no answer", presence: 25 },
  "fleet.accessLog.path": {
    reason: "files that the proxies of tests may make; HAProxy refuses any",
    value: fc.constantFrom("/dev/stdout", "/tmp/trimtab-fuzz.log"),
    presence: 30,
  },
  "fleet.process": { reason: "no single answer shows it", presence: 15 },
  "fleet.process.cpuAffinity": {
    reason: "as many CPUs as workers; Envoy knows no auto",
    value: fc.constantFrom("auto", "0", "0-1"),
    presence: 15,
  },
  "fleet.process.openFiles": { reason: "what test machines allow", value: fc.constantFrom(8192, 16_384), presence: 20 },
  "fleet.process.maxConnections": {
    reason: "nginx divides it by its workers",
    value: fc.constantFrom(2000, 3000),
    presence: 20,
  },
  "fleet.process.bufferSize": { reason: "within bounds", value: fc.constantFrom("64KiB", "1MiB"), presence: 20 },
  "fleet.process.reusePort": { reason: "Envoy refuses false", presence: 20 },
  "fleet.process.tcpKeepalive": { reason: "no answer shows it", presence: 30 },
  "fleet.process.tcpKeepalive.idle": { reason: "whole seconds", value: fc.constantFrom("30s", "60s", "2m") },
  "fleet.process.tcpKeepalive.interval": { reason: "whole seconds", value: fc.constantFrom("5s", "10s", "20s") },
  "fleet.process.workers": { reason: "what small machines have", value: fc.constantFrom(1, 2, 3) },
  "fleet.process.shutdownGrace": {
    reason: "whole seconds within bounds",
    value: fc.constantFrom("1s", "30s", "60s", "1m30s", "1h"),
  },
  "fleet.xds": { reason: "no proxy is told of it, and those of files refuse it", presence: 10 },
  "fleet.xds.allow": { reason: "as many as make a difference", most: 3 },
  "listener.address": { reason: "addresses that meet in several spellings", value: values.bindAddress, presence: 50 },
  "listener.port": {
    reason: "few ports, so that listeners share and clash",
    value: fc.constantFrom(18080, 18081, 19000),
  },
  "listener.connectionLimit": { reason: "as many connections as a test may have", presence: 10 },
  "listener.connectionLimit.max": { reason: "more than a test has", value: fc.constantFrom(1000, 2000) },
  "listener.connectionLimit.perSource": {
    reason: "Envoy refuses it",
    value: fc.constantFrom(1000, 2000),
    presence: 30,
  },
  "listener.proxyProtocol": { reason: "every client sends a header then", presence: 10 },
  "listener.proxyProtocol.mode": {
    reason: "nginx takes one only, HAProxy the other one with `from` only",
    value: fc.constantFrom("required", "required", "required", "optional"),
  },
  "listener.proxyProtocol.from": { reason: "as many as make a difference", most: 2 },
  "listener.proxyProtocol.from[]": {
    reason: "ranges of either family",
    value: fc.constantFrom("127.0.0.0/8", "10.0.0.1", "2001:db8::/32"),
  },
  "listener.http.http2": {
    reason: "never drawn: the client of the fuzz speaks HTTP/1.1, and nginx refuses true",
    value: fc.constantFrom(true, false, "only"),
    presence: 0,
  },
  "listener.http.http3": {
    reason: "of HTTPS, on Envoy (mendHttp3.ts)",
    value: fc.constantFrom(true, true, true, false),
    presence: 90,
  },
  "listener.http.http3Port": { reason: "beside http3 only (mendHttp3.ts)", presence: 60 },
  "listener.http.viaGuard": { reason: "most requests come once", value: fc.boolean(), presence: 20 },
  "listener.http.redirectToHttps": { reason: "it leaves hardly anything of the routes", presence: 8 },
  "certificate.chain": { reason: "real ones, that the key fits", value: fc.constantFrom(...CHAINS_OF_ONE_KEY) },
  "certificate.privateKey": { reason: "one key in several forms", value: fc.constantFrom(...FORMS_OF_ONE_KEY) },
  "authority.bundle": { reason: "real ones", value: fc.constantFrom(AUTHORITY, OTHER_AUTHORITY) },
  "authority.crl": { reason: "real ones", value: fc.constantFrom(REVOCATIONS, LATER_REVOCATIONS), presence: 30 },
  "listener.tls": { reason: "fitted to the protocol (mendTls.ts)", presence: 100 },
  "listener.tls.mode": { reason: "HTTPS has one (mendTls.ts)", presence: 40 },
  "listener.tls.certificates": { reason: "HTTPS listeners must have some", presence: 100, most: 3 },
  "listener.tls.alpn": { reason: "taken away from HTTPS (mendTls.ts)", most: 2, presence: 40 },
  "listener.tls.alpn[]": { reason: "names of protocols", value: fc.constantFrom("mqtt", "http/1.1", "x-own") },
  "listener.tls.clientAuthentication": { reason: "most listeners ask nothing of clients", presence: 30 },
  "listener.tls.clientAuthentication.mode": {
    reason: "nginx refuses report",
    value: fc.constantFrom("require", "optional", "require", "optional", "report"),
  },
  "listener.tls.clientAuthentication.authorities": { reason: "fitted to each other (mendTls.ts)", most: 2 },
  "cluster.tls": { reason: "fitted to who reaches the cluster (mendClusterTls.ts)", presence: 30 },
  "cluster.tls.serverName": {
    reason: "names that are no addresses",
    value: fc.constantFrom("a.example.com", "up.example"),
    presence: 90,
  },
  "cluster.tls.subjectAltNames": { reason: "in place of a server name; all proxies take one", presence: 30, most: 1 },
  "cluster.tls.subjectAltNames[]": { reason: "DNS names", value: fc.constantFrom("a.example.com", "Up.example") },
  "cluster.tls.insecure": {
    reason: "what is true is warned of, and cut out of models",
    value: fc.constantFrom(false, false, false, true),
    presence: 90,
  },
  "listener.protocol": { reason: "most routes are of HTTP", value: fc.constantFrom("HTTP", "HTTP", "TCP") },
  "route.listeners": {
    reason: "what a route's listeners have in common is their protocol; nearly all ask for the common port",
    value: fc.constantFrom(["web"], ["web", "narrow"], ["web", "x0"], ["web", "x1", "x2"], ["web", "secure"]),
  },
  "route.protocol": {
    reason: "belongs to the listeners: TCP is in the skeleton",
    value: fc.constant("http"),
    presence: 10,
  },
  "route.rules": { reason: MEET, most: 4 },
  "route.rules[].name": { reason: "unique in its route", value: fc.constantFrom(...RULE_NAMES), presence: 25 },
  "route.rules[].split": { reason: "of a forwarded request there is most to see", weight: 3 },
  "route.rules[].split[].cluster": {
    reason: MEET,
    value: fc.constantFrom("one", "two", "one", "two", "one", "two", "three", "empty"),
  },
  "route.rules[].matches[].path.prefix": {
    reason: "what the others are measured against",
    value: values.path,
    weight: 2,
  },
  "route.rules[].matches[].path.regex": { reason: "expressions that all proxies take, on paths", value: values.regex },
  "route.rules[].matches[].grpc": { reason: "taken away in other routes (mendGrpc.ts)", presence: 70 },
  "route.rules[].matches[].grpc.service": { reason: MEET, value: fc.constantFrom("a.v1.B", "a.v2.B") },
  "route.rules[].matches[].grpc.serviceRegex": { reason: "most are names", presence: 30 },
  "route.rules[].matches[].grpc.method": { reason: MEET, value: fc.constantFrom("Get", "Set") },
  "route.rules[].matches[].grpc.methodRegex": { reason: "most are names", presence: 30 },
  "route.rules[].retry.grpcStatuses": {
    reason: "nginx and HAProxy refuse it; taken away in other routes",
    presence: 70,
  },
  "route.rules[].matches[].headers[].name": { reason: "names that may be matched", value: values.matchedName },
  "route.rules[].matches[].query[].name": { reason: MEET, value: fc.constantFrom("v", "V", "w.x", "a-b~") },
  "route.rules[].matches[].query[].exact": { reason: MEET, value: values.queryValue },
  "route.rules[].matches[].query": { reason: "as many as make a difference", most: 2, presence: 25 },
  "route.rules[].matches[].cookies[].name": { reason: MEET, value: fc.constantFrom("c", "C", "s.id", "a-b_c") },
  "route.rules[].matches[].cookies[].exact": { reason: MEET, value: values.cookieValue },
  "route.rules[].matches[].cookies": { reason: "as many as make a difference", most: 2, presence: 25 },
  "route.rules[].matches[].source": { reason: "as many as make a difference", most: 3, presence: 20 },
  "route.rules[].matches[].source[]": {
    reason: "ranges of which clients on loopback can come, and others",
    value: fc.constantFrom("127.0.0.2", "127.0.0.0/30", "127.0.4.0/22", "127.0.0.0/8", "10.0.0.0/8", "2001:db8::/32"),
  },
  "route.rules[].matches[].geo": { reason: "as many as make a difference", presence: 20 },
  "route.rules[].matches[].geo.labels": { reason: "as many as make a difference", most: 2 },
  "route.rules[].matches[].geo.labels[]": { reason: MEET, value: fc.constantFrom("near", "far.off") },
  "geoTable.entries": { reason: "as many as make a difference, both labels among them", value: values.geoEntries },
  "geoTable.entries[].cidr": { reason: "as the list's", value: fc.constantFrom(...values.GEO_RANGES) },
  "geoTable.entries[].label": { reason: MEET, value: fc.constantFrom("near", "far.off") },
  "geoTable.defaultLabel": {
    reason: "a label that rules ask for",
    value: fc.constantFrom("near", "far.off", "x"),
    presence: 30,
  },
  "route.rules[].redirect.hostname": { reason: MEET, value: fc.constantFrom("new.example.net", "n") },
  "route.rules[].redirect.port": { reason: "default ports are not written", value: fc.constantFrom(80, 443, 8443) },
  "route.rules[].respond.status": {
    reason: "redirects have another field, and two mean something to nginx",
    value: fc.constantFrom(200, 201, 204, 205, 304, 404, 418, 502, 503, 599),
  },
  "route.rules[].respond.body": { reason: "text that tries to break out", value: values.bodyText },
  "route.rules[].respond.contentType": { reason: "types as they are", value: values.contentType },
  "route.rules[].requestHeaders.set[].name": changes("X-Set", "X-Set2"),
  "route.rules[].requestHeaders.add[].name": changes("X-Add", "x-add2"),
  "route.rules[].requestHeaders.remove[]": changes("X-Gone", "X-Gone2"),
  "route.rules[].responseHeaders.set[].name": changes("X-Set", "X-Set2"),
  "route.rules[].responseHeaders.add[].name": changes("X-Add", "x-add2"),
  "route.rules[].responseHeaders.remove[]": changes("X-Gone", "X-Gone2"),
  "route.rules[].retry": { reason: "what is tried again is seen where endpoints fail", presence: 25 },
  "route.rules[].retry.on": {
    reason: "all but a reset need one",
    value: fc.constantFrom(
      ["connectFailure"],
      ["reset"],
      ["connectFailure", "reset"],
      ["reset", "connectFailure"],
      ["connectFailure", "reset", "timeout"],
    ),
  },
  "route.rules[].retry.statuses": {
    reason: "those that every proxy knows",
    value: fc.constantFrom(["503"], ["502-504"], ["500", "404"]),
  },
  "route.rules[].retry.methods": {
    reason: "as many as make a difference",
    value: fc.constantFrom(["GET"], ["GET", "POST"], ["DELETE", "GET", "HEAD", "OPTIONS", "PUT"]),
  },
  "cluster.endpoints": { reason: "as many as make a difference", most: 4 },
  "cluster.endpoints[].zone": {
    reason: "zones that have a weight, and are labels of clients",
    value: fc.constantFrom("near", "far.off"),
    presence: 100,
  },
  "cluster.locality": { reason: "zones have effect through it alone", presence: 60 },
  "cluster.locality.weights": {
    reason: "the zones of endpoints",
    value: fc.record({ near: fc.integer({ min: 0, max: 4 }), "far.off": fc.integer({ min: 1, max: 1000 }) }),
  },
  "cluster.locality.preferLocal": { reason: "taken away where it cannot be (mendPreferLocal.ts)", presence: 40 },
  "cluster.endpoints[].priority": {
    reason: "the levels that every proxy has",
    value: fc.constantFrom(0, 1),
    presence: 20,
  },
  "cluster.endpoints[].state": { reason: "most endpoints serve", presence: 20 },
  "cluster.outlierDetection": { reason: "no answer of one that serves shows it", presence: 25 },
  "cluster.outlierDetection.interval": { reason: "within bounds", value: fc.constantFrom("100ms", "1s", "1h") },
  "cluster.outlierDetection.ejectFor": {
    reason: "whole seconds within bounds",
    value: fc.constantFrom("1s", "10s", "1m30s", "1h"),
  },
  "cluster.outlierDetection.consecutive5xx": { reason: "nginx refuses it", presence: 15 },
  "cluster.outlierDetection.maxEjectedPercent": { reason: "Envoy alone takes it", presence: 15 },
  "cluster.slowStart": { reason: "nginx refuses it, and no answer shows it", presence: 10 },
  "cluster.slowStart.window": { reason: "whole seconds within bounds", value: fc.constantFrom("1s", "30s", "1h") },
  "cluster.protocol": { reason: "installed versions of nginx refuse it, and most endpoints speak HTTP/1", presence: 5 },
  "cluster.drainTimeout": {
    reason: "Envoy refuses it; longer than any grace",
    value: fc.constantFrom("1h", "2h", "24h"),
    presence: 10,
  },
  "cluster.pool": { reason: "no single answer shows it", presence: 20 },
  "cluster.pool.maxRequestsPerConnection": { reason: "HAProxy refuses it", presence: 15 },
  "cluster.balance.policy": {
    reason: "leastTime is of versions that are not installed; of hashing there is most to see",
    value: fc.constantFrom("roundRobin", "leastRequest", "powerOfTwo", "random", "hash", "hash"),
  },
  "cluster.balance.hash": { reason: "goes with policy hash: taken away elsewhere (mendBalance.ts)", presence: 100 },
  "cluster.balance.hash.name": {
    reason: "names that headers, cookies and parameters can have",
    value: fc.constantFrom("k", "X-Set"),
  },
  "cluster.balance.hash.boundedLoad": { reason: "nginx has none", presence: 15 },
  "cluster.affinity": { reason: "not where rules change the fields it travels in (mendAffinity.ts)", presence: 25 },
  "cluster.affinity.cookie.name": { reason: "none that rules look at", value: fc.constantFrom("SRV", "srv-2", "K_3") },
  "cluster.proxyProtocol": { reason: "nginx refuses it of requests (mendProxyProtocol.ts)", presence: 10 },
  "cluster.limits": { reason: "more than a test has; fitted to each other (mendLimits.ts)", presence: 40 },
  "cluster.limits.maxConnectionsPerEndpoint": largeLimit(60),
  "cluster.limits.maxConnections": largeLimit(50),
  "cluster.limits.maxRequests": largeLimit(50),
  "cluster.limits.maxPending": { ...largeLimit(50), reason: "nginx has no queue" },
  "cluster.limits.queueTimeout": { reason: "goes with a queue", presence: 80 },
  "healthCheck.http.host": { reason: "no other field is its like", value: fc.constantFrom("up.example.com", "h") },
  "healthCheck.initial": { reason: "no answer of one that serves shows it", presence: 20 },
  "healthCheck.http.body.regex": {
    reason: "Envoy refuses it, and HAProxy some; most bodies are searched for text",
    value: fc.constantFrom("up", "a+b", "it's (?:up|ok)"),
    weight: 0.2,
  },
  "healthCheck.http.expectedStatus[]": {
    reason: "a range runs upwards",
    value: fc.constantFrom("200", "204", "200-299", "300-399", "418"),
  },
  "canary.stable": { reason: "the two clusters of the rule are its and the canary's", swappedWith: "canary" },
  "canary.canary": { reason: "the two clusters of the rule are its and the stable one's", swappedWith: "stable" },
  "canary.rule": {
    reason: "fitted to the rules that there are (mend.ts)",
    value: fc.oneof(fc.nat(2), fc.constantFrom(...RULE_NAMES)),
  },
};

/** By the name of a shared value (`schemas/values.schema.json`). */
export const valueHints: Readonly<Record<string, Hint>> = {
  name: { reason: "few names, some of them digits", value: fc.constantFrom("a", "b", "0", "a-b", "x".repeat(63)) },
  labels: { reason: NO_EFFECT, presence: 5 },
  description: { reason: NO_EFFECT, presence: 5 },
  clientIdentity: {
    reason: "its forms",
    value: fc.constantFrom(
      "spiffe://td/envoy",
      "spiffe://td/*/envoy",
      "spiffe://td/**",
      "e.example.org",
      "*.example.org",
    ),
  },
  ipAddress: { reason: "spellings of one address, and those that proxies cannot use", value: values.address },
  port: {
    reason: "the limits, and what is usual",
    value: fc.oneof(fc.constantFrom(1, 8080, 65535), fc.integer({ min: 1, max: 65535 })),
  },
  hostname: { reason: MEET, value: values.hostname },
  exactHostname: { reason: MEET, value: fc.constantFrom("a.example.com", "b.example.com") },
  duration: { reason: "its units", value: values.duration },
  path: { reason: "paths that the path policy takes", value: values.path },
  regex: { reason: "expressions of the dialect that PCRE2 takes in linear time", value: values.valueRegex },
  headerName: { reason: "no proxy's own", value: values.changedName("X-Set", "X-Add", "X-Gone") },
  headerValue: { reason: "text that tries to break out", value: values.headerValue },
};

function largeLimit(presence: number): Hint {
  return { reason: "more than a test has", value: fc.constantFrom(1000, 2000, 3000), presence };
}

function changes(...own: string[]): Hint {
  return { reason: "names that may be changed, each in one list", value: values.changedName(...own) };
}

const NO_HINT: Partial<Hint> = {};

/** What is known of a place. */
export function hintOf(site: {
  readonly path: string;
  readonly schema: { readonly "x-value"?: string };
}): Partial<Hint> {
  const ofValue = valueHints[site.schema["x-value"] ?? ""] ?? NO_HINT;
  // A reference takes the names that there are, whatever its value's type.
  const usable = "x-ref" in site.schema ? NO_HINT : ofValue;
  return { ...usable, ...placeHints[site.path] };
}
