/**
 * A private key goes to the three real proxies and nowhere else: the same key in every way that there is into the built program, and then a
 * search in all that it answers, prints, writes, keeps and starts.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ApiAnswer, call, must } from "../harness/api.ts";
import { filesWith, processesWith, type Search, searchFor } from "../harness/canary.ts";
import { e2e } from "../harness/context.ts";
import { freePort } from "../harness/ports.ts";
import { type Child, startChild, stopChild, until } from "../harness/process.ts";
import { cli, programEntry, runCli } from "../harness/program.ts";
import { certificateMaker, type Made, shake } from "../harness/tls.ts";

const PROXIES = ["envoy", "nginx", "haproxy"] as const;
/** Where they listen; of this case only. */
const ADDRESSES = { envoy: "127.0.0.57", nginx: "127.0.0.58", haproxy: "127.0.0.59" } as const;
const HOST = "shop.example";
const AGENT = "agents-0123456789abcdef0123456789abcdef";

let folder: string;
let child: Child;
let api: string;
let port: number;
let made: readonly [Made, Made];
let hasFirst: Search;
let hasSecond: Search;
const has: Search = (bytes) => hasFirst(bytes) || hasSecond(bytes);
/** All that it said, by what was asked. */
const said: (readonly [string, string])[] = [];

