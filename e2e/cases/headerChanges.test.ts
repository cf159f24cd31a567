/** Header changes: set, add and remove on the way in and out, also on the proxy's own answers; values are literal text. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { headerValues, type RawResponse } from "../harness/rawHttp.ts";
import { ask, deadPort, receivedList, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const host = "headers.e2e.example";
/** No comma in it: the test compares lists. */
const hostile = `"; } \\" ' %[src] %REQ(x)% %% $host \${HOME} {{x}} # \\n '\\'' end\\`;
let upstream: Upstream;

const changes = {
  set: [
    { name: "X-Set", value: "new" },
    { name: "X-Literal", value: hostile },
  ],
  add: [
    { name: "X-Add", value: "one" },
    { name: "X-Add", value: "two" },
  ],
  remove: ["X-Gone"],
};

beforeAll(async () => {
  upstream = await startEcho("headers");
  const split = [{ cluster: "headers" }];
  const own = { responseHeaders: changes };
  await serve({
    clusters: [cluster("headers", upstream.port), cluster("headers-dead", deadPort())],
    routes: [
      route(
        "headers",
        host,
        { matches: [{ path: { prefix: "/in" } }], split, requestHeaders: changes },
        { matches: [{ path: { prefix: "/out" } }], split, responseHeaders: changes },
        { matches: [{ path: { prefix: "/plain" } }], split },
        { matches: [{ path: { prefix: "/respond" } }], respond: { status: 200, body: "x" }, ...own },
        { matches: [{ path: { prefix: "/redirect" } }], redirect: { scheme: "https" }, ...own },
        { matches: [{ path: { prefix: "/dead" } }], split: [{ cluster: "headers-dead" }], ...own },
      ),
    ],
  });
});

afterAll(() => upstream.close());

/** Response fields as a list: one line `a, b` equals two lines. */
function list(answer: RawResponse, name: string): string[] {
  return headerValues(answer, name)
    .flatMap((line) => line.split(","))
    .map((value) => value.trim());
}

const reply = (field: string): readonly [string, string] => ["x-e2e", `reply=${field}`];

describe.each(proxyNames)("%s", (proxy) => {
  it("request headers: set, add, remove", async () => {
    const headers: [string, string][] = [
      ["x-set", "old"],
      ["X-ADD", "zero"],
      ["x-gone", "secret"],
      ["X-Other", "kept"],
    ];
    const { echo } = await ask(proxy, { host, path: "/in", headers });
    expect(receivedList(echo, "x-set")).toEqual(["new"]);
    expect(receivedList(echo, "x-add")).toEqual(["zero", "one", "two"]);
    expect(receivedList(echo, "x-gone")).toEqual([]);
    expect(receivedList(echo, "x-other")).toEqual(["kept"]);
    expect(receivedList(echo, "x-literal")).toEqual([hostile]);
  });

  it("request headers: set and add where the client sent none", async () => {
    const { echo } = await ask(proxy, { host, path: "/in" });
    expect(receivedList(echo, "x-set")).toEqual(["new"]);
    expect(receivedList(echo, "x-add")).toEqual(["one", "two"]);
  });

  it("response headers: set, add, remove", async () => {
    const headers = [reply("X-Set: old"), reply("X-Add: zero"), reply("X-Gone: secret"), reply("X-Other: kept")];
    const answer = await ask(proxy, { host, path: "/out", headers });
    expect(list(answer, "x-set")).toEqual(["new"]);
    expect(list(answer, "x-add")).toEqual(["zero", "one", "two"]);
    expect(list(answer, "x-gone")).toEqual([]);
    expect(list(answer, "x-other")).toEqual(["kept"]);
    expect(headerValues(answer, "x-literal")).toEqual([hostile]);
  });

  it.each([
    { path: "/respond", status: 200 },
    { path: "/redirect", status: 302 },
    { path: "/dead", status: 503 },
  ])("response headers on the proxy's own answer: $path", async ({ path, status }) => {
    const answer = await ask(proxy, { host, path });
    expect(answer.status).toBe(status);
    expect(list(answer, "x-set")).toEqual(["new"]);
    expect(list(answer, "x-add")).toEqual(["one", "two"]);
    expect(headerValues(answer, "x-literal")).toEqual([hostile]);
  });

  it("a rule without changes changes nothing", async () => {
    const answer = await ask(proxy, {
      host,
      path: "/plain",
      headers: [["X-Set", "old"], ["X-Gone", "here"], reply("X-Set: s"), reply("X-Gone: g")],
    });
    expect(receivedList(answer.echo, "x-set")).toEqual(["old"]);
    expect(receivedList(answer.echo, "x-gone")).toEqual(["here"]);
    expect(receivedList(answer.echo, "x-add")).toEqual([]);
    expect(list(answer, "x-set")).toEqual(["s"]);
    expect(list(answer, "x-gone")).toEqual(["g"]);
  });

  it("headers with an underscore do not get through", async () => {
    const { echo } = await ask(proxy, { host, path: "/plain", headers: [["X_Set", "spoofed"]] });
    expect(echo?.headers.map(([name]) => name.toLowerCase())).not.toContain("x_set");
  });

  it("X-Forwarded-For is appended to, X-Forwarded-Proto set", async () => {
    const headers: [string, string][] = [
      ["X-Forwarded-For", "203.0.113.7"],
      ["X-Forwarded-Proto", "gopher"],
    ];
    const { echo } = await ask(proxy, { host, path: "/plain", headers });
    const chain = receivedList(echo, "x-forwarded-for");
    expect(chain).toHaveLength(2);
    expect(chain[0]).toBe("203.0.113.7");
    expect(receivedList(echo, "x-forwarded-proto")).toEqual(["http"]);
  });
});
