/** Direct answers: status, body byte for byte, content type, and response headers of the rule. */
import { beforeAll, describe, expect, it } from "vitest";
import { proxyNames } from "../harness/context.ts";
import { route } from "../harness/model.ts";
import { headerValues } from "../harness/rawHttp.ts";
import { ask, serve } from "../harness/serve.ts";

const host = "respond.e2e.example";

/** Text that would break out of every proxy's configuration language if it were pasted. */
const hostile = `"; } \\" ' %[src] %REQ(x)% %% $host \${HOME} {{x}} # \\n \t'\\'' end`;

const rows = [
  { path: "/plain", respond: { status: 200, body: "hello\n" }, type: "text/plain" },
  { path: "/empty", respond: { status: 204 }, type: null },
  { path: "/nobody", respond: { status: 200 }, type: "text/plain" },
  { path: "/teapot", respond: { status: 418, body: "short and stout" }, type: "text/plain" },
  { path: "/maintenance", respond: { status: 503, body: "back soon" }, type: "text/plain" },
  { path: "/missing", respond: { status: 404, body: "ours, not the proxy's" }, type: "text/plain" },
  { path: "/odd", respond: { status: 599, body: "x" }, type: "text/plain" },
  {
    path: "/json",
    respond: { status: 200, body: '{"a": "b"}', contentType: "application/json" },
    type: "application/json",
  },
  { path: "/utf8", respond: { status: 200, body: "grüße, 世界 ☃\n" }, type: "text/plain" },
  { path: "/lines", respond: { status: 200, body: "one\ntwo\r\n\n  three\n" }, type: "text/plain" },
  { path: "/hostile", respond: { status: 200, body: hostile }, type: "text/plain" },
  { path: "/long", respond: { status: 200, body: "0123456789abcdef".repeat(256) }, type: "text/plain" },
];

beforeAll(async () => {
  const rules = rows.map(({ path, respond }) => ({
    matches: [{ path: { exact: path } }],
    respond,
    responseHeaders: { set: [{ name: "X-Rule", value: path }] },
  }));
  await serve({ routes: [route("respond", host, ...rules)] });
});

describe.each(proxyNames)("%s", (proxy) => {
  it.each(rows)("$path answers $respond.status", async ({ path, respond, type }) => {
    const answer = await ask(proxy, { host, path });
    expect(answer.status).toBe(respond.status);
    expect(answer.body).toBe(respond.body ?? "");
    expect(headerValues(answer, "x-rule")).toEqual([path]);
    if (type !== null && respond.body !== undefined) expect(headerValues(answer, "content-type")).toEqual([type]);
  });

  it("any method is answered, HEAD without a body", async () => {
    expect(await ask(proxy, { host, path: "/plain", method: "DELETE" })).toMatchObject({
      status: 200,
      body: "hello\n",
    });
    expect(await ask(proxy, { host, path: "/plain", method: "HEAD" })).toMatchObject({ status: 200, body: "" });
    expect(await ask(proxy, { host, path: "/teapot", method: "POST", body: "tea" })).toMatchObject({ status: 418 });
  });
});
