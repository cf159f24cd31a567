/** What a running server says in its log: writes, proxies, refusals, start and stop; never a secret. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openFolder, startTestServer, type TestServer } from "./testingServer.ts";
import { CLUSTER, connect, NODE, subscriber, type TestClient } from "./xds/testing.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Stands for every secret: where it is written, the test ends. */
const TOKEN = "canary-api-0123456789-0123456789-0123456789";
const METRICS_TOKEN = "canary-metrics";
const WRONG = "canary-wrong-0123456789";
const folder = openFolder();
let server: TestServer;
let client: TestClient;

beforeAll(async () => {
  const tokens = [
    "--api-token-file",
    folder.file("api", TOKEN),
    "--metrics-token-file",
    folder.file("metrics", METRICS_TOKEN),
  ];
  server = await startTestServer(folder.dir, tokens, { authorization: `Bearer ${TOKEN}` });
  client = connect(server.xds);
});
afterAll(async () => {
  client.close();
  await server.stop();
  folder.close();
});

const cluster = (name: string, value = "1"): object => ({
  name,
  labels: { "trimtab.io/owner": "shop", secretish: value },
  endpoints: [{ address: "127.0.0.1", port: 9 }],
});

test("the start, and what is wrong with a token's length", async () => {
  expect(await server.line("started")).toMatchObject({
    level: "info",
    version: "0.1.0",
    http: server.url.slice("http://".length),
    xds: server.xds,
    secured: "loopback",
    data: `${folder.dir}/data`,
    revision: 0,
  });
  expect(server.lines("token-short")).toMatchObject([{ level: "warn", file: `${folder.dir}/metrics`, characters: 14 }]);
});

test("a write: who, whose, which revision, kinds and names, never values; what changes nothing is no write", async () => {
  const headers = { "trimtab-author": "ann" };
  await server.call("PUT", "/v1/clusters/a", { body: cluster("a", "value-of-a-label"), headers });
  expect(await server.line("write", { revision: 1 })).toEqual({
    level: "info",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    event: "write",
    revision: 1,
    author: "ann",
    principal: "token",
    peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    owners: ["shop"],
    changed: ["created clusters/a"],
  });
  await server.call("PUT", "/v1/clusters/a", { body: cluster("a", "value-of-a-label"), headers });
  await server.call("PUT", "/v1/clusters/b?dryRun=true", { body: cluster("b"), headers });
  await server.call("PUT", "/v1/clusters/c", { body: { name: "c" }, headers });
  await server.call("DELETE", "/v1/clusters/a?owner=shop");
  expect(await server.line("write", { revision: 2 })).toMatchObject({
    author: "anonymous",
    changed: ["deleted clusters/a"],
    owners: ["shop"],
  });
  expect(server.lines("write").length).toBe(2);
  expect(server.output()).not.toContain("value-of-a-label");
});

test("a large write is counted by kind, and names some", async () => {
  const clusters = Array.from({ length: 500 }, (_, index) => cluster(`c${index}`));
  const body = {
    clusters,
    fleets: [{ name: "edge", proxy: "envoy" }],
    listeners: [{ name: "web", fleets: ["edge"], port: 8080, protocol: "HTTP" }],
    routes: [{ name: "all", listeners: ["web"], rules: [{ split: [{ cluster: "c0" }] }] }],
  };
  expect(await server.call("POST", "/v1/config/apply", { body })).toMatchObject({ status: 200 });
  const line = await server.line("write", { revision: 3 });
  expect(line).toMatchObject({
    changes: 503,
    counts: { "created clusters": 500, "created fleets": 1, "created routes": 1 },
  });
  expect((line.changed as string[]).length).toBe(20);
});

