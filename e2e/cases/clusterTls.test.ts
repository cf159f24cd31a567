/**
 * TLS to endpoints, with real handshakes: whom each proxy takes for an endpoint, what endpoints see, and what clients get where it is
 * not one. The rows are a matrix: what the endpoint is, and what comes of it on all three proxies.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { cluster, type Document, type ModelPart, merge, route } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { applyPart, ask, serve } from "../harness/serve.ts";
import { certificateMaker, type Made, type Maker } from "../harness/tls.ts";
import { type Reached, startTlsUpstream, type TlsUpstream } from "../harness/tlsUpstream.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const NAME = "up.example";
const VERIFIED = { serverName: NAME, authority: "own" };

let own: Maker;
let other: Maker;
const upstreams: Record<string, TlsUpstream> = {};
let plain: Upstream;
let tcpPort: number;
let checkedPort: number;
let client: Made;
let stranger: Made;

/** The endpoint, what its cluster says, and the status that clients get. */
const rows: readonly (readonly [string, string, object, number])[] = [
  ["right", "right", VERIFIED, 200],
  ["right, TLS 1.2 only", "old", VERIFIED, 200],
  ["right, TLS 1.3 only", "new", VERIFIED, 200],
  ["TLS 1.2 only, and 1.3 is asked for", "old", { ...VERIFIED, minVersion: "1.3" }, 503],
  ["TLS 1.3 only, and 1.2 is asked for", "new", { ...VERIFIED, maxVersion: "1.2" }, 503],
  ["TLS 1.1 only", "ancient", VERIFIED, 503],
  ["right, below a wildcard", "right", { serverName: "a.up.example", authority: "own" }, 200],
  ["two labels below a wildcard", "right", { serverName: "a.b.up.example", authority: "own" }, 503],
  ["wrong name", "right", { serverName: "down.example", authority: "own" }, 503],
  ["wrong authority", "right", { serverName: NAME, authority: "other" }, 503],
  ["an authority that no system trusts", "right", { serverName: NAME }, 503],
  ["expired", "expired", VERIFIED, 503],
  ["signed by itself", "self", VERIFIED, 503],
  ["revoked", "revoked", { serverName: NAME, authority: "revoking" }, 503],
  ["not revoked", "right", { serverName: NAME, authority: "revoking" }, 200],
  ["in the clear", "plain", VERIFIED, 503],
  ["signed by itself, insecure", "self", { insecure: true, serverName: NAME }, 200],
  ["no name, insecure", "right", { insecure: true }, 200],
  ["in the clear, insecure", "plain", { insecure: true }, 503],
  ["client certificate", "mutual", { ...VERIFIED, clientCertificate: "client" }, 200],
  ["client certificate, not asked for", "right", { ...VERIFIED, clientCertificate: "client" }, 200],
];

