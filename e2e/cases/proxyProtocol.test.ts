/**
 * The PROXY protocol. In: the address in the header is the client's for everything that looks at it, and without a header a
 * connection is closed. Out: endpoints learn the client, probes send a header too. Two tiers, each proxy before each.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, problemsOf } from "../harness/api.ts";
import { e2e, type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { cluster, type Document } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { CLAIMED_PORT, type Reader, startReader, v1, v2 } from "../harness/proxyProtocol.ts";
import { connectTo, openConnection, type RawResponse } from "../harness/rawHttp.ts";
import { ask, echoOf, receivedList, serve } from "../harness/serve.ts";
import { startEcho, startTcpEcho, type Upstream } from "../harness/upstream.ts";

const HOST = "proxied.e2e.example";
/** An address of a load balancer in front, and one of somebody else. */
const SENDER = "127.0.7.1";
const STRANGER = "127.0.8.1";
const CLIENT = "192.0.2.7";
const VERSIONS = ["v1", "v2"] as const;
const HEADERS = { v1, v2 };
/** Proxies that can send this version over TCP. */
const SENDING = { v1: proxyNames, v2: ["envoy", "haproxy"] } as const;
/** Proxies that send a header with requests. */
const overHttp = ["envoy", "haproxy"] as const;
/** Clients of the endpoints that want a header. */
const ASKING = ["127.0.0.70", "127.0.0.71", "127.0.0.72"] as const;
/** What probes say of their client: nobody, where the version has a word for that. */
const PROBING = { v1: "127.0.0.1", v2: null };
const fast = { interval: "100ms", timeout: "1s", rise: 1, fall: 2 };

let echo: Upstream;
let tcpEchoes: Upstream[];
let readers: Record<(typeof VERSIONS)[number], Reader>;
const ports: Record<string, number> = {};
const portOf = (name: string): number => ports[name] as number;

const tier = (version: string, inner: ProxyName): string => `tier-${version}-${inner}`;
const tiers = VERSIONS.flatMap((version) =>
  proxyNames.map((inner) => ({ version, inner, name: tier(version, inner) })),
);
const pass = (name: string, to: string): Document => ({
  name,
  listeners: [name],
  protocol: "tcp",
  rules: [{ split: [{ cluster: to }] }],
});

function listeners(): Document[] {
  const on = (listener: string, fleets: readonly string[], more: object = {}): Document => {
    const [protocol, name = ""] = listener.split(" ");
    return { name, protocol, fleets, port: portOf(name), ...more };
  };
  const required = { proxyProtocol: { mode: "required" } };
  const fromSender = { proxyProtocol: { mode: "required", from: ["127.0.7.0/24"] } };
  return [
    on("HTTP inner", proxyNames, required),
    on("HTTP from-web", proxyNames, fromSender),
    on("TCP from-tcp", proxyNames, fromSender),
    on("TCP hashed", proxyNames, required),
    on("TCP limited", ["nginx", "haproxy"], { ...required, connectionLimit: { perSource: 1 } }),
    on("HTTP optional", ["envoy"], { proxyProtocol: { mode: "optional" } }),
    on("HTTP some", ["haproxy"], { proxyProtocol: { mode: "optional", from: ["127.0.7.0/24"] } }),
    on("HTTP outer", overHttp),
    ...tiers.map(({ name, version }) => on(`TCP ${name}`, SENDING[version])),
  ];
}

beforeAll(async () => {
  echo = await startEcho("proxied");
  tcpEchoes = await Promise.all(["hash-a", "hash-b"].map((name) => startTcpEcho(name)));
  readers = { v1: await startReader(), v2: await startReader() };
  const names = ["inner", "from-web", "from-tcp", "hashed", "limited", "optional", "some", "outer"];
  for (const name of [...names, ...tiers.map(({ name: own }) => own)])
    ports[name] = await freePort(...Object.values(proxyAddresses));
  for (const name of proxyNames) if (name !== "haproxy") rmSync(logOf(name), { force: true });
  const fields = ["client_address", "client_port", "path"];
  const log = (name: ProxyName) => ({ fields, ...(name === "haproxy" ? {} : { path: logOf(name) }) });
  const to = (name: string, path: string): object => ({
    matches: [{ path: { prefix: path } }],
    split: [{ cluster: name }],
  });
  await serve({
    fleets: proxyNames.map((name) => ({ name, proxy: name, bindAddress: proxyAddresses[name], accessLog: log(name) })),
    listeners: listeners(),
    healthChecks: [{ name: "proxied", type: "http", ...fast, http: { path: "/up" } }],
    clusters: [
      cluster("proxied", echo.port),
      {
        ...cluster("hashed", ...tcpEchoes.map(({ port }) => port)),
        balance: { policy: "hash", hash: { by: "source" } },
      },
      ...VERSIONS.map((version) => ({
        ...cluster(`reader-${version}`, readers[version].port),
        proxyProtocol: version,
        healthCheck: "proxied",
      })),
      ...tiers.map(({ name, version, inner }) => ({
        name,
        endpoints: [{ address: proxyAddresses[inner], port: portOf("inner") }],
        proxyProtocol: version,
      })),
    ],
    routes: [
      {
        name: "inner",
        listeners: ["inner", "from-web", "optional", "some"],
        hostnames: [HOST],
        rules: [
          {
            matches: [{ path: { prefix: "/near" }, source: ["192.0.2.0/24"] }],
            respond: { status: 200, body: "near" },
          },
          to("proxied", "/"),
        ],
      },
      {
        name: "outer",
        listeners: ["outer"],
        hostnames: [HOST],
        rules: [to("reader-v1", "/v1"), to("reader-v2", "/v2")],
      },
      pass("from-tcp", "hashed"),
      pass("hashed", "hashed"),
      pass("limited", "hashed"),
      ...tiers.map(({ name }) => pass(name, name)),
    ],
  });
  for (const { name, version } of tiers)
    for (const proxy of SENDING[version])
      await until("the tier answers", () =>
        get(proxy, name, { path: "/" }).then(({ status }) => status === 200 || null),
      );
});

