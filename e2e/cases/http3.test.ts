/**
 * HTTP/3 on Envoy, with a real client: who is shown which certificate, what requests get, limits, and what becomes of connections when a
 * certificate or the listener is replaced. What the other proxies say of it is in the golden cases.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linesFor, loggingFleets } from "../harness/accessLog.ts";
import { must } from "../harness/api.ts";
import { e2e, proxyAddresses } from "../harness/context.ts";
import {
  type Answered,
  type Asked,
  type Hello,
  type Http3Client,
  type Shaken,
  startHttp3Client,
} from "../harness/http3.ts";
import { cluster, type Document } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { connectionOn, headerValues, type RawRequest } from "../harness/rawHttp.ts";
import { receivedList, serve } from "../harness/serve.ts";
import { certificateMaker, type Maker, shake } from "../harness/tls.ts";
import { type Echo, startEcho, type Upstream } from "../harness/upstream.ts";

const address = proxyAddresses.envoy;
/** `quick` has short limits, and clients come by another port; of `taken` somebody else has the UDP port. */
const PORTS = ["main", "quick", "first", "taken"] as const;
type PortName = (typeof PORTS)[number];
const TOLD = 443;
/** For a handshake that there should not be; others take a hundredth of it. */
const PATIENCE_SECONDS = 2;
/** The codes of RFC 9114, 8.1. */
const GENERAL_PROTOCOL_ERROR = 0x101;
const EXCESSIVE_LOAD = 0x107;

let echo: Upstream;
let maker: Maker;
let client: Http3Client;
const ports: Record<string, number> = {};
const squatter = createSocket("udp4");

beforeAll(async () => {
  echo = await startEcho("inside");
  maker = certificateMaker(join(e2e().workDir, "http3"));
  client = startHttp3Client();
  for (const name of PORTS) ports[name] = await freePort(address);
  squatter.bind(ports.taken as number, address);
  await once(squatter, "listening");
  await serve(model({}));
  await until("Envoy speaks HTTP/3", async () => (await open("first", "other.h3.example")) !== null);
});

afterAll(async () => {
  squatter.close();
  await client.close();
  await echo.close();
});

const certificates = new Map<string, Document>();
function certificate(name: string, names: string): Document {
  const made = certificates.get(name) ?? { name, ...maker.make(name, { names }) };
  certificates.set(name, made);
  return made;
}

/** `main`: what the listeners of this port say besides. */
function model(main: object): Record<string, Document[]> {
  const on = (port: PortName, more: Partial<Document>): Document => {
    const http = { http3: true, ...more.http };
    return { name: port, fleets: ["envoy"], port: ports[port], protocol: "HTTPS", ...more, http };
  };
  const wide = { certificates: ["wide"] };
  const seconds = { headersTimeout: "1s", bodyTimeout: "1s", sendTimeout: "1s", keepAliveTimeout: "1s" };
  const respond = (prefix: string, more: object = {}): object => {
    return { matches: [{ path: { prefix } }], respond: { status: 200, body: prefix.slice(1) }, ...more };
  };
  return {
    fleets: loggingFleets({ fields: ["protocol", "path", "client_address", "tls_version", "tls_server_name"] }),
    certificates: [
      certificate("wide", "DNS:*.h3.example,DNS:h3.example"),
      certificate("exact", "DNS:exact.h3.example"),
      certificate("other", "DNS:other.h3.example"),
    ],
    listeners: [
      on("main", { name: "main", hostname: "*.h3.example", tls: wide, http: main }),
      on("main", { name: "main-exact", hostname: "exact.h3.example", tls: { certificates: ["exact"] }, http: main }),
      // Its certificate is for none of its names, and the one of `main` would be.
      on("main", { name: "main-hole", hostname: "hole.h3.example", tls: { certificates: ["other"] }, http: main }),
      {
        ...{ name: "main-passed", fleets: ["envoy"], port: ports.main, protocol: "TLS" },
        ...{ hostname: "passed.h3.example", tls: { mode: "passthrough" } },
      },
      on("quick", { tls: wide, http: { ...seconds, http3Port: TOLD } }),
      on("first", { tls: { certificates: ["other", "exact"], unknownServerName: "first" } }),
      on("taken", { tls: wide }),
    ],
    clusters: [cluster("inside", echo.port)],
    routes: [
      {
        name: "inside",
        listeners: ["main", "main-exact", "main-hole", "quick", "first", "taken"],
        rules: [
          { ...respond("/near"), matches: [{ path: { prefix: "/near" }, source: ["127.0.0.5"] }] },
          respond("/said"),
          respond("/clear", { responseHeaders: { set: [{ name: "Alt-Svc", value: "clear" }] } }),
          respond("/gone", { responseHeaders: { remove: ["Alt-Svc"] } }),
          { matches: [{ path: { prefix: "/moved" } }], redirect: { path: { full: "/new" }, status: 302 } },
          { split: [{ cluster: "inside" }], timeouts: { idle: "1s" } },
        ],
      },
      { name: "passed", listeners: ["main-passed"], protocol: "tls", rules: [{ split: [{ cluster: "inside" }] }] },
    ],
  };
}

