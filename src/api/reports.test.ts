/** Reports of agents: what is taken, what is refused, and what an agent's token is good for. */
import { afterEach, expect, test } from "vitest";
import type { RemoteSender } from "../publish/types.ts";
import { model, startApi, type TestApi } from "./apiHarness.ts";

let t: TestApi;
afterEach(() => t.close());

const REPORT = {
  run: "0c5b1f0a-8f3e",
  agentVersion: "0.1.0",
  ttlSeconds: 30,
  revision: null,
  proxy: "nginx",
  version: "1.22.1",
  state: "serving",
  generation: "g",
  since: "2026-01-02T03:04:05.000Z",
  lastError: null,
  failures: 0,
  applied: "start",
  reloads: 0,
  runtimeChanges: 0,
  leaving: { processes: 0, endpoints: [] },
  listeners: [],
  endpointsDown: null,
};
const URL = "/v1/fleets/legacy/proxies/lb-1";

async function start(more: Parameters<typeof startApi>[0] = {}): Promise<RemoteSender[]> {
  t = await startApi(more);
  const headers = more.apiToken === undefined ? {} : { authorization: `Bearer ${more.apiToken}` };
  await t.call("PUT", "/v1/config", { body: model, headers });
  t.publisher.proxies = (fleet) => (fleet === "edge" || fleet === "legacy" ? [] : null);
  t.publisher.output = { fleet: "legacy", proxy: "nginx", revision: 6, generation: "g", files: [], sockets: [] };
  const taken: RemoteSender[] = [];
  const report = (_fleet: string, _node: string, sender: RemoteSender): "taken" => {
    taken.push(sender);
    return "taken";
  };
  Object.assign(t.publisher.remote, { report });
  return taken;
}

test("a report is taken without what is not known, with whence it came and how large it was", async () => {
  const taken = await start();
  const body = { ...REPORT, news: "of a later version", leaving: { ...REPORT.leaving, more: 1 } };
  const answer = await t.call("PUT", URL, { body });
  expect([answer.status, answer.body]).toEqual([200, { wanted: null }]);
  expect(taken).toEqual([{ report: REPORT, address: "127.0.0.1", bytes: JSON.stringify(body).length }]);
  expect((await t.call("DELETE", `${URL}?run=${REPORT.run}`)).status).toBe(200);
});

test("everything that is wrong with a report is told at once; so are names, fleets and agents that cannot be", async () => {
  await start();
  const wrong = { ...REPORT, run: "x", ttlSeconds: 1, lastError: "y".repeat(5000), listeners: [{ listener: "web" }] };
  const answer = await t.call("PUT", URL, { body: { ...wrong, state: "happy" } });
  expect([answer.status, answer.body.code]).toEqual([422, "API-INVALID"]);
  const pointers = answer.body.errors.map((each: { pointer: string }) => each.pointer).sort();
  expect(pointers).toEqual(
    [
      "/lastError",
      "/listeners/0/reason",
      "/listeners/0/since",
      "/listeners/0/state",
      "/run",
      "/state",
      "/ttlSeconds",
    ].sort(),
  );
  const code = async (method: "PUT" | "DELETE", url: string): Promise<unknown[]> => {
    const { status, body } = await t.call(method, url, method === "PUT" ? { body: REPORT } : {});
    return [status, body.code];
  };
  expect(await code("PUT", "/v1/fleets/none/proxies/lb-1")).toEqual([404, "API-NOT-FOUND"]);
  expect(await code("PUT", "/v1/fleets/edge/proxies/lb-1")).toEqual([409, "API-NO-FILES"]);
  expect(await code("PUT", "/v1/fleets/legacy/proxies/-a")).toEqual([400, "API-BAD-PARAMETER"]);
  expect(await code("DELETE", URL)).toEqual([400, "API-BAD-PARAMETER"]);
  for (const [outcome, expected] of [
    ["full", [503, "API-BUSY"]],
    ["replaced", [409, "API-NAME-TAKEN"]],
  ] as const) {
    Object.assign(t.publisher.remote, { report: () => outcome });
    expect(await code("PUT", URL)).toEqual(expected);
  }
});

test("an agent's token is good for the files and reports of its fleet, and for nothing else", async () => {
  const agentTokens = [
    { fleet: "legacy", token: "of-legacy" },
    { fleet: "other", token: "of-other" },
    { fleet: null, token: "of-all" },
  ];
  await start({ apiToken: "api", agentTokens, metricsToken: "metrics" });
  const ask = async (token: string, method: string, url: string): Promise<unknown[]> => {
    const body = method === "PUT" ? { body: REPORT } : {};
    const { status, body: answer } = await t.call(method as "GET", url, {
      headers: { authorization: `Bearer ${token}` },
      ...body,
    });
    return status === 401 ? [status, answer.detail] : [status];
  };
  for (const token of ["api", "of-legacy", "of-all"]) {
    expect(await ask(token, "GET", "/v1/fleets/legacy/files")).toEqual([200]);
    expect(await ask(token, "HEAD", "/v1/fleets/legacy/files")).toEqual([200]);
    expect(await ask(token, "PUT", URL)).toEqual([200]);
    expect(await ask(token, "DELETE", `${URL}?run=x`)).toEqual([200]);
  }
  const other = "this bearer token is for agents of fleet other only, which get its files and report";
  expect(await ask("of-other", "GET", "/v1/fleets/legacy/files")).toEqual([401, other]);
  expect(await ask("of-other", "PUT", URL)).toEqual([401, other]);
  expect(await ask("metrics", "PUT", URL)).toEqual([401, "this bearer token is for GET /metrics only"]);
  expect(await ask("nobody", "PUT", URL)).toEqual([401, "the bearer token is not the right one"]);
  const urls = ["/v1/fleets/legacy/proxies", "/v1/fleets/legacy", "/v1/fleets/legacy/status", "/v1/config", "/metrics"];
  for (const url of urls) {
    const expected = "this bearer token is for agents of fleets only, which get its files and report";
    expect([url, ...(await ask("of-all", "GET", url))]).toEqual([url, 401, expected]);
  }
});

test("without a token for the API, reports need an agent's, and all else is open to this machine", async () => {
  await start({ agentTokens: [{ fleet: "legacy", token: "of-legacy" }] });
  const get = (url: string, token?: string) =>
    t.call("GET", url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  // With references in place of secrets.
  expect((await get("/v1/fleets/legacy/files")).status).toBe(200);
  expect((await get("/v1/fleets/legacy/files", "of-legacy")).status).toBe(200);
  for (const token of [undefined, "wrong"]) {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    expect((await t.call("PUT", URL, { headers, body: REPORT })).status).toBe(401);
    expect((await t.call("DELETE", `${URL}?run=x`, { headers })).status).toBe(401);
  }
  expect((await get("/v1/config")).status).toBe(200);
});