beforeAll(async () => {
  const folder = join(e2e().workDir, "cluster-tls");
  own = certificateMaker(join(folder, "own"));
  other = certificateMaker(join(folder, "other"));
  const names = `DNS:${NAME},DNS:*.${NAME}`;
  const right = own.make("right", { names });
  client = own.make("client", { names: "DNS:client.example" });
  stranger = other.make("stranger", { names: "DNS:client.example" });
  const of = ({ chain, privateKey }: Made) => ({ cert: chain, key: privateKey });
  const asking = { ca: own.authority, requestCert: true, rejectUnauthorized: true };
  const expired = own.make("expired", { names, from: "20200101000000Z", until: "20200201000000Z" });
  const revoked = own.make("revoked", { names });
  const started = {
    right: of(right),
    old: { ...of(right), maxVersion: "TLSv1.2" },
    new: { ...of(right), minVersion: "TLSv1.3" },
    ancient: { ...of(right), minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
    expired: of(expired),
    self: of(selfSigned(folder, names)),
    revoked: of(revoked),
    cn: of(own.make(NAME, { names: "DNS:other.example" })),
    cnOnly: of(own.make(NAME, { names: "URI:spiffe://example.org/app" })),
    mutual: { ...of(right), ...asking },
    mutualOld: { ...of(right), ...asking, maxVersion: "TLSv1.2" },
  } as const;
  for (const [name, options] of Object.entries(started)) upstreams[name] = await startTlsUpstream(name, options);
  plain = await startEcho("plain");
  const addresses = Object.values(proxyAddresses);
  [tcpPort, checkedPort] = [await freePort(...addresses), await freePort(...addresses)];
  const crl = revocationList(join(folder, "own"), "revoked");
  await serve(merge(common(crl), matrix()));
});

afterAll(async () => {
  for (const upstream of Object.values(upstreams)) await upstream.close();
  await plain.close();
});

function portOf(endpoint: string): number {
  return endpoint === "plain" ? plain.port : (upstreams[endpoint] as TlsUpstream).port;
}

function secured(name: string, endpoints: readonly string[], tls: object): Document {
  return { ...cluster(name, ...endpoints.map(portOf)), tls };
}

function matrix(): ModelPart {
  return {
    clusters: rows.map(([, endpoint, tls], index) => secured(`row-${index}`, [endpoint], tls)),
    routes: rows.map((_, index) => route(`row-${index}`, `row-${index}.up`, { split: [{ cluster: `row-${index}` }] })),
  };
}

/** Clusters beside the matrix. */
function common(crl: string): ModelPart {
  const mutual = { ...VERIFIED, clientCertificate: "client" };
  return {
    certificates: [
      { name: "client", ...client },
      { name: "stranger", ...stranger },
    ],
    authorities: [
      { name: "own", bundle: own.authority },
      { name: "other", bundle: other.authority },
      { name: "revoking", bundle: own.authority, crl },
      { name: "turning", bundle: other.authority },
    ],
    healthChecks: [{ name: "inside", type: "http", interval: "200ms", http: { path: "/probe", host: NAME } }],
    listeners: [
      { name: "up-tcp", fleets: [...proxyNames], port: tcpPort, protocol: "TCP" },
      // nginx has no probes.
      { name: "up-checked", fleets: ["envoy", "haproxy"], port: checkedPort, protocol: "HTTP" },
    ],
    clusters: [
      secured("up-both", ["self", "expired", "right"], VERIFIED),
      secured("up-mutual-old", ["mutualOld"], mutual),
      secured("up-no-client", ["mutual"], VERIFIED),
      secured("up-cn", ["cn"], VERIFIED),
      secured("up-cn-only", ["cnOnly"], VERIFIED),
      cluster("plain", plain.port),
      secured("up-no-client-old", ["mutualOld"], VERIFIED),
      secured("up-stranger", ["mutualOld"], { ...VERIFIED, clientCertificate: "stranger" }),
      secured("up-turning", ["right"], { serverName: NAME, authority: "turning" }),
      secured("up-tcp", ["right"], VERIFIED),
      { ...secured("up-checked", ["mutual", "self"], mutual), healthCheck: "inside" },
    ],
    routes: [
      ...["both", "cn", "cn-only", "mutual-old", "no-client", "no-client-old", "stranger", "turning"].map((name) =>
        route(`up-${name}`, `${name}.up`, { split: [{ cluster: `up-${name}` }] }),
      ),
      route("up-split", "split.up", { split: [{ cluster: "row-0" }, { cluster: "row-1" }, { cluster: "plain" }] }),
      { name: "up-tcp", listeners: ["up-tcp"], protocol: "tcp", rules: [{ split: [{ cluster: "up-tcp" }] }] },
      { name: "up-checked", listeners: ["up-checked"], rules: [{ split: [{ cluster: "up-checked" }] }] },
    ],
  };
}

function selfSigned(folder: string, names: string): Made {
  const at = (file: string): string => join(folder, file);
  const made = ["-keyout", at("self.key"), "-out", at("self.pem"), "-nodes", "-newkey", "ec"];
  const curve = ["-pkeyopt", "ec_paramgen_curve:P-256"];
  const is = ["-subj", "/CN=self", "-addext", `subjectAltName=${names}`, "-days", "30"];
  execFileSync("openssl", ["req", "-x509", ...made, ...curve, ...is], { stdio: "pipe" });
  return { chain: readFileSync(at("self.pem"), "utf8"), privateKey: readFileSync(at("self.key"), "utf8") };
}

/** What the authority in a folder says of one of its certificates. */
function revocationList(folder: string, name: string): string {
  const openssl = (...args: string[]) => {
    execFileSync("openssl", ["ca", "-config", `${name}.cnf`, "-cert", "ca.pem", "-keyfile", "ca.key", ...args], {
      cwd: folder,
      stdio: "pipe",
    });
  };
  openssl("-revoke", `${name}.pem`);
  openssl("-gencrl", "-crldays", "30", "-out", "crl.pem");
  return readFileSync(join(folder, "crl.pem"), "utf8");
}

async function reached(proxy: ProxyName, host: string): Promise<{ status: number; told: Reached | null }> {
  const answer = await ask(proxy, { path: "/", host });
  return { status: answer.status, told: answer.status === 200 ? (JSON.parse(answer.body) as Reached) : null };
}

describe.each(proxyNames)("%s", (proxy) => {
  it.each(rows.map(([what, endpoint, tls, status], row) => ({ what, endpoint, tls, status, row })))(
    "re-encrypt: $what",
    async ({ endpoint, tls, status, row }) => {
      const { serverName = null, clientCertificate = null } = tls as {
        serverName?: string;
        clientCertificate?: string;
      };
      const { status: seen, told } = await reached(proxy, `row-${row}.up`);
      expect(seen).toBe(status);
      if (told === null) return;
      const isShown = endpoint === "mutual" ? clientCertificate : null;
      // Envoy says that it speaks HTTP/1.1, the others say nothing.
      const alpn = proxy === "envoy" ? "http/1.1" : null;
      expect(told).toMatchObject({ name: endpoint, host: `row-${row}.up`, serverName, alpn, client: isShown });
      expect(told.version).toBe(endpoint === "old" ? "TLSv1.2" : "TLSv1.3");
    },
  );

  it("looks for a name in a certificate's subject, or does not", async () => {
    const found = { envoy: [503, 503], nginx: [503, 200], haproxy: [200, 200] }[proxy];
    expect([(await reached(proxy, "cn.up")).status, (await reached(proxy, "cn-only.up")).status]).toEqual(found);
  });

  it("shows its certificate in TLS 1.2 too", async () => {
    expect((await reached(proxy, "mutual-old.up")).told).toMatchObject({ client: "client", version: "TLSv1.2" });
  });

  it.each(["no-client-old", "stranger"])("is refused by the endpoint: %s", async (name) => {
    expect((await reached(proxy, `${name}.up`)).status).toBe(503);
  });

  it("is refused by the endpoint behind a handshake of TLS 1.3", async () => {
    // The refusal comes when the proxy has sent its last message, and meets the request or is there before it.
    expect([502, 503]).toContain((await reached(proxy, "no-client.up")).status);
  });

  it("tries another endpoint where one is not verified", async () => {
    for (let asked = 0; asked < 12; asked++)
      expect(await reached(proxy, "both.up")).toMatchObject({ status: 200, told: { name: "right" } });
  });

  it("passes bytes of TCP inside TLS", async () => {
    const answer = await overTcp(proxyAddresses[proxy], tcpPort);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain(`"serverName":"${NAME}"`);
  });
});

it("trusts another authority when it has changed", async () => {
  for (const proxy of proxyNames) expect((await reached(proxy, "turning.up")).status).toBe(503);
  await applyPart({ authorities: [{ name: "turning", bundle: own.authority }] });
  for (const proxy of proxyNames)
    await until(`${proxy} trusts it`, async () => (await reached(proxy, "turning.up")).status === 200 || null);
});

it.each(["envoy", "haproxy"] as const)("%s probes inside TLS, and asks for the name", async (proxy) => {
  await until(`${proxy} has a healthy endpoint`, async () => {
    const answer = await ask(proxy, { path: "/", host: "any.example", port: checkedPort });
    return answer.status === 200 || null;
  });
  expect(new Set(upstreams.mutual?.serverNames)).toEqual(new Set([NAME]));
});

/** What comes back for a request. */
function overTcp(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(port, host, () => socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    let answer = "";
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}
