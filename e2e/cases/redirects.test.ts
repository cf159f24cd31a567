/** Redirects: scheme, host, port, path and status; what is not given comes from the request. */
import { beforeAll, describe, expect, it } from "vitest";
import { e2e, proxyNames } from "../harness/context.ts";
import { route } from "../harness/model.ts";
import { headerValues } from "../harness/rawHttp.ts";
import { ask, serve } from "../harness/serve.ts";

const host = "redirect.e2e.example";

interface Row {
  readonly at: string;
  readonly redirect: object;
  readonly request: string;
  /** `:PORT` stands for the listener's port. */
  readonly location: string;
  readonly status?: number;
}

const rows: readonly Row[] = [
  {
    at: "/host",
    redirect: { hostname: "other.example" },
    request: "/host/a?b=1",
    location: "http://other.example:PORT/host/a?b=1",
  },
  { at: "/scheme", redirect: { scheme: "https" }, request: "/scheme/a?b", location: `https://${host}/scheme/a?b` },
  {
    at: "/http",
    redirect: { scheme: "http", hostname: "other.example" },
    request: "/http",
    location: "http://other.example/http",
  },
  { at: "/port", redirect: { port: 8443 }, request: "/port/x", location: `http://${host}:8443/port/x` },
  { at: "/port80", redirect: { port: 80 }, request: "/port80/x", location: `http://${host}/port80/x` },
  { at: "/both", redirect: { scheme: "https", port: 8443 }, request: "/both", location: `https://${host}:8443/both` },
  { at: "/s443", redirect: { scheme: "https", port: 443 }, request: "/s443", location: `https://${host}/s443` },
  {
    at: "/full",
    redirect: { path: { full: "/elsewhere" } },
    request: "/full/x/y?q=1",
    location: `http://${host}:PORT/elsewhere?q=1`,
  },
  {
    at: "/pre",
    redirect: { path: { prefix: "/new" } },
    request: "/pre/x/y?q=1",
    location: `http://${host}:PORT/new/x/y?q=1`,
  },
  { at: "/slash", redirect: { path: { prefix: "/new/" } }, request: "/slash/x", location: `http://${host}:PORT/new/x` },
  { at: "/strip", redirect: { path: { prefix: "/" } }, request: "/strip/x", location: `http://${host}:PORT/x` },
  { at: "/strip0", redirect: { path: { prefix: "/" } }, request: "/strip0", location: `http://${host}:PORT/` },
  {
    at: "/enc",
    redirect: { hostname: "other.example", scheme: "https" },
    request: "/enc/%20%C3%A9?x=%2F",
    location: "https://other.example/enc/%20%C3%A9?x=%2F",
  },
  ...[301, 302, 303, 307, 308].map((status) => ({
    at: `/s${status}`,
    redirect: { scheme: "https", status },
    request: `/s${status}`,
    location: `https://${host}/s${status}`,
    status,
  })),
];

beforeAll(async () => {
  const rules = rows.map(({ at, redirect }) => ({ matches: [{ path: { prefix: at } }], redirect }));
  const wild = route("redirect-wild", "*.redirect.e2e.example", {
    redirect: { scheme: "https", hostname: "fixed.example" },
  });
  await serve({ routes: [route("redirect", host, ...rules), wild] });
});

describe.each(proxyNames)("%s", (proxy) => {
  it.each(rows)("$request", async ({ request, location, status }) => {
    const answer = await ask(proxy, { host, path: request });
    expect(answer.status).toBe(status ?? 302);
    expect(headerValues(answer, "location")).toEqual([location.replace("PORT", String(e2e().ports.http))]);
  });

  it("takes neither case nor port nor trailing dot from the Host", async () => {
    const answer = await ask(proxy, { host: `${host.toUpperCase()}.:1234`, path: "/scheme/a" });
    expect(headerValues(answer, "location")).toEqual([`https://${host}/scheme/a`]);
  });

  it("works on a wildcard host with a fixed target", async () => {
    const answer = await ask(proxy, { host: "x.redirect.e2e.example", path: "/a?b" });
    expect(headerValues(answer, "location")).toEqual(["https://fixed.example/a?b"]);
  });
});
