/** Regex paths: full match, exact before regex before prefix, longer regexes before shorter, fall-through when a condition fails. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import type { RawRequest } from "../harness/rawHttp.ts";
import { ask, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const host = "regex.e2e.example";
const names = ["rx-a", "rx-b", "rx-c", "rx-d", "rx-prefix", "rx-root", "rx-exact"];
let upstreams: Upstream[];

const to = (path: object, name: string, more: object = {}): object => ({
  matches: [{ path, ...more }],
  split: [{ cluster: name }],
});
const yes = [{ name: "X-Yes", exact: "1" }];

beforeAll(async () => {
  upstreams = await Promise.all(names.map((name) => startEcho(name)));
  await serve({
    clusters: upstreams.map(({ name, port }) => cluster(name, port)),
    routes: [
      route(
        "regex",
        host,
        to({ prefix: "/" }, "rx-root"),
        to({ prefix: "/item/special/place" }, "rx-prefix"),
        to({ exact: "/item/1" }, "rx-exact"),
        to({ regex: "/item/[^/]+" }, "rx-b"),
        to({ regex: "/item/[0-9]+" }, "rx-c", { headers: yes }),
        to({ regex: "/item/.*" }, "rx-d", { method: "POST" }),
        to({ regex: "/[a-z]{2,4}/(?:x|y)+" }, "rx-a"),
        to({ regex: "/long/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}" }, "rx-a"),
        to({ regex: "/[Cc]a[Ss]e/\\d+" }, "rx-a"),
        to({ regex: "/\\$\\{x\\};/\\w+\"'" }, "rx-b"),
        to({ regex: "/alt/one|/alt/two" }, "rx-c"),
        to({ regex: "/only/with/header/.+" }, "rx-a", { headers: yes }),
        to({ prefix: "/only/with" }, "rx-prefix"),
      ),
    ],
  });
});

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

interface Row extends Omit<RawRequest, "host"> {
  readonly takes: string;
}

const rows: readonly Row[] = [
  { path: "/item/1", takes: "rx-exact" },
  { path: "/item/2", takes: "rx-b" },
  { path: "/item/xyz", takes: "rx-b" },
  // Two patterns match; the longer one goes first.
  { path: "/item/x", takes: "rx-a" },
  { path: "/item/2", headers: [["X-Yes", "1"]], takes: "rx-c" },
  { path: "/item/2", headers: [["X-Yes", "no"]], takes: "rx-b" },
  { path: "/item/2?q=/z", takes: "rx-b" },
  { path: "/item/", takes: "rx-root" },
  { path: "/item/2/3", takes: "rx-root" },
  { path: "/item/2/3", method: "POST", takes: "rx-d" },
  { path: "/item/special/place", takes: "rx-prefix" },
  { path: "/item/special/place", method: "POST", takes: "rx-d" },
  { path: "/xx/item/2", takes: "rx-root" },
  { path: "/ab/x", takes: "rx-a" },
  { path: "/abcd/xyxy", takes: "rx-a" },
  { path: "/abcde/x", takes: "rx-root" },
  { path: "/a/x", takes: "rx-root" },
  { path: "/long/01234567-89ab-cdef-0123-456789abcdef", takes: "rx-a" },
  { path: "/long/01234567-89ab-cdef-0123-456789abcdeg", takes: "rx-root" },
  { path: "/CaSe/12", takes: "rx-a" },
  { path: "/alt/one", takes: "rx-c" },
  { path: "/alt/two", takes: "rx-c" },
  { path: "/alt/one/alt/two", takes: "rx-root" },
  { path: "/alt/onex", takes: "rx-root" },
  { path: "/only/with/header/z", headers: [["X-Yes", "1"]], takes: "rx-a" },
  { path: "/only/with/header/z", takes: "rx-prefix" },
];

describe.each(proxyNames)("%s", (proxy) => {
  it.each(rows)("$path $method $headers is taken by $takes", async ({ takes, ...request }) => {
    expect((await ask(proxy, { ...request, host })).echo?.name).toBe(takes);
  });
});
