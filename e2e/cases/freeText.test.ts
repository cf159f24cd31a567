/** Free text (descriptions, header values, bodies, regexes) takes what would break a configuration file, and stays literal text. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { headerValues } from "../harness/rawHttp.ts";
import { ask, receivedList, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";
import { adapters } from "../proxies/index.ts";

const host = "text.e2e.example";
/** Stands in a description only, so no proxy may know it. */
const secretWord = "zanzibar";

/** No comma (lists are compared) and no space at an end; each tries another way out of some grammar. */
const texts = [
  `"; }`,
  `"; } http { server { listen 1; } } #`,
  `'; deny; '`,
  "'\\''",
  "\\",
  '\\\\"',
  "$host$request_uri",
  "$" + "{dollar}$" + "{HOME}",
  "%[src]%{+Q}[var(txn.x)]",
  "%REQ(host)%%DOWNSTREAM_REMOTE_ADDRESS%",
  "100%",
  "# not a comment",
  "-f /etc/passwd",
  "{{x}} <%= y %> {% z %}",
  "a|b&c;d`e~f^g",
  "include /etc/passwd",
  "default",
  "~^.*$",
  "\\1\\2",
  "on",
  "yes: no",
];

/** What of a text can stand in a query, and in a cookie (RFC 6265, 4.1.1). */
const inQuery = (text: string): string => `x${text.replace(/[\s&#]/g, "")}`;
const inCookie = (text: string): string => `x${text.replace(/[\s",;\\]/g, "")}`;

let upstream: Upstream;

beforeAll(async () => {
  upstream = await startEcho("text");
  const description = `${secretWord} ${texts.join(" ")}\n}\n`;
  const rules = texts.flatMap((value, at) => [
    {
      matches: [{ path: { exact: `/forward/${at}` } }],
      split: [{ cluster: "text" }],
      requestHeaders: { set: [{ name: "X-Text", value }], add: [{ name: "X-Added", value }] },
      responseHeaders: { set: [{ name: "X-Text", value }] },
    },
    { matches: [{ path: { exact: `/respond/${at}` } }], respond: { status: 200, body: `${value}\n${value}` } },
    {
      matches: [{ path: { prefix: "/match" }, headers: [{ name: "X-Want", exact: value }] }],
      respond: { status: 200, body: `matched ${at}` },
    },
    {
      matches: [{ path: { exact: `/query/${at}` }, query: [{ name: "q", exact: inQuery(value) }] }],
      respond: { status: 200, body: "query" },
    },
    {
      matches: [{ path: { exact: `/cookie/${at}` }, cookies: [{ name: "c", exact: inCookie(value) }] }],
      respond: { status: 200, body: "cookie" },
    },
  ]);
  const quoted = {
    matches: [{ path: { prefix: "/rx" }, headers: [{ name: "X-Want", regex: `a"; \\} '[#$%{]+\\\\` }] }],
    respond: { status: 200, body: "regex" },
  };
  await serve({
    clusters: [{ ...cluster("text", upstream.port), description }],
    routes: [{ ...route("text", host, ...rules, quoted), description }],
  });
});

afterAll(() => upstream.close());

describe.each(proxyNames)("%s", (proxy) => {
  it.each(texts.map((text, at) => ({ text, at })))("$text", async ({ text, at }) => {
    const forwarded = await ask(proxy, { host, path: `/forward/${at}` });
    expect(receivedList(forwarded.echo, "x-text")).toEqual([text]);
    expect(receivedList(forwarded.echo, "x-added")).toEqual([text]);
    expect(headerValues(forwarded, "x-text")).toEqual([text]);
    expect((await ask(proxy, { host, path: `/respond/${at}` })).body).toBe(`${text}\n${text}`);
    expect((await ask(proxy, { host, path: "/match", headers: [["X-Want", text]] })).body).toBe(`matched ${at}`);
    expect((await ask(proxy, { host, path: "/match", headers: [["X-Want", `${text}x`]] })).status).toBe(404);
  });

  it.each(texts.map((text, at) => ({ text, at })))("$text in a query and in a cookie", async ({ text, at }) => {
    const query = `/query/${at}?q=${inQuery(text)}`;
    expect((await ask(proxy, { host, path: query })).body).toBe("query");
    expect((await ask(proxy, { host, path: `${query}x` })).status).toBe(404);
    const cookie = (value: string) => ask(proxy, { host, path: `/cookie/${at}`, headers: [["Cookie", `c=${value}`]] });
    expect((await cookie(inCookie(text))).body).toBe("cookie");
    expect((await cookie(`${inCookie(text)}x`)).status).toBe(404);
  });

  it("a regex with quotes and braces", async () => {
    expect((await ask(proxy, { host, path: "/rx", headers: [["X-Want", `a"; } '#$%{\\`]] })).body).toBe("regex");
    expect((await ask(proxy, { host, path: "/rx", headers: [["X-Want", `a"; } '\\`]] })).status).toBe(404);
  });

  it("descriptions reach no proxy", async () => {
    expect(await adapters[proxy].ask(e2e().proxies[proxy])).not.toContain(secretWord);
  });
});
