/** Files with secrets: for whoever shows the token for delivery, and with references for everybody else. */
import { afterEach, expect, test } from "vitest";
import { leakIn } from "../secrets/testing.ts";
import { createAuthority } from "../xds/testingCertificates.ts";
import { type Answer, type CallOptions, model, startApi, type TestApi } from "./apiHarness.ts";
import type { ApiOptions } from "./index.ts";

const { cert, key } = createAuthority("tests").issue({ dns: ["shop.example.com"] });
const generation = "0123456789abcdef";
const URL = "/v1/fleets/legacy/files";

const open: TestApi[] = [];
afterEach(async () => {
  for (const t of open.splice(0)) await t.close();
});

/** An API whose fleet `legacy` has a file with a key. */
async function start(options: Partial<ApiOptions>): Promise<TestApi> {
  const t = await startApi(options);
  open.push(t);
  const headers = bearer(options.apiToken);
  const body = { ...model, certificates: [{ name: "shop", chain: cert, privateKey: key }] };
  await t.call("PUT", "/v1/config", { body, headers });
  const reference: string = (await t.call("GET", "/v1/certificates/shop", { headers })).body.privateKey;
  const files = [{ path: "shop.pem", text: `${cert}${reference}\n`, mode: 0o600, secrets: [reference] }];
  t.publisher.output = { fleet: "legacy", proxy: "nginx", revision: 1, generation, files, sockets: [] };
  return t;
}

const bearer = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

async function fetched(t: TestApi, token?: string, more: CallOptions["headers"] = {}): Promise<Answer> {
  return t.call("GET", URL, { headers: { ...bearer(token), ...more } });
}

test("the delivery token gets the key, in a representation of its own, and nothing but files", async () => {
  const t = await start({ apiToken: "api", deliveryToken: "delivery", metricsToken: "metrics" });
  const opened = await fetched(t, "delivery");
  expect(opened).toMatchObject({
    status: 200,
    headers: { etag: `"${generation}-opened"`, "cache-control": "no-store" },
  });
  expect(opened.body.files).toEqual([{ path: "shop.pem", text: `${cert}${key}`, mode: 0o600 }]);
  expect((await fetched(t, "delivery", { "if-none-match": `"${generation}-opened"` })).status).toBe(304);
  expect((await fetched(t, "delivery", { "if-none-match": `"${generation}"` })).status).toBe(200);
  const tar = await t.app.inject({ url: `${URL}?format=tar`, headers: bearer("delivery") });
  expect(tar.rawPayload.includes(key)).toBe(true);
  for (const [method, url] of [
    ["GET", "/v1/config"],
    ["GET", "/v1/certificates/shop"],
    ["GET", "/metrics"],
    ["GET", "/v1/fleets/legacy/status"],
    ["PUT", "/v1/certificates/shop"],
    ["POST", URL],
  ] as const) {
    const answer = await t.call(method, url, { headers: bearer("delivery") });
    expect([url, answer.status]).toEqual([url, 401]);
  }
});

test("all others get references, or nothing", async () => {
  const t = await start({ apiToken: "api", deliveryToken: "delivery", metricsToken: "metrics" });
  const answer = await fetched(t, "api");
  expect(answer).toMatchObject({ status: 200, headers: { etag: `"${generation}"` } });
  expect(answer.body.files[0].text).toMatch(/\nsealed:privateKey:\S+\n$/);
  expect(leakIn(answer.text, key)).toBeNull();
  for (const token of ["metrics", "wrong", undefined]) expect((await fetched(t, token)).status).toBe(401);
});

test("a server without tokens gives references to everybody on its machine; with one for delivery keys to who shows it", async () => {
  const closed = await start({});
  for (const token of [undefined, "any"]) expect(leakIn((await fetched(closed, token)).text, key)).toBeNull();
  const t = await start({ deliveryToken: "delivery" });
  expect(leakIn((await fetched(t)).text, key)).toBeNull();
  expect((await fetched(t, "delivery")).text).toContain(JSON.stringify(key).slice(1, -1));
  expect((await fetched(t, "wrong")).status).toBe(401);
});
