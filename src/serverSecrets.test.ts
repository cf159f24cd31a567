/** A canary: a private key that a server is given in every way, and that must be nowhere but where proxies get it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { leakIn, leaksBelow } from "./secrets/testing.ts";
import { backupStore } from "./store/index.ts";
import { openFolder, startTestServer, type TestServer } from "./testingServer.ts";
import { createAuthority } from "./xds/testingCertificates.ts";

const { cert: chain, key } = createAuthority("tests").issue({ dns: ["shop.example.com"] });
const certificate = { name: "shop", chain, privateKey: key };
const model = {
  fleets: [
    { name: "web1", proxy: "nginx" },
    { name: "edge", proxy: "envoy" },
  ],
  listeners: [{ name: "web", fleets: ["web1", "edge"], port: 8080, protocol: "HTTP" }],
  routes: [{ name: "r", listeners: ["web"], rules: [{ respond: { status: 200 } }] }],
  certificates: [certificate],
};
const broken = { ...certificate, privateKey: key.replace("-----END", "-----ENDE") };

const folder = openFolder();
const servers: TestServer[] = [];
const answers: string[] = [];

async function start(): Promise<TestServer> {
  const server = await startTestServer(folder.dir, ["--log-level", "debug"]);
  servers.push(server);
  return server;
}

async function call(server: TestServer, request: `${string} /${string}`, body?: unknown): Promise<number> {
  const [method = "", path = ""] = request.split(" ");
  const patch = method === "PATCH" ? { "content-type": "application/merge-patch+json" } : {};
  const { status, text } = await server.call(method, path, { body, headers: patch });
  answers.push(text);
  return status;
}

async function everyWay(server: TestServer): Promise<void> {
  const statuses = [
    await call(server, "PUT /v1/config?dryRun=true", model),
    await call(server, "PUT /v1/config", model),
    await call(server, "POST /v1/config/apply?owner=me", { certificates: [certificate] }),
    await call(server, "PUT /v1/certificates/shop?owner=me", certificate),
    await call(server, "PATCH /v1/certificates/shop?owner=me", { privateKey: key }),
  ];
  expect(statuses.filter((status) => status > 201 && status !== 409)).toEqual([]);
  for (const body of [
    broken,
    { ...certificate, chain: key },
    { ...certificate, name: key },
    { ...certificate, [key]: key },
  ])
    expect(await call(server, "PUT /v1/certificates/shop", body)).toBeGreaterThan(399);
  for (const path of ["/v1/config", "/v1/certificates", "/v1/certificates/shop", "/v1/certificates/shop/details"])
    await call(server, `GET ${path}` as `GET /${string}`);
  for (const path of [
    "/v1/revisions",
    "/v1/revisions/1",
    "/v1/fleets/web1/files",
    "/v1/fleets/web1/status",
    "/metrics",
  ])
    await call(server, `GET ${path}` as `GET /${string}`);
  await call(server, "GET /readyz?verbose");
  await call(server, "POST /v1/explain", { fleet: "web1", host: key, path: "/" });
  await call(server, "POST /v1/revisions/1/restore?force=true");
}

beforeAll(async () => {
  const first = await start();
  await everyWay(first);
  for (const file of ["cmdline", "environ"]) expect(leakIn(readFileSync(`/proc/${first.pid}/${file}`), key)).toBeNull();
  // In the middle of writes.
  const writes = Array.from({ length: 20 }, (_, index) =>
    first
      .call("PUT", "/v1/config", { body: { ...model, certificates: [{ ...certificate, name: `c${index}` }] } })
      .catch(() => null),
  );
  await Promise.race(writes);
  await first.stop("SIGKILL");
  await Promise.all(writes);
}, 120_000);

afterAll(() => folder.close());

test("no file has it after a kill, and none after the next run and a backup", async () => {
  expect(leaksBelow(folder.dir, key)).toEqual([]);
  const second = await start();
  await everyWay(second);
  expect(await second.stop()).toBe(0);
  backupStore(join(folder.dir, "data"), join(folder.dir, "backup.db"));
  expect(leaksBelow(folder.dir, key)).toEqual([]);
}, 120_000);

test("no answer, log line or metric has it", () => {
  expect(answers.length).toBeGreaterThan(30);
  expect(answers.filter((text) => leakIn(text, key) !== null)).toEqual([]);
  expect(servers.filter((server) => leakIn(server.output(), key) !== null)).toEqual([]);
});
