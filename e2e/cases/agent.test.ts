/** `trimtab agent`: nginx and HAProxy beside agents follow a control plane elsewhere, outlive it, and are told of as local ones are. */
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { must } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import type { Document, Model } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { type Child, killChild, logTail, startChild, stopChild, until } from "../harness/process.ts";
import {
  killProgram,
  type Program,
  programEntry,
  runCli,
  type ServeOptions,
  startProgram,
  stopProgram,
} from "../harness/program.ts";
import { connectTo, send } from "../harness/rawHttp.ts";
import { startEcho, startTcpEcho, type Upstream } from "../harness/upstream.ts";

const kinds = ["nginx", "haproxy"] as const;
type Kind = (typeof kinds)[number];
const addresses: Readonly<Record<Kind, string>> = { nginx: "127.0.0.51", haproxy: "127.0.0.52" };
const host = "agent.e2e.example";
/** Starts and reloads of proxies take their time on a busy machine. */
const PATIENCE = { timeoutMs: 30_000 };
/** Longer than old processes stay, so that what ends was not theirs. */
const DRAIN_MS = 3_000;
/** The agent looks once a second. */
const LATE_MS = 4_000;
const API_TOKEN = "of-operators-0123456789-0123456789";

let dir: string;
let serveOptions: ServeOptions;
let program: Program;
let between: Server;
let through: string;
let agents: Record<Kind, Child>;
let upstreams: Upstream[];
/** Of TCP, behind HAProxy. */
let holding: Upstream[];
let port: number;
let heldPort: number;
/** What the way to the control plane does to the files of an answer. */
let spoil: ((text: string) => string) | null = null;

function model(body: string, more: { weight?: number; state?: string } = {}): Model {
  const endpoints = upstreams.map(({ port: of }, index) => ({
    address: "127.0.0.1",
    port: of,
    ...(index === 0 && more.weight !== undefined ? { weight: more.weight } : {}),
  }));
  const held = holding.map(({ port: of }, index) => ({
    address: "127.0.0.1",
    port: of,
    ...(index === 0 && more.state !== undefined ? { state: more.state } : {}),
  }));
  const check = { type: "http", interval: "200ms", timeout: "2s", rise: 1, fall: 2, http: { path: "/health" } };
  return {
    fleets: kinds.map((name) => ({
      name,
      proxy: name,
      bindAddress: addresses[name],
      ...(name === "nginx" ? { healthChecks: "agent" } : { process: { shutdownGrace: "1s" } }),
    })),
    listeners: [
      { name: "web", fleets: [...kinds], port, protocol: "HTTP" },
      { name: "held", fleets: ["haproxy"], port: heldPort, protocol: "TCP" },
    ],
    healthChecks: [{ name: "page", ...check }],
    clusters: [
      { name: "page", endpoints, healthCheck: "page", balance: { policy: "random" } },
      { name: "held", endpoints: held, drainTimeout: `${DRAIN_MS}ms` },
    ],
    routes: [
      { name: "held", listeners: ["held"], protocol: "tcp", rules: [{ split: [{ cluster: "held" }] }] },
      {
        name: "says",
        listeners: ["web"],
        hostnames: [host],
        rules: [
          { matches: [{ path: { exact: "/says" } }], respond: { status: 200, body } },
          { split: [{ cluster: "page" }] },
        ],
      },
    ],
    geoTables: [],
    canaries: [],
    certificates: [],
    authorities: [],
  };
}

const authorized = { authorization: `Bearer ${API_TOKEN}` };

async function put(...of: Parameters<typeof model>): Promise<number> {
  const { json } = await must(program.api, "PUT /v1/config", { body: model(...of), headers: authorized });
  return json.revision;
}

const ask = (kind: Kind, path: string): ReturnType<typeof send> =>
  send({ address: addresses[kind], port }, { path, host });

async function says(kind: Kind): Promise<string> {
  return ask(kind, "/says").then(({ body }) => body, String);
}

async function untilSay(text: string): Promise<void> {
  for (const kind of kinds) {
    await until(`${kind} says ${text}`, async () => ((await says(kind)) === text ? true : null), PATIENCE);
  }
}

/** What the control plane tells of a fleet's proxies that agents report. */
async function told(kind: Kind): Promise<Document[]> {
  const { json } = await must(program.api, `GET /v1/fleets/${kind}/proxies`, { headers: authorized });
  return json.items.filter(({ source }: Document) => source === "agent");
}

async function untilTold(kind: Kind, what: Record<string, unknown>): Promise<Document> {
  const look = async (): Promise<Document> => {
    const [proxy] = await told(kind);
    expect(proxy).toMatchObject(what);
    return proxy as Document;
  };
  return until(`${kind} is told of as ${JSON.stringify(what)}`, look, PATIENCE);
}

