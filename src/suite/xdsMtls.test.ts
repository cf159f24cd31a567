/** A real Envoy that pulls its configuration with certificates: the control plane whole, and the bootstrap that we write. */
import { spawn } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderBootstrap, renderSecret } from "../targets/envoy/bootstrap.ts";
import { ask, echoUpstream, freePort, listen, type RunningEnvoy, runEnvoy } from "../targets/envoy/testing.ts";
import { envoyBinary } from "../tooling/binaries.ts";
import type { TlsFilesEvent } from "../util/tlsFiles.ts";
import type { RefusalEvent } from "../xds/index.ts";
import { createAuthority, type Issued } from "../xds/testingCertificates.ts";
import { type Plane, startPlane } from "./planeHarness.ts";

const TIMEOUT_MS = 60_000;
const patience = { timeout: 20_000, interval: 50 };
const EDGE = "spiffe://example.org/edge/envoy-1";

const serverCa = createAuthority("servers");
const clientCa = createAuthority("clients");
const dir = mkdtempSync(join(tmpdir(), "trimtab-mtls-"));
const files = { cert: join(dir, "server.pem"), key: join(dir, "server.key"), clientCa: join(dir, "clients.pem") };
const refused: RefusalEvent[] = [];
const read: TlsFilesEvent[] = [];
const upstreams: Server[] = [];
let plane: Plane;
let port: number;

function put(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return path;
}

function putServer({ cert, key }: Issued): void {
  put("server.pem", cert);
  put("server.key", key);
}

/** Writes the bootstrap of an Envoy; gives its path and admin port. `watches`: it takes new certificates while it runs. */
async function bootstrap(
  name: string,
  { cert, key }: Issued,
  more: { ca?: string; serverName?: string; watches?: boolean } = {},
) {
  const adminPort = await freePort();
  const tls = {
    cert: put(`${name}.pem`, cert),
    key: put(`${name}.key`, key),
    ca: put(`${name}-ca.pem`, more.ca ?? serverCa.cert),
    serverName: more.serverName ?? "trimtab.example.org",
    secretFile: more.watches === true ? join(dir, `${name}-secret.json`) : undefined,
  };
  put(`${name}-secret.json`, renderSecret(tls));
  const adminAddress = `127.0.0.1:${adminPort}`;
  const text = renderBootstrap({ fleet: "edge", nodeId: name, xdsAddress: plane.xdsAddress, adminAddress, tls });
  return { file: put(`${name}.json`, text), adminPort };
}