/** `name`: what the client asks for. */
function open(port: PortName, name: string | null, more: Partial<Hello> = {}): Promise<Shaken | null> {
  const connection = `${port} ${++connections}`;
  return client.open({ address, port: ports[port] as number, connection, serverName: name, ...more });
}
let connections = 0;

/** A connection of its own. */
async function opened(port: PortName, more: Pick<Hello, "from"> = {}): Promise<string> {
  const connection = `opened ${++connections}`;
  if ((await open(port, HOST, { connection, ...more })) === null) throw new Error("no handshake");
  return connection;
}

const HOST = "a.h3.example";
const get = (connection: string, path: string, more: Partial<Asked> = {}): Promise<Answered> =>
  client.ask(connection, { authority: HOST, path, ...more });
const told = (answer: Answered): string | undefined => answer.headers.find(([name]) => name === "alt-svc")?.[1];
const echoed = (answer: Answered): Echo => JSON.parse(answer.body) as Echo;

/** One request over TCP. */
async function overTcp(port: PortName, request: RawRequest) {
  const done = await shake({ address, port: ports[port] as number, serverName: HOST });
  if (done === null) throw new Error("no handshake");
  try {
    return await connectionOn(done.socket).request({ host: HOST, ...request });
  } finally {
    done.socket.destroy();
  }
}

it("shows certificates by server name, and to nobody else", async () => {
  const rows: readonly (readonly [PortName, string | null, string | null])[] = [
    ["main", HOST, "wide"],
    ["main", "A.H3.Example", "wide"],
    ["main", "exact.h3.example", "exact"],
    ["main", "hole.h3.example", null],
    ["main", "passed.h3.example", null],
    ["main", "nobody.example", null],
    ["main", null, null],
    ["first", "exact.h3.example", "exact"],
    ["first", "nobody.example", "other"],
    ["first", null, "other"],
  ];
  const seen = rows.map(async ([port, name, shown]) => {
    const seconds = shown === null ? PATIENCE_SECONDS : undefined;
    return [port, name, (await open(port, name, { seconds }))?.shown ?? null] as const;
  });
  expect(await Promise.all(seen)).toEqual(rows);
});

it("answers over TCP tell where it is, unless a rule says otherwise", async () => {
  const main = `h3=":${ports.main}"; ma=86400`;
  const rows: readonly (readonly [PortName, string, string[]])[] = [
    ["main", "/said", [main]],
    ["main", "/moved", [main]],
    ["main", "/inside", [main]],
    ["main", "/clear", ["clear"]],
    ["main", "/gone", []],
    ["quick", "/said", [`h3=":${TOLD}"; ma=86400`]],
  ];
  for (const [port, path, expected] of rows) {
    // The endpoint's own is of a place that clients do not see.
    const answer = await overTcp(port, { path, headers: [["x-e2e", 'reply=Alt-Svc: h3=":9"']] });
    expect([path, headerValues(answer, "alt-svc")]).toEqual([path, expected]);
  }
});

