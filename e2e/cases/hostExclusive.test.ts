/** The choice of host is exclusive: exact before wildcard, longer wildcard before shorter, and no falling through to a wider host. */
import { beforeAll, describe, expect, it } from "vitest";
import { proxyNames } from "../harness/context.ts";
import { type Document, route } from "../harness/model.ts";
import { ask, serve } from "../harness/serve.ts";

const says = (body: string, path: object): object => ({ matches: [{ path }], respond: { status: 200, body } });

function anyHost(): Document {
  const { hostnames: _hostnames, ...rest } = route("any", "x", says("any", { prefix: "/any" }));
  return rest as Document;
}

beforeAll(async () => {
  await serve({
    routes: [
      route("exact", "one.excl.example", says("exact", { prefix: "/exact" })),
      // Two routes of one host are one set of rules.
      route("exact-2", "ONE.excl.example", says("exact-2", { prefix: "/second" })),
      route("wild", "*.excl.example", says("wild", { prefix: "/" })),
      route("wild-deep", "*.deep.excl.example", says("deep", { prefix: "/deep" })),
      anyHost(),
    ],
  });
});

const rows = [
  { host: "one.excl.example", path: "/exact", status: 200, body: "exact" },
  { host: "one.excl.example", path: "/second", status: 200, body: "exact-2" },
  { host: "one.excl.example", path: "/other", status: 404 },
  { host: "one.excl.example", path: "/any", status: 404 },
  { host: "OnE.ExCl.ExAmPlE:80", path: "/exact/x", status: 200, body: "exact" },
  { host: "two.excl.example", path: "/other", status: 200, body: "wild" },
  { host: "a.b.excl.example", path: "/any", status: 200, body: "wild" },
  { host: "excl.example", path: "/other", status: 404 },
  { host: "excl.example", path: "/any", status: 200, body: "any" },
  { host: "x.deep.excl.example", path: "/deep", status: 200, body: "deep" },
  { host: "x.deep.excl.example", path: "/other", status: 404 },
  { host: "x.y.deep.excl.example", path: "/deep", status: 200, body: "deep" },
  { host: "deep.excl.example", path: "/deep", status: 200, body: "wild" },
  { host: "one.excl.example.evil.example", path: "/exact", status: 404 },
  { host: "xone.excl.example", path: "/exact", status: 200, body: "wild" },
  { host: "127.0.0.1", path: "/any", status: 200, body: "any" },
  { host: "[::1]:8080", path: "/any", status: 200, body: "any" },
];

describe.each(proxyNames)("%s", (proxy) => {
  it.each(rows)("$host$path answers $status $body", async ({ host, path, status, body }) => {
    const answer = await ask(proxy, { host, path });
    expect(answer).toMatchObject({ status, body: body ?? "404 Not Found\n" });
  });
});
