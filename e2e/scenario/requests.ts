/**
 * The requests of the scenario and what every proxy must answer. One table, no proxy named: a difference between proxies
 * is a failure. `port` stands for the HTTP port of the run.
 */
import type { RawRequest } from "../harness/rawHttp.ts";

export interface Expected {
  readonly status: number;
  /** The upstream that must have taken the request; absent: none may. */
  readonly upstream?: string;
  /** The request target as the upstream received it; default: as sent. */
  readonly path?: string;
  /** Request fields as the upstream received them, as lists; an empty list: the field is not there. */
  readonly received?: Readonly<Record<string, readonly string[]>>;
  /** Response fields, as lists; an empty list: the field is not there. */
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  readonly location?: (port: number) => string;
  readonly body?: string;
}

export interface Row {
  readonly name: string;
  readonly request: RawRequest;
  readonly expected: Expected;
}

/** A row but its name and request target: what else is sent, and what must come back (status 200 unless told). */
interface Rest extends Partial<Expected> {
  readonly host?: string;
  readonly method?: string;
  readonly fields?: readonly (readonly [string, string])[];
  readonly httpVersion?: "1.0";
}

function row(name: string, target: string, rest: Rest): Row {
  const { host = "a.example.com", method, fields, httpVersion, status = 200, ...expected } = rest;
  return {
    name,
    request: { path: target, host, method, headers: fields, httpVersion },
    expected: { status, ...expected },
  };
}

/** Without a Host field. */
function withoutHost(entry: Row): Row {
  const { host: _host, ...request } = entry.request;
  return { ...entry, request };
}

const notFound = { body: "404 Not Found\n" };
const unavailable = { body: "503 Service Unavailable\n" };

const hosts: Row[] = [
  row("exact host", "/", { upstream: "echo-a" }),
  row("Host with port", "/", {
    upstream: "echo-a",
    host: "a.example.com:1234",
    received: { host: ["a.example.com:1234"] },
  }),
  row("Host in upper case, forwarded as sent", "/", {
    upstream: "echo-a",
    host: "A.Example.COM",
    received: { host: ["A.Example.COM"] },
  }),
  row("Host with trailing dot, forwarded as sent", "/", {
    upstream: "echo-a",
    host: "a.example.com.",
    received: { host: ["a.example.com."] },
  }),
  row("wildcard host", "/any", { upstream: "echo-e", host: "b.example.com" }),
  row("wildcard host, several labels", "/any", { upstream: "echo-e", host: "x.y.example.com" }),
  row("longer wildcard wins", "/any", { upstream: "echo-d", host: "x.deep.example.com" }),
  row("the longer wildcard's apex belongs to the shorter", "/any", { upstream: "echo-e", host: "deep.example.com" }),
  row("wildcard does not take its apex", "/", { status: 404, host: "example.com", ...notFound }),
  row("unknown host", "/", { status: 404, host: "unknown.example.net", ...notFound }),
  row("unknown path of an exact host does not fall to the wildcard", "/only-wild", {
    status: 404,
    host: "narrow.example.com",
    ...notFound,
  }),
  row("the narrow host's one path", "/here", { upstream: "echo-a", host: "narrow.example.com" }),
  row("the wildcard's exact path", "/only-wild", { upstream: "echo-d", host: "z.example.com" }),
];

const paths: Row[] = [
  row("exact beats prefix", "/foo", { upstream: "echo-c" }),
  row("prefix with rewrite", "/foo/x", { upstream: "echo-b", path: "/xyz/x" }),
  row("rewrite of the prefix with a slash", "/foo/", { upstream: "echo-b", path: "/xyz/" }),
  row("rewrite keeps the query", "/foo/x?q=1&r=/../", { upstream: "echo-b", path: "/xyz/x?q=1&r=/../" }),
  row("exact ignores the query", "/foo?x=1", { upstream: "echo-c" }),
  row("prefix takes its own path", "/abc", { upstream: "echo-b" }),
  row("prefix takes whole elements below", "/abc/d", { upstream: "echo-b" }),
  row("prefix does not take a longer element", "/abcd", { upstream: "echo-a" }),
  row("longest prefix wins", "/abc/deep/er", { upstream: "echo-c" }),
  row("a longer element is not the longer prefix", "/abc/deeper", { upstream: "echo-b" }),
  row("regex takes a full match", "/users/42", { upstream: "echo-d" }),
  row("regex does not take a part", "/users/42/x", { upstream: "echo-a" }),
  row("exact beats regex", "/users/1", { upstream: "echo-e" }),
  row("paths are case-sensitive", "/ABC", { upstream: "echo-a" }),
  row("encoded characters pass unchanged", "/caf%C3%A9/%20x", { upstream: "echo-a" }),
  row("a lone question mark passes unchanged", "/plain?", { upstream: "echo-a" }),
  row("the query is not checked as a path", "/plain?u=http://x/%2F..", { upstream: "echo-a" }),
  row("absolute-form target", "http://a.example.com/abc/d?x=1", { upstream: "echo-b", path: "/abc/d?x=1" }),
];