function startAgent(kind: Kind): Child {
  const flags = ["--fleet", kind, "--name", `lb-${kind}`, "--server", through, "--interval", "300ms"];
  const files = ["--run-dir", join(dir, `agent-${kind}`), "--token-file", join(dir, `${kind}.token`)];
  return startChild(process.execPath, [programEntry(), "agent", ...flags, ...files], {
    logFile: join(dir, `agent-${kind}.log`),
  });
}

/** Passes everything on; files on their way can be spoilt. */
function startBetween(): Promise<Server> {
  const server = createServer(async (request, response) => {
    try {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const { host: _, connection: _connection, ...headers } = request.headers as Record<string, string>;
      if (spoil !== null) delete headers["if-none-match"];
      const body = parts.length === 0 ? {} : { body: Buffer.concat(parts) };
      const answer = await fetch(program.api + request.url, { method: request.method ?? "GET", headers, ...body });
      const text = await answer.text();
      const isFiles = request.url?.endsWith("/files") === true && answer.status === 200;
      const etag = answer.headers.get("etag");
      response.writeHead(answer.status, {
        "content-type": answer.headers.get("content-type") ?? "",
        ...(etag === null ? {} : { etag: isFiles && spoil !== null ? '"spoilt"' : etag }),
      });
      response.end(isFiles && spoil !== null ? spoil(text) : text);
    } catch {
      response.destroy();
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

beforeAll(async () => {
  dir = await mkdtemp(join(e2e().workDir, "agent-"));
  port = await freePort(...Object.values(addresses));
  heldPort = await freePort(...Object.values(addresses));
  upstreams = await Promise.all(["a", "b"].map((name) => startEcho(name)));
  holding = await Promise.all(["held-a", "held-b"].map((name) => startTcpEcho(name)));
  await mkdir(join(dir, "data"));
  const token = async (name: string, text: string): Promise<string> => {
    await writeFile(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const agentTokens = await Promise.all(
    kinds.map(async (kind) => `${kind}=${await token(`${kind}.token`, `of-${kind}-${"0123456789".repeat(3)}`)}`),
  );
  serveOptions = {
    dataDir: join(dir, "data"),
    httpPort: await freePort(),
    xdsPort: await freePort(),
    logFile: join(dir, "trimtab.log"),
    more: [
      "--api-token-file",
      await token("api.token", API_TOKEN),
      ...agentTokens.flatMap((each) => ["--agent-token-file", each]),
    ],
  };
  program = await startProgram(serveOptions);
  between = await startBetween();
  through = `http://127.0.0.1:${(between.address() as { port: number }).port}`;
  await put("one");
  agents = { nginx: startAgent("nginx"), haproxy: startAgent("haproxy") };
  await untilSay("one");
});

afterAll(async () => {
  await Promise.all(Object.values(agents).map(stopChild));
  await stopProgram(program);
  between.close();
  await Promise.all([...upstreams, ...holding].map((upstream) => upstream.close()));
});

it("a change serves, and the proxies are told of with what they run, since when, and by whom", async () => {
  const revision = await put("two");
  await untilSay("two");
  for (const kind of kinds) {
    const proxy = await untilTold(kind, { state: "serving", revision, lastError: null });
    expect(proxy).toMatchObject({
      nodeId: `lb-${kind}`,
      proxy: kind,
      version: expect.stringMatching(/^\d+\.\d+/),
      agent: { address: "127.0.0.1", version: expect.any(String), reportedAt: expect.any(String) },
      wanted: { revision, generation: proxy.generation },
      listeners: expect.arrayContaining([expect.objectContaining({ listener: "web", state: "serving" })]),
    });
    expect(Date.parse(proxy.since)).toBeGreaterThan(Date.now() - 120_000);
  }
  const status = await runCli(
    "status",
    "--server",
    program.api,
    "--token-file",
    join(dir, "api.token"),
    "--wait",
    `${revision}`,
  );
  expect([status.code, status.stderr]).toEqual([0, ""]);
});

it("nginx follows the probes made beside it; HAProxy takes a weight without a reload", async () => {
  const [a, b] = upstreams as [Upstream, Upstream];
  a.setStatus(500);
  await untilTold("nginx", { endpointsDown: [{ cluster: "page", port: a.port, reason: "status 500" }] });
  const by = async (): Promise<string> => (JSON.parse((await ask("nginx", "/")).body) as { name: string }).name;
  await until("b alone answers", async () => {
    const names = new Set<string>();
    for (let sent = 0; sent < 8; sent++) names.add(await by());
    return [...names].join() === b.name ? true : null;
  });
  a.setStatus(200);
  await untilTold("nginx", { endpointsDown: [] });
  const { reloads } = await untilTold("haproxy", { state: "serving" });
  const revision = await put("two", { weight: 3 });
  await untilTold("haproxy", { revision, applied: "runtime", runtimeChanges: 1, reloads });
});

/** A connection through HAProxy to the endpoint of this name; it says something all the while. */
async function hold(name: string): Promise<{ closedAt: number | null; echoedAt: number }> {
  const socket = await until(`HAProxy reaches ${name}`, async () => {
    const made = await connectTo({ address: addresses.haproxy, port: heldPort });
    made.on("error", () => {});
    const greeting = await new Promise((resolve) => {
      made.once("data", (chunk) => resolve(String(chunk).trim())).once("close", resolve);
    });
    if (greeting === name) return made;
    made.destroy();
    return null;
  });
  const held = { closedAt: null as number | null, echoedAt: 0 };
  const talk = setInterval(() => socket.write("still here\n"), 100);
  socket.on("data", () => {
    held.echoedAt = Date.now();
  });
  socket.on("end", () => socket.destroy());
  socket.on("close", () => {
    clearInterval(talk);
    held.closedAt = Date.now();
  });
  return held;
}

it("what a drained endpoint has ends when its time is over, without a reload, and the other's goes on", async () => {
  const [drained, other] = [await hold("held-a"), await hold("held-b")];
  const { reloads } = await untilTold("haproxy", { state: "serving" });
  const from = Date.now();
  const revision = await put("two", { state: "drain" });
  await untilTold("haproxy", { revision, applied: "runtime", reloads });
  await until("the connection is closed", () => (drained.closedAt === null ? null : true), PATIENCE);
  expect((drained.closedAt ?? 0) - from).toBeGreaterThan(DRAIN_MS);
  expect((drained.closedAt ?? 0) - from).toBeLessThan(DRAIN_MS + LATE_MS);
  expect((drained.closedAt ?? 0) - drained.echoedAt).toBeLessThan(1_000);
  const since = Date.now();
  await until("the other is still there", () => (other.echoedAt > since ? true : null));
  expect(other.closedAt).toBe(null);
  await untilTold("haproxy", { reloads });
});

it("files that the proxy refuses are told with its words, what served serves on, and the next good ones are taken", async () => {
  spoil = (text) => {
    const files = JSON.parse(text) as { generation: string; files: { path: string; text: string }[] };
    files.generation = "spoilt";
    for (const file of files.files) if (/^(nginx\.conf|haproxy\.cfg)$/.test(file.path)) file.text += "\nnonsense;\n";
    return JSON.stringify(files);
  };
  for (const kind of kinds) {
    const { lastError } = await untilTold(kind, { state: "degraded", lastError: expect.stringContaining("nonsense") });
    expect(lastError).toMatch(new RegExp(`^${kind} refuses the configuration`));
  }
  const status = await runCli("status", "nginx", "--server", program.api, "--token-file", join(dir, "api.token"));
  const words = /^nginx: proxy lb-nginx is degraded: nginx refuses the configuration: .*"nonsense"/;
  expect([status.code, status.stderr]).toEqual([1, expect.stringMatching(words)]);
  await untilSay("two");
  spoil = (text) => text.slice(0, -40);
  await until(
    "an answer that is cut is told",
    () => (logTail(agents.nginx).includes("no JSON") ? true : null),
    PATIENCE,
  );
  spoil = null;
  const revision = await put("three");
  await untilSay("three");
  for (const kind of kinds) await untilTold(kind, { state: "serving", revision, lastError: null });
});

it("without the control plane the proxies serve on, also when their agents are killed and started; then all come back", async () => {
  await killProgram(program);
  await untilSay("three");
  await Promise.all(kinds.map((kind) => killChild(agents[kind])));
  for (const kind of kinds) {
    await until(`${kind} ends with its agent`, async () => ((await says(kind)) === "three" ? null : true), PATIENCE);
    agents[kind] = startAgent(kind);
  }
  await untilSay("three");
  program = await startProgram(serveOptions);
  for (const kind of kinds) await untilTold(kind, { state: "serving", nodeId: `lb-${kind}`, applied: "start" });
  const revision = await put("four");
  await untilSay("four");
  for (const kind of kinds) await untilTold(kind, { revision });
});

it("an agent that ends takes its proxy along, and says so", async () => {
  await stopChild(agents.haproxy);
  expect(await told("haproxy")).toEqual([]);
  await expect(ask("haproxy", "/says")).rejects.toThrow();
  const { text } = await must(program.api, "GET /metrics", { headers: authorized });
  expect(text).toContain('trimtab_fleet_proxies_connected{fleet="haproxy"} 0');
  expect(text).toContain('trimtab_fleet_proxies_connected{fleet="nginx"} 1');
});