/** `allow`: the fleet's rules; `to`: the upstream that requests go to. */
async function apply(allow: readonly string[], to: 0 | 1): Promise<void> {
  const body = {
    fleets: [{ name: "edge", proxy: "envoy", bindAddress: "127.0.0.1", xds: { allow } }],
    listeners: [{ name: "web", fleets: ["edge"], port, protocol: "HTTP" }],
    clusters: ["one", "two"].map((name, index) => {
      const address = upstreams[index]?.address() as { port: number };
      return { name, endpoints: [{ address: "127.0.0.1", port: address.port }] };
    }),
    routes: [{ name: "any", listeners: ["web"], rules: [{ split: [{ cluster: to === 0 ? "one" : "two" }] }] }],
  };
  const answer = await fetch(`${plane.url}/v1/config`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
}

const upstream = async (): Promise<string> => {
  return (await ask(port, "GET /", ["Host: a.example"]).catch(() => null))?.seen.upstream ?? "none";
};

beforeAll(async () => {
  for (const name of ["one", "two"]) {
    const server = echoUpstream(name);
    await listen(server);
    upstreams.push(server);
  }
  port = await freePort();
  putServer(serverCa.issue({ dns: ["trimtab.example.org"] }));
  put("clients.pem", clientCa.cert);
  const xds = {
    tls: files,
    onRefused: (event: RefusalEvent) => void refused.push(event),
    onTlsFiles: (event: TlsFilesEvent) => void read.push(event),
  };
  plane = await startPlane({ xds });
});

afterAll(async () => {
  await plane.close();
  for (const server of upstreams) server.close();
  rmSync(dir, { recursive: true });
});

test(
  "it pulls, follows, keeps what it has while it may not pull, and outlives new certificates",
  async () => {
    await apply([EDGE], 0);
    const { file, adminPort } = await bootstrap("envoy-1", clientCa.issue({ uris: [EDGE] }));
    let envoy: RunningEnvoy | null = null;
    try {
      envoy = await runEnvoy(file, adminPort);
      await expect.poll(upstream, patience).toBe("one");
      await apply([EDGE], 1);
      await expect.poll(upstream, patience).toBe("two");
      expect(refused).toEqual([]);

      // New certificate, key and authority of clients: the open stream goes on, with the old certificates.
      const { streams } = plane.xds.metrics();
      const newClientCa = createAuthority("new clients");
      putServer(serverCa.issue({ dns: ["trimtab.example.org"] }));
      put("clients.pem", clientCa.cert + newClientCa.cert);
      await expect.poll(() => read.filter(({ ok }) => ok).length, patience).toBeGreaterThan(0);
      await apply([EDGE], 0);
      await expect.poll(upstream, patience).toBe("one");
      expect(plane.xds.metrics()).toMatchObject({ streams, openStreams: 1 });

      // Another fleet's Envoys only: the stream ends with the reason, and what is served is served.
      await apply(["spiffe://example.org/other/*"], 1);
      await expect
        .poll(() => refused.at(-1), patience)
        .toMatchObject({
          reason: "notAllowed",
          message: `fleet "edge" does not allow ${EDGE} (xds.allow)`,
          nodeId: "envoy-1",
          identities: [EDGE],
        });
      await expect.poll(() => plane.xds.metrics().refusals.get("notAllowed"), patience).toBeGreaterThan(1);
      expect(await upstream()).toBe("one");
      await apply(["spiffe://example.org/edge/**"], 1);
      await expect.poll(upstream, patience).toBe("two");
      expect(plane.xds.nodes("edge")).toHaveLength(1);
    } finally {
      await envoy?.stop();
    }
  },
  TIMEOUT_MS,
);

test(
  "one that watches its certificate takes a new one without a restart",
  async () => {
    await apply([EDGE], 0);
    const { file, adminPort } = await bootstrap("watching", clientCa.issue({ uris: [EDGE] }), { watches: true });
    const envoy = await runEnvoy(file, adminPort);
    try {
      await expect.poll(upstream, patience).toBe("one");
      const renewed = clientCa.issue({ uris: [`${EDGE}-renewed`] });
      put("watching.pem", renewed.cert);
      put("watching.key", renewed.key);
      await expect.poll(() => envoy.admin("/certs"), patience).toContain(`${EDGE}-renewed`);
      await apply([EDGE], 1);
      await expect.poll(upstream, patience).toBe("two");
    } finally {
      await envoy.stop();
    }
  },
  TIMEOUT_MS,
);

test.each([
  ["of another authority", createAuthority("others").issue({ uris: [EDGE] }), {}, "unknownAuthority"],
  ["that has expired", clientCa.issue({ uris: [EDGE], from: -3, to: -2 }), {}, "expired"],
  ["that is not valid yet", clientCa.issue({ uris: [EDGE], from: 2, to: 3 }), {}, "notYetValid"],
  [
    "that is good, but it trusts another authority",
    clientCa.issue({ uris: [EDGE] }),
    { ca: clientCa.cert },
    "refusedServer",
  ],
  [
    "that is good, but it looks for another server",
    clientCa.issue({ uris: [EDGE] }),
    { serverName: "x.example.org" },
    "refusedServer",
  ],
] as const)(
  "one with a certificate %s gets nothing",
  async (...[what, holder, more, reason]) => {
    const { file } = await bootstrap(what.replaceAll(/\W/g, "-"), holder, more);
    refused.length = 0;
    const { streams } = plane.xds.metrics();
    const before = plane.xds.metrics().refusals.get(reason) ?? 0;
    const child = spawn(envoyBinary(), ["-c", file, "--concurrency", "1", "--disable-hot-restart"], {
      stdio: "ignore",
    });
    try {
      await expect.poll(() => plane.xds.metrics().refusals.get(reason), patience).toBeGreaterThan(before);
      expect(refused.find((event) => event.reason === reason)).toMatchObject({ identities: [], nodeId: null });
      expect(plane.xds.metrics().streams).toBe(streams);
    } finally {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    }
  },
  TIMEOUT_MS,
);
