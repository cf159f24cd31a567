/** Files with secrets: for agents, and with references for everybody else. */
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

const agents = {
  agentTokens: [
    { fleet: null, token: "agents" },
    { fleet: "legacy", token: "legacy" },
    { fleet: "edge", token: "edge" },
  ],
};

test.each(["agents", "legacy"])("an agent (%s) gets the key, in a representation of its own", async (token) => {
  const t = await start({ apiToken: "api", ...agents });
  const opened = await fetched(t, token);
  expect(opened).toMatchObject({
    status: 200,
    headers: { etag: `"${generation}-opened"`, "cache-control": "no-store" },
  });
  expect(opened.body.files).toEqual([{ path: "shop.pem", text: `${cert}${key}`, mode: 0o600 }]);
  expect((await fetched(t, token, { "if-none-match": `"${generation}-opened"` })).status).toBe(304);
  expect((await fetched(t, token, { "if-none-match": `"${generation}"` })).status).toBe(200);
  const tar = await t.app.inject({ url: `${URL}?format=tar`, headers: bearer(token) });
  expect(tar.rawPayload.includes(key)).toBe(true);
  for (const url of ["/v1/config", "/v1/certificates/shop", "/metrics"])
    expect([url, (await t.call("GET", url, { headers: bearer(token) })).status]).toEqual([url, 401]);
});

test("all others get references, or nothing", async () => {
  const t = await start({ apiToken: "api", metricsToken: "metrics", ...agents });
  const answer = await fetched(t, "api");
  expect(answer).toMatchObject({ status: 200, headers: { etag: `"${generation}"` } });
  expect(answer.body.files[0].text).toMatch(/\nsealed:privateKey:\S+\n$/);
  expect(leakIn(answer.text, key)).toBeNull();
  for (const token of ["metrics", "edge", "wrong", undefined]) expect((await fetched(t, token)).status).toBe(401);
});

test("a server without tokens gives references to everybody on its machine, and keys to agents that show theirs", async () => {
  const closed = await start({});
  for (const token of [undefined, "any"]) {
    const answer = await fetched(closed, token);
    expect([answer.status, leakIn(answer.text, key)]).toEqual([200, null]);
  }
  const t = await start(agents);
  expect((await fetched(t, "legacy")).text).toContain(JSON.stringify(key).slice(1, -1));
  for (const token of [undefined, "wrong"]) {
    const answer = await fetched(t, token);
    expect([answer.status, leakIn(answer.text, key)]).toEqual([200, null]);
  }
});
