/** The API over TLS, on real sockets: who comes in, who is turned away with which words, and new certificates without an end. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type Agent, request, Agent as TlsAgent } from "node:https";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { Registry } from "prom-client";
import { afterAll, afterEach, expect, test } from "vitest";
import { TLS_FILES_MS, type TlsFilesEvent } from "../util/tlsFiles.ts";
import { createAuthority, type Issued } from "../xds/testingCertificates.ts";
import { startApi, type TestApi } from "./apiHarness.ts";
import type { ApiOptions } from "./index.ts";
import type { TlsRefusal } from "./tls.ts";

const servers = createAuthority("servers");
const clients = createAuthority("clients");
const dir = mkdtempSync(join(tmpdir(), "trimtab-api-tls-"));
const files = { cert: join(dir, "server.pem"), key: join(dir, "server.key") };
const clientCa = join(dir, "clients.pem");
const opened: TestApi[] = [];
const refused: TlsRefusal[] = [];
const read: TlsFilesEvent[] = [];
const agents: Agent[] = [];
/** Looks at the files now, not in seconds. */
let look: () => void = () => {};
let looks = 0;
const clock = {
  now: () => new Date(),
  after(milliseconds: number, callback: () => void): () => void {
    expect(milliseconds).toBe(TLS_FILES_MS);
    look = callback;
    looks += 1;
    return () => {};
  },
};

function put(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function putServer({ cert, key }: Issued): void {
  put(files.cert, cert);
  put(files.key, key);
}

async function start(more: Partial<ApiOptions> & { readonly asks?: boolean } = {}): Promise<number> {
  putServer(servers.issue({ dns: ["localhost"], ips: ["127.0.0.1"] }));
  put(clientCa, clients.cert);
  const { asks = false, ...options } = more;
  const tls = {
    files: asks ? { ...files, clientCa } : files,
    clock,
    onFiles: (event: TlsFilesEvent) => void read.push(event),
    onRefused: (refusal: TlsRefusal) => void refused.push(refusal),
  };
  const api = await startApi({ tls, ...options });
  opened.push(api);
  return Number((await api.api.listen("127.0.0.1:0")).split(":")[1]);
}

afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy();
  for (const api of opened.splice(0)) await api.close();
  refused.length = 0;
  read.length = 0;
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
}