afterAll(async () => {
  await Promise.all([echo, ...tcpEchoes, ...Object.values(readers)].map((upstream) => upstream.close()));
});

function logOf(proxy: ProxyName): string {
  return proxy === "haproxy" ? e2e().proxies.haproxy.child.logFile : join(e2e().workDir, `proxied-${proxy}.jsonl`);
}

/** What the proxy has written down, beside its own messages. */
function logged(proxy: ProxyName): Record<string, unknown>[] {
  const lines = existsSync(logOf(proxy)) ? readFileSync(logOf(proxy), "utf8").split("\n") : [];
  return lines.filter((line) => /^\{"client_address.*\}$/.test(line)).map((line) => JSON.parse(line));
}

interface Asked {
  readonly path: string;
  readonly header?: Buffer;
  /** The address from which the client connects. */
  readonly source?: string;
}

/** One request behind a header. Rejects when the connection is closed before an answer. */
async function get(proxy: ProxyName, listener: string, { path, header, source }: Asked): Promise<RawResponse> {
  const connection = await openConnection({ address: proxyAddresses[proxy], port: portOf(listener) }, source);
  try {
    const request = `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`;
    return await connection.exchange(`${header?.toString("latin1") ?? ""}${request}`, false);
  } finally {
    connection.close();
  }
}

/** What the endpoint was told of the client; "closed" without an answer. */
async function forwardedFor(proxy: ProxyName, listener: string, asked: Omit<Asked, "path">): Promise<string> {
  const answer = await get(proxy, listener, { path: "/", ...asked }).catch(() => null);
  return answer === null ? "closed" : receivedList(echoOf(answer), "x-forwarded-for").join();
}

/** The greeting of the TCP endpoint behind a header; the socket is the caller's. Null: closed without a byte. */
async function greeting(proxy: ProxyName, listener: string, { header, source }: Omit<Asked, "path">) {
  const place = { address: proxyAddresses[proxy], port: portOf(listener) };
  // HAProxy may reset it before we are told that it is there.
  const socket = await connectTo(place, source).catch(() => null);
  if (socket === null) return { socket, name: null };
  const name = await new Promise<string | null>((resolve) => {
    socket.once("data", (data) => resolve(data.toString().trim()));
    for (const end of ["end", "close"]) socket.once(end, () => resolve(null));
    if (header !== undefined) socket.write(header);
  });
  return { socket, name };
}

async function nameOf(...asked: Parameters<typeof greeting>): Promise<string | null> {
  const { socket, name } = await greeting(...asked);
  socket?.destroy();
  return name;
}

describe.each(proxyNames)("in, %s", (proxy) => {
  it.each(VERSIONS)("the client is who the header of %s says", async (version) => {
    const header = HEADERS[version](CLIENT);
    expect(await forwardedFor(proxy, "inner", { header })).toBe(CLIENT);
    expect((await get(proxy, "inner", { path: "/near", header })).body).toBe("near");
    const far = await get(proxy, "inner", { path: "/near", header: HEADERS[version]("198.51.100.7") });
    expect(receivedList(echoOf(far), "x-forwarded-for")).toEqual(["198.51.100.7"]);
  });

  it.each(VERSIONS)("a header of %s that names nobody leaves the connection's own address", async (version) => {
    expect(await forwardedFor(proxy, "inner", { header: HEADERS[version](null), source: SENDER })).toBe(SENDER);
  });

  it("a connection without a header is closed", async () => {
    expect(await forwardedFor(proxy, "inner", {})).toBe("closed");
    expect(await nameOf(proxy, "hashed", { header: Buffer.from("not a header of any version\r\n") })).toBeNull();
  });

  it("from: others are closed, whatever they say", async () => {
    expect(await forwardedFor(proxy, "from-web", { header: v1(CLIENT), source: SENDER })).toBe(CLIENT);
    expect(await nameOf(proxy, "from-tcp", { header: v2(CLIENT), source: SENDER })).toMatch(/^hash-/);
    for (const header of [v1(CLIENT), v1("127.0.7.9"), v2(null)]) {
      expect(await forwardedFor(proxy, "from-web", { header, source: STRANGER })).toBe("closed");
      expect(await nameOf(proxy, "from-tcp", { header, source: STRANGER })).toBeNull();
    }
  });

  it("hashes by the address in the header", async () => {
    const addresses = Array.from({ length: 20 }, (_, index) => `192.0.2.${index + 1}`);
    const named = async (): Promise<(string | null)[]> =>
      await Promise.all(addresses.map((address) => nameOf(proxy, "hashed", { header: v2(address) })));
    const first = await named();
    // All twenty on one of two: once in half a million.
    expect(new Set(first)).toEqual(new Set(["hash-a", "hash-b"]));
    expect(await named()).toEqual(first);
  });

  it("writes the address in the header down", async () => {
    await get(proxy, "inner", { path: "/logged", header: v1(CLIENT) });
    const line = await until(
      "the line is there",
      async () => logged(proxy).find((each) => each.path === "/logged") ?? null,
    );
    expect(line).toEqual({ client_address: CLIENT, client_port: CLAIMED_PORT, path: "/logged" });
  });
});

describe.each(["nginx", "haproxy"] as const)("perSource, %s", (proxy) => {
  it("counts by the address in the header", async () => {
    const held = await greeting(proxy, "limited", { header: v1("192.0.2.1") });
    expect(held.name).toMatch(/^hash-/);
    expect(await nameOf(proxy, "limited", { header: v1("192.0.2.1") })).toBeNull();
    expect(await nameOf(proxy, "limited", { header: v1("192.0.2.2") })).toMatch(/^hash-/);
    held.socket?.destroy();
  });
});

describe("optional", () => {
  it("Envoy takes connections with and without a header", async () => {
    expect(await forwardedFor("envoy", "optional", { header: v2(CLIENT) })).toBe(CLIENT);
    expect(await forwardedFor("envoy", "optional", { source: STRANGER })).toBe(STRANGER);
  });

  it("HAProxy takes headers of senders, and others as they are", async () => {
    expect(await forwardedFor("haproxy", "some", { header: v2(CLIENT), source: SENDER })).toBe(CLIENT);
    expect(await forwardedFor("haproxy", "some", { source: STRANGER })).toBe(STRANGER);
    const spoofed = await get("haproxy", "some", { path: "/", header: v1(CLIENT), source: STRANGER });
    expect(spoofed.status).toBe(400);
  });
});

describe.each(tiers)("two tiers, $version, $inner inside", ({ name, version }) => {
  it.each(SENDING[version])("behind %s", async (outer) => {
    for (const source of ["127.0.0.77", "127.0.0.78"]) expect(await forwardedFor(outer, name, { source })).toBe(source);
  });
});

describe.each(overHttp)("out, %s", (proxy) => {
  it.each(VERSIONS)("requests of %s reach the endpoint on connections of their own client", async (version) => {
    const place = { address: proxyAddresses[proxy], port: portOf("outer") };
    await until("the probe passes", async () => {
      const answer = await ask(proxy, { path: `/${version}`, host: HOST, port: place.port, source: ASKING[0] });
      return answer.status === 200 || null;
    });
    const [, ...sources] = ASKING;
    const clients = await Promise.all(sources.map((source) => openConnection(place, source)));
    for (let round = 0; round < 3; round++) {
      for (const [index, client] of clients.entries()) {
        const { body } = await client.request({ path: `/${version}`, host: HOST });
        expect(JSON.parse(body)).toEqual({ version, client: sources[index] });
      }
    }
    for (const client of clients) client.close();
  });
});

describe.each(VERSIONS)("probes, %s", (version) => {
  it("begin with a header too", () => {
    const { heard } = readers[version];
    expect(heard.length).toBeGreaterThan(4);
    expect(new Set(heard.map((each) => each?.version))).toEqual(new Set([version]));
    expect(new Set(heard.map((each) => each?.client))).toEqual(new Set([PROBING[version], ...ASKING]));
  });
});

describe("nginx", () => {
  it("is told that it sends no header with requests", async () => {
    const body = { name: "proxied", endpoints: [{ address: "127.0.0.1", port: echo.port }], proxyProtocol: "v1" };
    const answer = await call(e2e().program.api, "PUT /v1/clusters/proxied", { body });
    expect(answer.status).toBe(422);
    expect(problemsOf(answer).map(({ code }) => code)).toContain("PP-HTTP-NGINX");
  });
});