async function ask(line: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> {
  const answer = await call(api, line, { ...(body === undefined ? {} : { body }), headers });
  said.push([line, answer.text]);
  return answer;
}

async function run(...args: readonly string[]): Promise<void> {
  const { stdout, stderr } = await runCli(...args);
  said.push([args.join(" "), stdout + stderr]);
}

const certificate = ({ chain, privateKey }: Made) => ({ name: "shop", chain, privateKey });
const log = (): string => readFileSync(child.logFile, "utf8");

function model(own: Made): object {
  return {
    fleets: PROXIES.map((proxy) => ({ name: proxy, proxy, bindAddress: ADDRESSES[proxy] })),
    certificates: [certificate(own)],
    listeners: [{ name: "web", fleets: PROXIES, port, protocol: "HTTPS", tls: { certificates: ["shop"] } }],
    routes: [{ name: "all", listeners: ["web"], rules: [{ name: "ok", respond: { status: 200 } }] }],
  };
}

/** All proxies show it to a client. */
async function shown({ chain }: Made, authority: string): Promise<void> {
  const wanted = chain.replace(/-----[^-]+-----|\s/g, "");
  for (const proxy of PROXIES)
    await until(`${proxy} shows the certificate`, async () => {
      const done = await shake({ address: ADDRESSES[proxy], port, serverName: HOST, ca: authority });
      const found = done?.socket.getPeerX509Certificate()?.raw.toString("base64");
      done?.socket.destroy();
      return found === wanted && done?.distrust === null ? true : null;
    });
}

beforeAll(async () => {
  folder = mkdtempSync(join(e2e().workDir, "secrets-"));
  const outside = mkdtempSync(join(e2e().workDir, "secrets-made-"));
  for (const name of ["data", "tmp"]) mkdirSync(join(folder, name));
  const maker = certificateMaker(outside);
  made = [maker.make("one", { names: `DNS:${HOST}` }), maker.make("two", { names: `DNS:${HOST}` })];
  [hasFirst, hasSecond] = [searchFor(made[0].privateKey), searchFor(made[1].privateKey)];
  expect(made.map(({ privateKey }) => has(JSON.stringify(privateKey)))).toEqual([true, true]);
  port = await freePort(...Object.values(ADDRESSES));
  const [http, xds] = [await freePort(), await freePort()];
  api = `http://127.0.0.1:${http}`;
  const fleets = join(folder, "fleets.json");
  writeFileSync(fleets, "{}");
  const tokenFile = join(folder, "agents");
  writeFileSync(tokenFile, AGENT, { mode: 0o600 });
  const args = ["--http", `127.0.0.1:${http}`, "--xds", `127.0.0.1:${xds}`, "--data", join(folder, "data")];
  args.push("--agent-token-file", tokenFile, "--log-level", "debug", "--log-format", "json");
  // What it and its proxies write for a moment is written here too.
  child = startChild(
    "env",
    [`TMPDIR=${join(folder, "tmp")}`, process.execPath, programEntry(), "dev", fleets, ...args],
    {
      logFile: join(folder, "dev.log"),
    },
  );
  await until("the API answers", async () => ((await fetch(`${api}/readyz`)).ok ? true : null), { timeoutMs: 60_000 });
  await must(api, "PUT /v1/config", { body: model(made[0]) });
  await shown(made[0], maker.authority);
  await everyWay(made[0]);
  // Another key, which HAProxy gets over its socket.
  expect((await ask("PUT /v1/certificates/shop", certificate(made[1]))).status).toBe(200);
  await shown(made[1], maker.authority);
  await everyWay(made[1]);
}, 90_000);

afterAll(() => stopChild(child));

/** In, by every way, right and wrong; and out. */
async function everyWay(own: Made): Promise<void> {
  const body = certificate(own);
  const merge = { "content-type": "application/merge-patch+json" };
  const taken = [
    await ask("PUT /v1/config?dryRun=true", model(own)),
    await ask("POST /v1/config/apply", { certificates: [body] }),
    await ask("PUT /v1/certificates/shop", body),
    await ask("PATCH /v1/certificates/shop", { privateKey: own.privateKey }, merge),
  ];
  expect(taken.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const { chain, privateKey } = body;
  for (const wrong of [
    { ...body, privateKey: privateKey.replace("-----END", "-----ENDE") },
    { ...body, privateKey: privateKey.replace("BEGIN", "BEGIN ENCRYPTED") },
    { ...body, chain: privateKey },
    { ...body, chain: chain + privateKey },
    { ...body, name: privateKey },
    { ...body, [privateKey]: 1 },
    { ...body, labels: { key: privateKey } },
  ])
    expect((await ask("PUT /v1/certificates/shop", wrong)).status).toBeGreaterThan(399);
  expect((await ask("PUT /v1/certificates/shop", `{"privateKey": ${JSON.stringify(privateKey)},,}`)).status).toBe(400);
  await ask("POST /v1/explain", { fleet: "nginx", host: HOST, path: "/", scheme: "https" });
  await ask("POST /v1/revisions/1/restore?dryRun=true");
  // Commands take a second each.
  if (own !== made[1]) return;
  const file = join(folder, "..", "secrets-model.json");
  writeFileSync(file, JSON.stringify(model(own)), { mode: 0o600 });
  const server = ["--server", api];
  for (const args of [
    ["apply", file, ...server],
    ["diff", file, ...server],
    ["diff", file, file],
    ["validate", file],
  ])
    await run(...args);
  for (const args of [["history"], ["history", "1"], ["export"], ["status"], ["rollback", "1", "--dry-run"]])
    await run(...args, ...server);
}

it("no answer of the API has it: every GET that OpenAPI names, for all that there is", async () => {
  const { paths } = (await must(api, "GET /openapi.json")).json as { paths: Record<string, Record<string, unknown>> };
  const revisions = (await must(api, "GET /v1/revisions")).json.items.map(
    ({ revision }: { revision: number }) => revision,
  );
  let asked = 0;
  for (const path of Object.keys(paths).filter((each) => paths[each]?.get !== undefined)) {
    const isFleet = path.startsWith("/v1/fleets/");
    const values = isFleet ? PROXIES : path.includes("{name}") ? ["shop", "web", "all"] : revisions;
    const urls = path.includes("{") ? values.map((value: string) => path.replace(/\{[^}]+\}/, String(value))) : [path];
    for (const url of urls) {
      asked++;
      await ask(`GET ${url}`);
      await ask(`GET ${url}`, undefined, { accept: "application/yaml, application/x-tar, text/plain, */*" });
    }
  }
  expect(asked).toBeGreaterThan(40);
  expect(said.filter(([, text]) => has(text)).map(([what]) => what)).toEqual([]);
});

it("agents get it with their token, and nobody else does; both are told", async () => {
  const path = "GET /v1/fleets/haproxy/files";
  const authorization = `Bearer ${AGENT}`;
  expect(hasSecond((await call(api, path, { headers: { authorization } })).text)).toBe(true);
  expect(has((await call(api, path)).text)).toBe(false);
  const delivered = log()
    .split("\n")
    .filter((line) => line.includes('"secrets-delivered"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const told = delivered.map(({ fleet, by, secrets }) => `${fleet} ${by}: ${String(secrets)}`);
  expect([...new Set(told)].sort()).toEqual([
    "envoy xds: shop",
    "haproxy agent: certificates/shop.pem",
    "haproxy api: certificates/shop.pem",
    "nginx agent: certificates/shop.key",
  ]);
});

it("Envoy's own dump of its configuration has it redacted", async () => {
  const [address] = filesNamed("admin-address");
  const dump = await (await fetch(`http://${readFileSync(address as string, "utf8").trim()}/config_dump`)).text();
  // Not as `toContain`, which would print all of it.
  for (const words of ["SecretsConfigDump", '"[redacted]"'])
    expect([words, dump.includes(words)]).toEqual([words, true]);
  expect(has(dump)).toBe(false);
});

it("no log line, argument or environment of a process has it", () => {
  expect(has(log())).toBe(false);
  const { seen, found } = processesWith(child.pid, has);
  // The program, Envoy, nginx with its workers, HAProxy with one.
  expect(seen).toBeGreaterThan(5);
  expect(found).toEqual([]);
});

it("on disk it is in the files of nginx and HAProxy, for their owner only, and nowhere else; also not in a backup", async () => {
  await cli("store", "backup", join(folder, "backup.db"), "--data", dataOf("haproxy"));
  const found = filesWith(folder, has).map(
    ({ path, mode }) => `${mode} ${path.replace(/^.*\/run\//, "").replace(/generations\/\w+|current/, "…")}`,
  );
  expect([...new Set(found)].sort()).toEqual([
    "600 haproxy/…/certificates/shop.pem",
    "600 nginx/…/certificates/shop.key",
  ]);
  const current = filesWith(folder, hasSecond);
  expect(current.length).toBeGreaterThan(1);
});

it("HAProxy has got it without a reload", async () => {
  const [item] = (await must(api, "GET /v1/fleets/haproxy/proxies")).json.items;
  expect([item.applied, item.reloads]).toEqual(["runtime", 0]);
});

function filesNamed(name: string): readonly string[] {
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return all.filter((path) => path.endsWith(`/${name}`)).map((path) => join(folder, path));
}

/** The data directory of the run. */
function dataOf(fleet: string): string {
  const [socket = ""] = readdirSync(join(folder, "data"));
  expect(readdirSync(join(folder, "data", socket, "run"))).toContain(fleet);
  return join(folder, "data", socket, "data");
}
