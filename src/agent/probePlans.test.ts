/** Probes inside TLS: what a plan names is read from its generation, and who is taken for an endpoint. */
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { createServer, type TLSSocket, type TlsOptions } from "node:tls";
import { afterEach, expect, test } from "vitest";
import type { HealthCheckIr, ProbedTls } from "../ir/index.ts";
import { SecretError } from "../secrets/index.ts";
import { AUTHORITY, CERTIFICATES, LATER_REVOCATIONS, OTHER_AUTHORITY } from "../suite/arbitrary/certificates.ts";
import { createProbePlans, type ProbePlans } from "./probePlans.ts";
import { probe } from "./prober/probe.ts";
import { check, httpCheck } from "./prober/testSupport.ts";
import type { AgentFile, AgentFiles } from "./types.ts";

interface Pair {
  readonly chain: string;
  readonly privateKey: string;
}
const { exampleEcdsa, exampleRsa }: Record<"exampleEcdsa" | "exampleRsa", Pair> = CERTIFICATES;
const REFERENCE = "sealed:privateKey:one";
const VERIFIED = { name: "example.com", authority: "authorities/own.pem", revoked: null };
const TOLD: ProbedTls = {
  serverName: "example.com",
  verified: VERIFIED,
  certificate: null,
  minVersion: "1.2",
  maxVersion: "1.3",
};
const SHOWN = { chain: "certificates/own.pem", key: "certificates/own.key" };
const OTHER_NAME = "its certificate has another name";
const NOT_TRUSTED = "its certificate is not of the authority";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server | Http2SecureServer): Promise<number> {
  servers.push(server as Server);
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const keysOf = ({ chain, privateKey }: Pair) => ({ cert: chain, key: privateKey });

/** A server that says something, and what clients have asked it for. */
async function talking(options: TlsOptions = {}): Promise<{ port: number; asked: unknown[] }> {
  const asked: unknown[] = [];
  const server = createServer(
    { ...keysOf(exampleEcdsa), ...options },
    (socket: TLSSocket & { servername?: unknown }) => {
      asked.push([
        socket.servername,
        socket.alpnProtocol,
        socket.getProtocol(),
        socket.getPeerCertificate()?.subject?.CN,
      ]);
      socket.on("error", () => undefined);
      socket.write("hello");
    },
  );
  return { port: await listening(server), asked };
}

interface Planned {
  readonly own: HealthCheckIr;
  readonly port: number;
  readonly bundle?: string;
}

function planFiles(tls: ProbedTls, { own, port, bundle = AUTHORITY }: Planned): AgentFiles {
  const file = (path: string, text: string, more: Partial<AgentFile> = {}): AgentFile => ({
    path,
    text,
    mode: 0o644,
    ...more,
  });
  const clusters = [{ name: "shop", check: own, tls, endpoints: [{ address: "127.0.0.1", port }] }];
  return {
    generation: "g",
    sockets: [],
    files: [
      file("probes.json", JSON.stringify({ clusters })),
      file("authorities/own.pem", bundle),
      file("authorities/own.crl", LATER_REVOCATIONS),
      file("certificates/own.pem", exampleEcdsa.chain),
      file("certificates/own.key", `${REFERENCE}\n`, { secrets: [REFERENCE] }),
    ],
  };
}

const opening = (): ProbePlans => createProbePlans(() => exampleEcdsa.privateKey);

/** What becomes of a probe as a plan has it. */
async function asked(files: AgentFiles, plans = opening()): Promise<string | null> {
  const [cluster] = plans.of(files)?.clusters ?? [];
  if (cluster?.endpoints[0] === undefined) throw new Error("the plan has an endpoint");
  return probe(cluster.endpoints[0], cluster.check, cluster.tls);
}

const TCP = check({ timeoutMs: 2_000 });
const HTTP = { ...httpCheck(), timeoutMs: 2_000 };
const GRPC = check({ kind: "grpc", tcp: null, grpc: { service: "" }, timeoutMs: 2_000 });

test("tcp: what is verified passes, and is asked for", async () => {
  const { port, asked: seen } = await talking();
  const own = check({ timeoutMs: 2_000, tcp: { send: null, expect: "ell" } });
  expect(await asked(planFiles(TOLD, { own, port }))).toBeNull();
  expect(await asked(planFiles({ ...TOLD, serverName: null, maxVersion: "1.2" }, { own, port }))).toBeNull();
  expect(seen).toEqual([
    ["example.com", false, "TLSv1.3", undefined],
    [false, false, "TLSv1.2", undefined],
  ]);
  // It is over as soon as there is a connection.
  expect(await asked(planFiles(TOLD, { own: TCP, port }))).toBeNull();
});

interface Refused {
  readonly what: string;
  readonly told: Partial<ProbedTls>;
  readonly options?: TlsOptions;
  readonly reason: string;
}

test.each<Refused>([
  { what: "another name", told: { verified: { ...VERIFIED, name: "example.org" } }, reason: OTHER_NAME },
  {
    what: "two labels below a wildcard",
    told: { verified: { ...VERIFIED, name: "a.b.example.com" } },
    reason: OTHER_NAME,
  },
  {
    what: "revoked",
    told: { verified: { ...VERIFIED, revoked: "authorities/own.crl" } },
    options: keysOf(exampleRsa),
    reason: "its certificate is revoked",
  },
  {
    what: "no version in common",
    told: { minVersion: "1.3" },
    options: { maxVersion: "TLSv1.2" },
    reason: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
  },
])("$what fails", async ({ told, options, reason }) => {
  const { port } = await talking(options);
  expect(await asked(planFiles({ ...TOLD, ...told }, { own: TCP, port }))).toBe(reason);
});

test("another authority fails, unless nothing is verified", async () => {
  const { port } = await talking();
  expect(await asked(planFiles(TOLD, { own: TCP, port, bundle: OTHER_AUTHORITY }))).toBe(NOT_TRUSTED);
  expect(await asked(planFiles({ ...TOLD, verified: null }, { own: TCP, port, bundle: OTHER_AUTHORITY }))).toBeNull();
});

test("a certificate is shown, and its key opened when it is used", async () => {
  const { port, asked: seen } = await talking({ requestCert: true, ca: AUTHORITY, maxVersion: "TLSv1.2" });
  expect(await asked(planFiles({ ...TOLD, certificate: SHOWN }, { own: TCP, port }))).toBeNull();
  await expect.poll(() => seen).toEqual([["example.com", false, "TLSv1.2", "example-ecdsa"]]);
  expect(await asked(planFiles(TOLD, { own: TCP, port }))).not.toBeNull();
  const closed = createProbePlans(() => {
    throw new SecretError("it is not here");
  });
  expect(await asked(planFiles({ ...TOLD, certificate: SHOWN }, { own: TCP, port }), closed)).toBe("it is not here");
});

test("http over both versions, and gRPC, ask for HTTP/2 where they speak it", async () => {
  const https = await listening(createHttpsServer(keysOf(exampleEcdsa), (_, answer) => answer.end("well")));
  expect(await asked(planFiles(TOLD, { own: HTTP, port: https }))).toBeNull();
  const protocols: unknown[] = [];
  const server = createSecureServer(keysOf(exampleEcdsa));
  server.on("secureConnection", (socket: TLSSocket) => protocols.push(socket.alpnProtocol));
  server.on("stream", (stream: ServerHttp2Stream, head) => {
    const isCall = String(head[":path"]).endsWith("/Check");
    stream.respond({ ":status": head[":scheme"] === "https" ? 200 : 400 }, { waitForTrailers: isCall });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(isCall ? Buffer.from([0, 0, 0, 0, 2, 8, 1]) : "well");
  });
  const http2 = await listening(server);
  const overHttp2 = {
    ...HTTP,
    http: { ...(HTTP.http as NonNullable<HealthCheckIr["http"]>), protocol: "http2" as const },
  };
  expect(await asked(planFiles(TOLD, { own: overHttp2, port: http2 }))).toBeNull();
  expect(await asked(planFiles(TOLD, { own: GRPC, port: http2 }))).toBeNull();
  expect(protocols).toEqual(["h2", "h2"]);
  const wrong = { ...TOLD, verified: { ...VERIFIED, name: "example.org" } };
  for (const own of [HTTP, overHttp2, GRPC])
    expect(await asked(planFiles(wrong, { own, port: own === HTTP ? https : http2 }))).toBe(OTHER_NAME);
});

test("equal content is one object, and another bundle another", () => {
  const plans = opening();
  const tlsIn = (files: AgentFiles) => plans.of(files)?.clusters[0]?.tls;
  const first = planFiles(TOLD, { own: TCP, port: 1 });
  const known = tlsIn(first);
  expect(known).toBeDefined();
  expect(tlsIn(first)).toBe(known);
  expect(tlsIn(planFiles(TOLD, { own: TCP, port: 2 }))).toBe(known);
  expect(tlsIn(planFiles(TOLD, { own: TCP, port: 1, bundle: OTHER_AUTHORITY }))).not.toBe(known);
  const other = tlsIn(planFiles({ ...TOLD, serverName: null }, { own: TCP, port: 1 }));
  expect(other?.material).toBe(known?.material);
  plans.keepOnly([]);
  expect(tlsIn(planFiles(TOLD, { own: TCP, port: 1 }))).not.toBe(known);
});

test("a file that is not there fails the probe", async () => {
  const { port } = await talking();
  const missing = { ...TOLD, verified: { ...VERIFIED, authority: "authorities/none.pem" } };
  expect(await asked(planFiles(missing, { own: TCP, port }))).toBe("there is no file authorities/none.pem");
  const absent = { ...TOLD, verified: { ...VERIFIED, authority: "/nowhere/at/all.crt" } };
  expect(await asked(planFiles(absent, { own: TCP, port }))).toBe("ENOENT");
});
