/** A listener that sends everybody to HTTPS, but for those who ask whose host it is: the same answers on every proxy. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { proxyAddresses, proxyNames } from "../harness/context.ts";
import { cluster, type Document } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { headerValues } from "../harness/rawHttp.ts";
import { ask, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const LISTENERS = ["all", "far", "shared"] as const;
const HOST = "shop.tohttps.example";
const CHALLENGE = "/.well-known/acme-challenge";

let echo: Upstream;
const ports: Record<string, number> = {};

beforeAll(async () => {
  echo = await startEcho("inside");
  for (const name of LISTENERS) ports[name] = await freePort(...Object.values(proxyAddresses));
  const on = (name: string, more: object): Document => {
    return { name, fleets: [...proxyNames], port: ports[name.split("-")[0] as string], protocol: "HTTP", ...more };
  };
  await serve({
    listeners: [
      on("all", { http: { redirectToHttps: {} } }),
      on("far", { hostname: HOST, http: { redirectToHttps: { port: 8443, status: 308 } } }),
      on("shared-wide", {}),
      on("shared-narrow", { hostname: "*.tohttps.example", http: { redirectToHttps: {} } }),
    ],
    clusters: [cluster("inside", echo.port)],
    routes: [
      {
        name: "inside",
        listeners: ["all", "far", "shared-wide", "shared-narrow"],
        hostnames: [HOST, "plain.example"],
        rules: [
          { matches: [{ path: { prefix: `${CHALLENGE}/` } }], respond: { status: 200, body: "challenge" } },
          { split: [{ cluster: "inside" }] },
        ],
      },
    ],
  });
  for (const proxy of proxyNames)
    for (const name of LISTENERS)
      await until(`${proxy} redirects from ${name}`, async () => {
        return (await get(proxy, name, { host: HOST })).status > 300;
      });
});

afterAll(() => echo.close());

interface Asked {
  readonly host: string;
  readonly path?: string;
  readonly method?: string;
}

async function get(proxy: (typeof proxyNames)[number], name: string, { path = "/", ...asked }: Asked) {
  return ask(proxy, { ...asked, path, port: ports[name] as number });
}

/** What is asked for, and where it is sent to; null: the challenge's answer. */
const rows: readonly (readonly [(typeof LISTENERS)[number], Asked, string | null])[] = [
  ["all", { host: HOST }, `https://${HOST}/`],
  ["all", { host: HOST, path: "/a/%20b/?q=1&r=%2F" }, `https://${HOST}/a/%20b/?q=1&r=%2F`],
  ["all", { host: HOST, path: "/form", method: "POST" }, `https://${HOST}/form`],
  ["all", { host: "nobody.example", path: "/x" }, "https://nobody.example/x"],
  ["all", { host: "plain.example", path: "/x" }, "https://plain.example/x"],
  ["all", { host: HOST, path: `${CHALLENGE}/token` }, null],
  ["all", { host: "nobody.example", path: `${CHALLENGE}/token` }, `https://nobody.example${CHALLENGE}/token`],
  ["all", { host: HOST, path: `${CHALLENGE}s/token` }, `https://${HOST}${CHALLENGE}s/token`],
  ["far", { host: HOST, path: "/a?b" }, `https://${HOST}:8443/a?b`],
  ["far", { host: `${HOST.toUpperCase()}.:80`, path: "/a?b" }, `https://${HOST}:8443/a?b`],
  ["far", { host: HOST, path: `${CHALLENGE}/token` }, null],
  ["shared", { host: HOST, path: "/a" }, `https://${HOST}/a`],
  ["shared", { host: "other.tohttps.example", path: "/a" }, "https://other.tohttps.example/a"],
];

describe.each(proxyNames)("%s", (proxy) => {
  it.each(rows)("%s: %o", async (name, asked, location) => {
    const answer = await get(proxy, name, asked);
    if (location === null) {
      expect(answer).toMatchObject({ status: 200, body: "challenge" });
      return;
    }
    expect(answer.status).toBe(name === "far" ? 308 : 301);
    expect(headerValues(answer, "location")).toEqual([location]);
    expect(answer.echo).toBe(null);
  });

  it("serves the other listener of the port, and nobody's host is unknown there", async () => {
    expect((await get(proxy, "shared", { host: "plain.example", path: "/a" })).echo?.path).toBe("/a");
    expect((await get(proxy, "shared", { host: "nobody.example" })).status).toBe(404);
    expect((await get(proxy, "far", { host: "nobody.example" })).status).toBe(404);
  });

  it("leaves the Host's port out", async () => {
    const known = await get(proxy, "all", { host: `${HOST}:${ports.all}`, path: "/a" });
    expect(headerValues(known, "location")).toEqual([`https://${HOST}/a`]);
    const other = await get(proxy, "all", { host: `nobody.example:${ports.all}`, path: "/a" });
    // Under a wildcard Envoy names the port of HTTPS instead (L7-REDIRECT-HOST).
    expect(headerValues(other, "location")).toEqual([`https://nobody.example${proxy === "envoy" ? ":443" : ""}/a`]);
  });
});
