/**
 * A header that comes in several lines: all lines reach the other side, in order. For a matcher they are one value, joined by commas;
 * where a proxy cannot do that (nginx before 1.23 looks at the first line, Envoy since 1.40 at each), the write says so.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiAnswer } from "../harness/api.ts";
import { warningsOf } from "../harness/api.ts";
import { type ProxyName, proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { headerValues } from "../harness/rawHttp.ts";
import { ask, receivedList, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const host = "repeated.e2e.example";
let upstreams: Upstream[];
let written: ApiAnswer;

beforeAll(async () => {
  upstreams = await Promise.all(["repeat-plain", "repeat-match"].map((name) => startEcho(name)));
  written = await serve({
    clusters: upstreams.map(({ name, port }) => cluster(name, port)),
    routes: [
      route(
        "repeated",
        host,
        { split: [{ cluster: "repeat-plain" }] },
        { matches: [{ headers: [{ name: "X-Pick", exact: "yes" }] }], split: [{ cluster: "repeat-match" }] },
      ),
    ],
  });
});

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

type Fields = [string, string][];
const twice = (first: string, second: string): Fields => [
  ["X-Pick", first],
  ["X-Pick", second],
];

/** Who takes a request with these lines. `repeat-plain` is the canonical answer to every repeated field. */
const takers: Record<ProxyName, { yesNo: string; noYes: string; yesYes: string }> = {
  envoy: { yesNo: "repeat-match", noYes: "repeat-match", yesYes: "repeat-match" },
  nginx: { yesNo: "repeat-match", noYes: "repeat-plain", yesYes: "repeat-match" },
  haproxy: { yesNo: "repeat-plain", noYes: "repeat-plain", yesYes: "repeat-plain" },
};

describe.each(proxyNames)("%s", (proxy) => {
  it("passes repeated request and response fields on, in order", async () => {
    const headers: Fields = [
      ["X-Many", "1"],
      ["X-Many", "2"],
      ["x-e2e", "reply=Set-Cookie: a=1"],
      ["x-e2e", "reply=Set-Cookie: b=2"],
    ];
    const answer = await ask(proxy, { host, path: "/", headers });
    expect(receivedList(answer.echo, "x-many")).toEqual(["1", "2"]);
    expect(headerValues(answer, "set-cookie")).toEqual(["a=1", "b=2"]);
  });

  it("matches a single field", async () => {
    expect((await ask(proxy, { host, path: "/", headers: [["x-pick", "yes"]] })).echo?.name).toBe("repeat-match");
    expect((await ask(proxy, { host, path: "/", headers: [["x-pick", "yes,no"]] })).echo?.name).toBe("repeat-plain");
  });

  it("matches a repeated field as told", async () => {
    const taker = async (fields: Fields): Promise<string | undefined> =>
      (await ask(proxy, { host, path: "/", headers: fields })).echo?.name;
    expect({
      yesNo: await taker(twice("yes", "no")),
      noYes: await taker(twice("no", "yes")),
      yesYes: await taker(twice("yes", "yes")),
    }).toEqual(takers[proxy]);
  });

  it("the write warned exactly where the proxy differs from the canonical answer", () => {
    const differs = Object.values(takers[proxy]).some((name) => name !== "repeat-plain");
    const warnings = warningsOf(written).filter(({ fleet, code }) => fleet === proxy && code === "L7-DUP-HEADER");
    expect(warnings.length > 0).toBe(differs);
  });
});