/** Rejects as node:https does. */
function ask(port: number, { method = "GET", path = "/v1/clusters", body, headers, agent = agentOf() }: Asked = {}) {
  return new Promise<{ status: number; socket: TLSSocket }>((resolve, reject) => {
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const sent = request(
      { port, host: "127.0.0.1", method, path, agent, headers: { ...type, ...headers } },
      (answer) => {
        const socket = answer.socket as TLSSocket;
        answer.resume().on("end", () => resolve({ status: answer.statusCode ?? 0, socket }));
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

function agentOf(shown: Partial<Issued> = {}, authority = servers): Agent {
  const agent = new TlsAgent({ ca: authority.cert, keepAlive: true, maxSockets: 1, ...shown });
  agents.push(agent);
  return agent;
}

test("reads, writes and pages' origins are as without TLS, and a connection is kept", async () => {
  const port = await start();
  const agent = agentOf();
  const first = await ask(port, { agent });
  const blue = JSON.stringify({ name: "blue", endpoints: [] });
  const write = (origin: string) => ({
    method: "PUT",
    path: "/v1/clusters/blue",
    body: blue,
    headers: { origin },
    agent,
  });
  expect((await ask(port, write(`https://127.0.0.1:${port}`))).status).toBe(201);
  expect((await ask(port, write(`http://127.0.0.1:${port}`))).status).toBe(403);
  const last = await ask(port, { agent });
  expect([first.status, last.status]).toEqual([200, 200]);
  expect(last.socket).toBe(first.socket);
  expect(last.socket.getProtocol()).toBe("TLSv1.3");
});

test("the token is asked for as ever, and a client of another authority goes away itself", async () => {
  const port = await start({ apiToken: "t".repeat(32) });
  expect((await ask(port)).status).toBe(401);
  expect((await ask(port, { headers: { authorization: `Bearer ${"t".repeat(32)}` } })).status).toBe(200);
  await expect(ask(port, { agent: agentOf({}, clients) })).rejects.toThrow(/unable to verify|self-signed/);
});

test("with authorities of clients a certificate is needed beside the token, also for probes", async () => {
  const port = await start({ asks: true, apiToken: "t".repeat(32) });
  const good = agentOf(clients.issue({ dns: ["ops.example.org"] }));
  expect((await ask(port, { agent: good, path: "/healthz" })).status).toBe(200);
  expect((await ask(port, { agent: good })).status).toBe(401);
  expect((await ask(port, { agent: good, headers: { authorization: `Bearer ${"t".repeat(32)}` } })).status).toBe(200);
  const reasons = async (agent: Agent): Promise<string | undefined> => {
    refused.length = 0;
    await expect(ask(port, { agent, path: "/healthz" })).rejects.toThrow();
    await expect.poll(() => refused.length).toBe(1);
    expect(refused[0]?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    return refused[0]?.reason;
  };
  expect(await reasons(agentOf())).toBe("noCertificate");
  expect(await reasons(agentOf(servers.issue({})))).toBe("unknownAuthority");
  expect(await reasons(agentOf(clients.issue({ from: -3, to: -2 })))).toBe("expired");
});

test("plaintext, old versions and half handshakes are turned away and counted", async () => {
  const registry = new Registry();
  const port = await start({ registry });
  const gone = (socket: { once(event: "close", call: () => void): unknown }) =>
    new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const plain = connectTcp(port, "127.0.0.1", () => plain.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  await gone(plain.on("error", () => {}).resume());
  const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  await gone(connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ...old }).on("error", () => {}));
  const half = connectTcp(port, "127.0.0.1", () => half.end());
  await gone(half.resume());
  await expect.poll(() => refused.map(({ reason }) => reason)).toEqual(["plaintext", "protocol", "handshake"]);
  expect(await registry.metrics()).toContain('trimtab_http_tls_refusals_total{reason="plaintext"} 1\n');
});

test("new files are taken for new connections; open ones go on; what is no good changes nothing and is told once", async () => {
  const registry = new Registry();
  const port = await start({ registry, asks: true });
  const agent = agentOf(clients.issue({}));
  const { socket } = await ask(port, { agent });
  const [newServers, newClients] = [createAuthority("new servers"), createAuthority("new clients")];
  const told = async (): Promise<TlsFilesEvent | undefined> => {
    const before = looks;
    read.length = 0;
    look();
    await expect.poll(() => looks).toBe(before + 1);
    return read[0];
  };
  expect(await told()).toBeUndefined();
  const { cert, key } = newServers.issue({ ips: ["127.0.0.1"] });
  put(files.cert, cert);
  // The key comes later.
  expect(await told()).toMatchObject({ ok: false, message: expect.stringContaining("cannot be used together") });
  expect(await told()).toBeUndefined();
  expect((await ask(port, { agent: agentOf(clients.issue({})) })).status).toBe(200);
  put(files.key, key);
  put(clientCa, newClients.cert);
  expect(await told()).toMatchObject({ ok: true });
  expect((await ask(port, { agent })).socket).toBe(socket);
  expect((await ask(port, { agent: agentOf(newClients.issue({}), newServers) })).status).toBe(200);
  await expect(ask(port, { agent: agentOf(clients.issue({}), newServers) })).rejects.toThrow();
  await expect(ask(port, { agent: agentOf(newClients.issue({}), servers) })).rejects.toThrow();
  const metrics = await registry.metrics();
  expect(metrics).toContain("trimtab_http_tls_reloads_total 1\n");
  expect(metrics).toContain("trimtab_http_tls_reload_failures_total 1\n");
  expect(metrics).toMatch(/^trimtab_http_tls_expires_seconds 1[\d.e+]+$/m);
});

test("handshakes that are not finished take places that newer clients get, and hold up no end", async () => {
  const port = await start({ limits: { connections: 3 } });
  const agent = agentOf();
  const { socket } = await ask(port, { agent });
  const silent = Array.from({ length: 3 }, () => connectTcp(port, "127.0.0.1").on("error", () => {}));
  const ended = silent.map((each) => new Promise<void>((resolve) => each.resume().once("close", () => resolve())));
  // The kept connection waited longest, so the third of them took its place; a new one takes that of the first.
  await new Promise<void>((resolve) => (socket.destroyed ? resolve() : socket.once("close", () => resolve())));
  expect((await ask(port, { agent: agentOf() })).status).toBe(200);
  await ended[0];
  await opened.splice(0)[0]?.close();
  await Promise.all(ended);
});
