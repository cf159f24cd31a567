/** Listeners that share an address and port with different hostnames: the most specific one takes the request, isolated from the rest. */
import { beforeAll, describe, expect, it } from "vitest";
import { e2e, proxyNames } from "../harness/context.ts";
import type { Document } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { ask, serve } from "../harness/serve.ts";

function listener(name: string, hostname?: string): Document {
  const bound = { name, fleets: [...proxyNames], port: e2e().ports.http2, protocol: "HTTP" };
  return hostname === undefined ? bound : { ...bound, hostname };
}

function says(name: string, listeners: string[], more: { hostnames?: string[]; path?: object } = {}): Document {
  const { hostnames, path = { prefix: "/" } } = more;
  const rules = [{ matches: [{ path }], respond: { status: 200, body: name } }];
  return { name, listeners, rules, ...(hostnames && { hostnames }) };
}

beforeAll(async () => {
  await serve({
    listeners: [
      listener("everything"),
      listener("shop", "*.shop.example"),
      listener("cart", "cart.shop.example"),
      listener("deserted", "deserted.example"),
    ],
    routes: [
      says("for-everything", ["everything"]),
      says("for-shop", ["shop"], { path: { prefix: "/shop" } }),
      says("for-cart", ["cart"], { path: { prefix: "/cart" } }),
      // On two listeners: it serves the intersection with each.
      says("for-both", ["shop", "cart"], { hostnames: ["*.shop.example"], path: { prefix: "/both" } }),
      says("for-one-of-shop", ["shop"], { hostnames: ["one.shop.example"] }),
    ],
  });
  for (const proxy of proxyNames) {
    await until(`${proxy} listens on the second port`, async () => (await ask(proxy, at("any.example", "/"))).status);
  }
});

const at = (host: string, path: string): { host: string; path: string; port: number } => ({
  host,
  path,
  port: e2e().ports.http2,
});

const rows = [
  { host: "any.example", path: "/x", status: 200, body: "for-everything" },
  { host: "two.shop.example", path: "/shop", status: 200, body: "for-shop" },
  { host: "two.shop.example", path: "/both", status: 200, body: "for-both" },
  { host: "two.shop.example", path: "/x", status: 404 },
  { host: "one.shop.example", path: "/x", status: 200, body: "for-one-of-shop" },
  { host: "one.shop.example", path: "/shop", status: 200, body: "for-one-of-shop" },
  { host: "cart.shop.example", path: "/cart", status: 200, body: "for-cart" },
  { host: "cart.shop.example", path: "/both", status: 200, body: "for-both" },
  { host: "cart.shop.example", path: "/shop", status: 404 },
  { host: "CART.shop.example.:99", path: "/shop", status: 404 },
  { host: "shop.example", path: "/shop", status: 200, body: "for-everything" },
  { host: "deserted.example", path: "/", status: 404 },
];

describe.each(proxyNames)("%s", (proxy) => {
  it.each(rows)("$host$path answers $status $body", async ({ host, path, status, body }) => {
    const answer = await ask(proxy, at(host, path));
    expect(answer).toMatchObject({ status, body: body ?? "404 Not Found\n" });
  });

  it("a route of one port is not on the other", async () => {
    expect((await ask(proxy, { host: "any.example", path: "/x" })).status).toBe(404);
  });
});
