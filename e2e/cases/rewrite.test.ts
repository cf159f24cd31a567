/** Rewrites of prefix (the slash rows of the Gateway API), path and Host, and nothing else of the request touched. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { ask, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

let upstream: Upstream;

/** One host per pair of matched prefix and replacement. */
const rewrites = [
  { name: "plain", from: "/foo", to: "/xyz" },
  { name: "to-slash", from: "/foo", to: "/xyz/" },
  { name: "strip", from: "/foo", to: "/" },
  { name: "from-slash", from: "/foo/", to: "/xyz" },
  { name: "root", from: "/", to: "/xyz" },
  { name: "deeper", from: "/a/b", to: "/c" },
  { name: "odd", from: "/$1", to: "/x%20$host;(y)" },
];

/** One host per rule that replaces the whole path or the Host. */
const others = [
  { name: "full", match: { path: { prefix: "/foo" } }, rewrite: { path: { full: "/xyz" } } },
  { name: "full-exact", match: { path: { exact: "/foo" } }, rewrite: { path: { full: "/a/b/" } } },
  { name: "full-regex", match: { path: { regex: "/f[a-z]+" } }, rewrite: { path: { full: "/x%20$uri;(path)%25" } } },
  { name: "host", match: { path: { prefix: "/foo" } }, rewrite: { hostname: "Inner.example.net" } },
  {
    name: "all",
    match: { path: { prefix: "/foo" } },
    rewrite: { path: { prefix: "/xyz" }, hostname: "inner.example.net" },
  },
];

const otherRows = [
  { name: "full", request: "/foo", seen: "/xyz", toHost: null },
  { name: "full", request: "/foo/bar/baz?q=1", seen: "/xyz?q=1", toHost: null },
  { name: "full", request: "/foo/?", seen: "/xyz?", toHost: null },
  { name: "full-exact", request: "/foo?a=%20&b", seen: "/a/b/?a=%20&b", toHost: null },
  { name: "full-regex", request: "/fab", seen: "/x%20$uri;(path)%25", toHost: null },
  { name: "host", request: "/foo/%20?q", seen: "/foo/%20?q", toHost: "inner.example.net" },
  { name: "all", request: "/foo/bar?q", seen: "/xyz/bar?q", toHost: "inner.example.net" },
];

const rows = [
  { name: "plain", request: "/foo/bar", seen: "/xyz/bar" },
  { name: "plain", request: "/foo", seen: "/xyz" },
  { name: "plain", request: "/foo/", seen: "/xyz/" },
  { name: "plain", request: "/foo?q=/foo", seen: "/xyz?q=/foo" },
  { name: "plain", request: "/foo/?", seen: "/xyz/?" },
  { name: "plain", request: "/foo/foo/bar", seen: "/xyz/foo/bar" },
  { name: "plain", request: "/foo/%20a%C3%A9", seen: "/xyz/%20a%C3%A9" },
  { name: "plain", request: "/foo/a+b;c=d&e", seen: "/xyz/a+b;c=d&e" },
  { name: "to-slash", request: "/foo/bar", seen: "/xyz/bar" },
  { name: "to-slash", request: "/foo", seen: "/xyz" },
  { name: "to-slash", request: "/foo/", seen: "/xyz/" },
  { name: "strip", request: "/foo/bar", seen: "/bar" },
  { name: "strip", request: "/foo", seen: "/" },
  { name: "strip", request: "/foo/", seen: "/" },
  { name: "strip", request: "/foo?x", seen: "/?x" },
  { name: "from-slash", request: "/foo/bar", seen: "/xyz/bar" },
  { name: "from-slash", request: "/foo", seen: "/xyz" },
  { name: "root", request: "/", seen: "/xyz/" },
  { name: "root", request: "/bar?x=1", seen: "/xyz/bar?x=1" },
  { name: "deeper", request: "/a/b/c/d", seen: "/c/c/d" },
  { name: "odd", request: "/$1/x", seen: "/x%20$host;(y)/x" },
];

const hostOf = (name: string): string => `${name}.rewrite.e2e.example`;

beforeAll(async () => {
  upstream = await startEcho("rewrite");
  const routes = rewrites.map(({ name, from, to }) =>
    route(`rewrite-${name}`, hostOf(name), {
      matches: [{ path: { prefix: from } }],
      split: [{ cluster: "rewrite" }],
      rewrite: { path: { prefix: to } },
    }),
  );
  for (const { name, match, rewrite } of others)
    routes.push(route(`rewrite-${name}`, hostOf(name), { matches: [match], split: [{ cluster: "rewrite" }], rewrite }));
  await serve({ clusters: [cluster("rewrite", upstream.port)], routes });
});

afterAll(() => upstream.close());

describe.each(proxyNames)("%s", (proxy) => {
  it.each(rows)("$name: $request", async ({ name, request, seen }) => {
    expect((await ask(proxy, { host: hostOf(name), path: request })).echo?.path).toBe(seen);
  });

  it.each(otherRows)("$name: $request", async ({ name, request, seen, toHost }) => {
    const { echo } = await ask(proxy, { host: hostOf(name), path: request });
    expect(echo?.path).toBe(seen);
    expect(echo?.headers.filter(([field]) => field.toLowerCase() === "host").map(([, value]) => value)).toEqual([
      toHost ?? hostOf(name),
    ]);
  });
});