describe("requests", () => {
  let main: string;
  beforeAll(async () => {
    main = await opened("main");
  });

  it("reach endpoints as over TCP, with bodies both ways", async () => {
    const body = "x".repeat(100_000);
    const answer = await get(main, "/a%20b?c=d", { method: "POST", body, headers: [["x_dropped", "1"]] });
    const { method, path, body: received } = echoed(answer);
    expect([method, path, received.length, told(answer)]).toEqual([
      ...["POST", "/a%20b?c=d", body.length],
      `h3=":${ports.main}"; ma=86400`,
    ]);
    expect(receivedList(echoed(answer), "x-forwarded-proto")).toEqual(["https"]);
    expect(receivedList(echoed(answer), "x-forwarded-for")).toEqual(["127.0.0.1"]);
    expect(receivedList(echoed(answer), "x_dropped")).toEqual([]);
  });

  it.each([
    [HOST, 200],
    [`${HOST}:443`, 200],
    ["b.h3.example.", 200],
    ["exact.h3.example", 421],
    ["hole.h3.example", 421],
    ["passed.h3.example", 421],
    ["nobody.example", 404],
  ])("on a connection for a.h3.example for %s: %s", async (authority, status) => {
    const answer = await get(main, "/said", { authority });
    expect([answer.status, answer.body]).toEqual([status, BODIES[status]]);
  });

  const fields = (count: number, value: string): (readonly [string, string])[] =>
    Array.from({ length: count }, (_, index) => [`x-${index}`, value]);

  it("that are malformed, or have too many fields, are cancelled alone", async () => {
    expect((await get(main, "/said", { authority: "bad host" })).reset).toBe(GENERAL_PROTOCOL_ERROR);
    expect((await get(main, "/said", { headers: fields(1001, "v") })).reset).toBe(EXCESSIVE_LOAD);
    expect((await get(main, "/said", { headers: fields(990, "v") })).status).toBe(200);
  });

  it("that have too large a head are cancelled with their connection", async () => {
    const connection = await opened("main");
    expect((await get(connection, "/said", { headers: fields(59, "v".repeat(1000)) })).status).toBe(200);
    expect((await get(connection, "/said", { headers: fields(70, "v".repeat(1000)) })).reset).toBe(EXCESSIVE_LOAD);
    await client.ended(connection);
  });

  it("are written down as of HTTP/3", async () => {
    const isWanted = ({ path }: { path?: unknown }): boolean => path === "/said/logged";
    const lines = await linesFor("envoy", { count: 1, isWanted }, () => get(main, "/said/logged"));
    expect(lines).toEqual([
      {
        ...{ protocol: "HTTP/3", path: "/said/logged", client_address: "127.0.0.1" },
        ...{ tls_version: "TLSv1.3", tls_server_name: HOST },
      },
    ]);
  });

  it("are a hundred at a time; more wait", async () => {
    const connection = await opened("main");
    const start = performance.now();
    const all = await Promise.all(
      Array.from({ length: 150 }, () => get(connection, "/", { headers: [["x-e2e", "slow=300"]] })),
    );
    expect(all.map(({ status }) => status)).toEqual(Array(150).fill(200));
    expect(performance.now() - start).toBeGreaterThan(600);
  });

  it("that are cancelled again and again end their connection, and nobody else's", async () => {
    const flood = await opened("main");
    const cancelled = client.cancelMany(flood, 5_000, { authority: HOST, headers: [["x-e2e", "slow=300"]] });
    for (let asked = 0; asked < 5; asked++) expect((await get(main, "/said")).status).toBe(200);
    expect(await cancelled).toBeLessThan(1_000);
    expect(await client.ended(flood)).toContain("too_many_premature_resets");
  });

  it("come from where their connection began, wherever it went", async () => {
    const [near, far] = [await opened("main", { from: "127.0.0.5" }), await opened("main", { from: "127.0.0.6" })];
    expect((await get(near, "/near")).body).toBe("near");
    expect((await get(far, "/near")).body).not.toBe("near");
    await client.move(near, "127.0.0.6");
    await client.move(far, "127.0.0.5");
    expect((await get(near, "/near")).body).toBe("near");
    expect((await get(far, "/near")).body).not.toBe("near");
  });
});