const conditions: Row[] = [
  row("method", "/foo/bar", { upstream: "echo-d", method: "POST" }),
  row("another method falls to the rule without", "/foo/bar", { upstream: "echo-b", path: "/xyz/bar", method: "PUT" }),
  row("header", "/foo/bar", { upstream: "echo-c", fields: [["x-env", "canary"]] }),
  row("method goes before header", "/foo/bar", { upstream: "echo-d", method: "POST", fields: [["X-Env", "canary"]] }),
  row("header values are case-sensitive", "/foo/bar", {
    upstream: "echo-b",
    path: "/xyz/bar",
    fields: [["X-Env", "Canary"]],
  }),
  row("header present", "/token/x", { upstream: "echo-c", fields: [["X-Token", "t"]] }),
  row("header missing", "/token/x", { upstream: "echo-a" }),
  row("header regex", "/api/x", { upstream: "echo-d", fields: [["X-Version", "v12"]] }),
  row("header regex is a full match", "/api/x", { upstream: "echo-a", fields: [["X-Version", "v12b"]] }),
];

const answers: Row[] = [
  row("headers changed both ways", "/foo/x", {
    upstream: "echo-b",
    path: "/xyz/x",
    fields: [
      ["X-Route", "client"],
      ["X-Secret", "s"],
    ],
    received: { "x-route": ["foo"], "x-secret": [] },
    headers: { "x-resp": ["yes"] },
  }),
  row("nothing is added to a plain answer", "/", {
    upstream: "echo-a",
    headers: { server: [], "x-resp": [], "x-envoy-upstream-service-time": [] },
    received: { "x-envoy-expected-rq-timeout-ms": [], "x-request-id": [], "x-forwarded-proto": ["http"] },
  }),
  row("direct response", "/gone", {
    status: 410,
    body: "it is gone; $1 {really}\n",
    headers: { "content-type": ["text/plain"] },
  }),
  row("redirect to another host and scheme", "/moved/a?b=c", {
    status: 301,
    location: () => "https://new.example.com/moved/a?b=c",
  }),
  row("redirect of a prefix", "/old/x/y?z", {
    status: 308,
    location: (port) => `http://a.example.com:${port}/new/x/y?z`,
  }),
  row("redirect of the bare prefix", "/old", { status: 308, location: (port) => `http://a.example.com:${port}/new` }),
  row("dead cluster", "/dead/x", { status: 503, ...unavailable }),
  row("cluster without endpoints", "/empty", { status: 503, ...unavailable }),
  row("status of the upstream passes", "/", { upstream: "echo-a", status: 502, fields: [["x-e2e", "status=502"]] }),
];

const guards: Row[] = [
  row("encoded slash", "/a%2Fb", { status: 400 }),
  row("encoded slash, lower case", "/foo%2fbar", { status: 400 }),
  row("encoded backslash", "/a%5Cb", { status: 400 }),
  row("backslash", "/a\\b", { status: 400 }),
  row("double slash", "/a//b", { status: 400 }),
  row("double slash in front", "//a", { status: 400 }),
  row("dot segment", "/abc/../users/1", { status: 400 }),
  row("dot segment at the end", "/abc/..", { status: 400 }),
  row("single dot segment", "/abc/./d", { status: 400 }),
  row("encoded dot segment", "/abc/%2e%2E/users/1", { status: 400 }),
  row("encoded NUL", "/a%00", { status: 400 }),
  row("broken percent", "/a%zz", { status: 400 }),
  row("broken percent at the end", "/a%2", { status: 400 }),
  row("encoded letter", "/%61bc", { status: 400 }),
  row("encoded digit", "/users/%31", { status: 400 }),
  row("encoded hyphen", "/a%2Db", { status: 400 }),
  row("fragment", "/abc#d", { status: 400 }),
  row("dots inside an element are fine", "/a..b/.well-known/...", { upstream: "echo-a" }),
  withoutHost(row("no Host", "/", { status: 400 })),
  withoutHost(row("no Host in HTTP/1.0", "/", { status: 400, httpVersion: "1.0" })),
  row("empty Host", "/", { status: 400, host: "" }),
  row("Host with user", "/", { status: 400, host: "u@a.example.com" }),
  row("Host with a slash", "/", { status: 400, host: "a.example.com/x" }),
  row("two different Hosts", "/", { status: 400, fields: [["Host", "b.example.com"]] }),
  row("TRACE", "/", { status: 405, method: "TRACE" }),
];

export const rows: readonly Row[] = [...hosts, ...paths, ...conditions, ...answers, ...guards];