test("a proxy that comes, takes a revision, refuses one, and goes; its words make no second line", async () => {
  const stream = client.stream({ ads: true, delta: true });
  const clusters = subscriber(stream, CLUSTER, { ...NODE, id: "n\u001b[2J\n1" });
  clusters.wantAll();
  clusters.ack(await stream.next());
  const node = { fleet: "edge", nodeId: "n\u001b[2J\n1", variant: "aggregated delta" };
  expect(await server.line("proxy-connected", { fleet: "edge" })).toMatchObject({
    ...node,
    peer: expect.stringMatching(/^127/),
  });
  expect(await server.line("revision-acknowledged")).toMatchObject({ ...node, revision: 3 });
  await server.call("PUT", "/v1/clusters/c0", { body: { ...cluster("c0"), timeouts: { connect: "9s" } } });
  const seen = await stream.next();
  clusters.nack(seen, `refused\n{"event":"forged"}\u001b[31m${"x".repeat(20_000)}`);
  const nack = await server.line("nack");
  expect(nack).toMatchObject({
    level: "warn",
    fleet: "edge",
    revision: 4,
    nodeId: node.nodeId,
    message: expect.stringMatching(/^refused\n/),
  });
  expect((nack.message as string).length).toBeLessThan(3000);
  expect(server.lines("forged")).toEqual([]);
  expect(server.output().replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  stream.cancel();
  await server.line("proxy-disconnected", { fleet: "edge" });
});

test("who asks for a fleet that is not there", async () => {
  const stream = client.stream({ ads: true, delta: false });
  subscriber(stream, CLUSTER, { ...NODE, cluster: "no\nsuch" }).wantAll();
  await stream.ended();
  expect(await server.line("xds-refused")).toMatchObject({
    level: "warn",
    reason: "unknownFleet",
    fleet: "no\nsuch",
    nodeId: NODE.id,
    peer: expect.stringMatching(/^127/),
  });
});

test("refused tokens: why and for what, never which; floods are counted", async () => {
  const bearer = (token: string): { headers: Record<string, string> } => ({
    headers: { authorization: `Bearer ${token}` },
  });
  expect((await server.call("GET", "/v1/config", { headers: { authorization: "" } })).status).toBe(401);
  expect((await server.call("GET", `/v1/clusters/${WRONG}`, bearer(WRONG))).status).toBe(401);
  expect((await server.call("PUT", "/v1/clusters/a", { ...bearer(METRICS_TOKEN), body: cluster("a") })).status).toBe(
    401,
  );
  const refused = server.lines("token-refused");
  expect(refused).toMatchObject([
    { level: "warn", reason: "missing", method: "GET", route: "/v1/config" },
    { reason: "wrong", route: "/v1/clusters/:name" },
    { reason: "scope", method: "PUT", route: "/v1/clusters/:name" },
  ]);
  for (let count = 0; count < 100; count++) await server.call("GET", "/v1/config", bearer(WRONG));
  expect(server.lines("token-refused").length).toBeLessThanOrEqual(20);
});

test("a secret that somebody sends as something else is not written either", async () => {
  const headers = { "trimtab-author": `me ${TOKEN}` };
  await server.call("PUT", "/v1/clusters/late", { body: cluster("late"), headers });
  expect(await server.line("write", { author: "me [redacted]" })).toMatchObject({ changed: ["created clusters/late"] });
});

test("the metrics' token reads metrics and nothing else; the other reads them too", async () => {
  const metrics = { headers: { authorization: `Bearer ${METRICS_TOKEN}` } };
  expect((await server.call("GET", "/metrics", metrics)).status).toBe(200);
  expect((await server.call("GET", "/metrics")).status).toBe(200);
  expect((await server.call("GET", "/metrics", { headers: { authorization: "" } })).status).toBe(401);
  for (const path of ["/v1/config", "/v1/fleets", "/readyz?verbose", "/v1/nothing", "/metrics/"])
    expect([path, (await server.call("GET", path, metrics)).status]).toEqual([path, 401]);
  expect((await server.call("POST", "/metrics", metrics)).status).toBe(401);
});

test("the stop; and in all of it no token", async () => {
  expect(await server.stop()).toBe(0);
  expect(server.lines("stopping").length).toBe(1);
  expect(server.lines().at(-1)).toMatchObject({ event: "stopped", revision: expect.any(Number) });
  expect(server.output()).not.toContain("canary");
});

test("as text", async () => {
  const text = await startTestServer(folder.dir, ["--log-format", "text"]);
  await text.call("PUT", "/v1/clusters/text", { body: cluster("text") });
  await text.stop();
  expect(text.output()).toMatch(
    /^\S+Z INFO {2}write revision=\d+ author=anonymous principal=loopback peer=\S+ owners=shop changed=\["created clusters\/text"\]$/m,
  );
});