it("clients have as long as the listener says", async () => {
  const [half, body, idle] = await Promise.all([opened("quick"), opened("quick"), opened("quick")]);
  const start = performance.now();
  const ended = client.ended(idle).then(() => performance.now() - start);
  const [late, unfinished] = await Promise.all([
    client.askHalf(half, { authority: HOST, path: "/said" }),
    get(body, "/", { method: "POST", body: "x", unfinished: true }),
  ]);
  expect([late.status, unfinished.status]).toEqual([408, 408]);
  expect(performance.now() - start).toBeGreaterThan(900);
  expect(await ended).toBeGreaterThan(900);
});

it("sessions are resumed for their name, and nothing is taken before the handshake is done", async () => {
  const before = await opened("main");
  expect(await client.takesEarly(before)).toBe(false);
  // Each of Envoy's workers resumes its own.
  await until(
    "a session is resumed",
    async () => (await open("main", HOST, { connection: "again", resumes: before }))?.resumed,
  );
  expect((await get("again", "/said")).status).toBe(200);
  const other = await open("main", "exact.h3.example", { resumes: before });
  expect(other).toMatchObject({ resumed: false, shown: "exact" });
});

it("an UDP port that somebody else has is told, and TCP serves meanwhile", async () => {
  const reason = `UDP ${address}:${ports.taken} is in use`;
  await until("it is told", async () => {
    const { listeners } = (await must(e2e().program.api, "GET /v1/fleets/envoy/status")).json;
    const waiting = (listeners as { listener: string; state: string; reason: string | null }[]).filter(
      ({ state }) => state === "waiting",
    );
    expect(waiting).toEqual([expect.objectContaining({ listener: "taken", reason })]);
    return true;
  });
  expect((await overTcp("taken", { path: "/said" })).status).toBe(200);
});

it("a certificate that is replaced is shown to the next client, and connections stay", async () => {
  const before = await opened("main");
  const name = "main-new";
  const { chain, privateKey } = maker.make(name, { names: "DNS:*.h3.example,DNS:h3.example" });
  await must(e2e().program.api, "PUT /v1/certificates/wide", { body: { name: "wide", chain, privateKey } });
  await until("the new one is shown", async () => (await open("main", HOST))?.shown === name);
  expect((await get(before, "/said")).status).toBe(200);
});

it("connections of a listener that changes are drained, and so are those of one that goes", async () => {
  for (const change of [{ keepAliveTimeout: "59s" }, { http3: false }]) {
    const [busy, idle] = [await opened("main"), await opened("main")];
    const held = get(busy, "/", { headers: [["x-e2e", "slow=900"]] });
    const ended = client.ended(idle);
    await serve(model(change));
    expect((await held).status).toBe(200);
    await ended;
  }
  expect(headerValues(await overTcp("main", { path: "/said" }), "alt-svc")).toEqual([]);
  expect(await open("main", HOST, { seconds: PATIENCE_SECONDS })).toBe(null);
});

const BODIES: Readonly<Record<number, string>> = {
  200: "said",
  404: "404 Not Found\n",
  421: "421 Misdirected Request\n",
};
