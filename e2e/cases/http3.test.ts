/**
 * HTTP/3 with a real client, alike on the proxies that have it: who is shown which certificate, what requests get, limits, and
 * certificates that are replaced. What each does by itself stands in `http3Envoy`, `http3Nginx` and `http3Haproxy`.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linesIn, logFile } from "../harness/accessLog.ts";
import { must } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { type GrpcEcho, startGrpcEcho } from "../harness/grpcEcho.ts";
import type { Answered, Http3Client } from "../harness/http3.ts";
import {
  HOST,
  type Http3Clients,
  type Http3Fixture,
  http3Places,
  LOG_FIELDS,
  PATIENCE_SECONDS,
  type PortName,
  startHttp3,
  TOLD,
} from "../harness/http3Model.ts";
import { cluster, type ModelPart } from "../harness/model.ts";
import { type NewerProxies, startNewer } from "../harness/newer.ts";
import { until } from "../harness/process.ts";
import { headerValues } from "../harness/rawHttp.ts";
import { deadPort, receivedList, reloadFileProxies } from "../harness/serve.ts";
import type { Echo } from "../harness/upstream.ts";

let fixture: Http3Fixture;
let newer: NewerProxies;
let calls: GrpcEcho;
let client: Http3Client;
const places = Object.entries(http3Places).map(([name, place]) => ({ name, place }));

beforeAll(async () => {
  fixture = await startHttp3(Object.values(http3Places));
  client = fixture.client;
  calls = await startGrpcEcho("calls");
  newer = await startNewer(["nginx", "haproxy"], model(), {
    nginx: { accessLog: { path: logFile("newer-nginx"), fields: LOG_FIELDS } },
    haproxy: { accessLog: { fields: LOG_FIELDS } },
  });
  for (const { name, place } of places)
    await until(
      `${name} speaks HTTP/3`,
      async () => (await fixture.on(place).open("first", "other.h3.example")) !== null,
    );
});

afterAll(async () => {
  await newer?.stop();
  await fixture?.close();
  calls?.close();
});

/** Of `spare`: calls of gRPC. */
function model(): ModelPart {
  const fleets = Object.values(http3Places).map(({ fleet }) => fleet);
  const spare = { name: "spare", fleets, port: fixture.ports.spare, protocol: "HTTPS", http: { http3: true } };
  const to = (method: string, name: string): object => {
    return { matches: [{ grpc: { service: "trimtab.e2e.Echo", method } }], split: [{ cluster: name }] };
  };
  return fixture.model(
    {},
    {
      listeners: [{ ...spare, tls: { certificates: ["wide"] } }],
      clusters: [
        { ...cluster("calls", calls.port), protocol: "http2" },
        { ...cluster("dead", deadPort()), protocol: "http2" },
      ],
      routes: [
        { name: "calls", listeners: ["spare"], protocol: "grpc", rules: [to("Unary", "calls"), to("Talk", "dead")] },
      ],
    },
  );
}

const told = (answer: Answered): string | undefined => answer.headers.find(([name]) => name === "alt-svc")?.[1];
const echoed = (answer: Answered): Echo => JSON.parse(answer.body) as Echo;

describe.each(places)("$name", ({ name: proxy, place }) => {
  let on: Http3Clients;
  let main: string;
  beforeAll(async () => {
    on = fixture.on(place);
    main = await on.opened("main");
  });

  it("shows certificates by server name, and to nobody else", async () => {
    const rows: readonly (readonly [PortName, string | null, string | null])[] = [
      ["main", HOST, "wide"],
      ["main", "A.H3.Example", "wide"],
      ["main", "exact.h3.example", "exact"],
      ["main", "hole.h3.example", null],
      ["main", "nobody.example", null],
      ["main", null, null],
      ["first", "exact.h3.example", "exact"],
      ["first", "nobody.example", "other"],
      ["first", null, "other"],
    ];
    const seen = rows.map(async ([port, name, shown]) => {
      const seconds = shown === null ? PATIENCE_SECONDS : undefined;
      return [port, name, (await on.open(port, name, { seconds }))?.shown ?? null] as const;
    });
    expect(await Promise.all(seen)).toEqual(rows);
  });

  it("answers over TCP tell where it is, unless a rule says otherwise", async () => {
    const own = `h3=":${fixture.ports.main}"; ma=86400`;
    const rows: readonly (readonly [PortName, string, string[]])[] = [
      ["main", "/said", [own]],
      ["main", "/moved", [own]],
      ["main", "/inside", [own]],
      ["main", "/clear", ["clear"]],
      ["main", "/gone", []],
      ["quick", "/said", [`h3=":${TOLD}"; ma=86400`]],
    ];
    for (const [port, path, expected] of rows) {
      // The endpoint's own is of a place that clients do not see.
      const answer = await on.overTcp(port, { path, headers: [["x-e2e", 'reply=Alt-Svc: h3=":9"']] });
      expect([path, headerValues(answer, "alt-svc")]).toEqual([path, expected]);
    }
  });

  it("requests reach endpoints as over TCP, with bodies both ways", async () => {
    const body = "x".repeat(100_000);
    const authority = `${HOST}:${fixture.ports.main}`;
    const answer = await on.get(main, "/a%20b?c=d", { authority, method: "POST", body, headers: [["x_dropped", "1"]] });
    const { method, path, body: received } = echoed(answer);
    expect([method, path, received.length, told(answer)]).toEqual([
      ...["POST", "/a%20b?c=d", body.length],
      `h3=":${fixture.ports.main}"; ma=86400`,
    ]);
    expect(receivedList(echoed(answer), "host")).toEqual([authority]);
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
    ["nobody.example", 404],
  ])("a request on a connection for a.h3.example for %s: %s", async (authority, status) => {
    const answer = await on.get(main, "/said", { authority });
    expect([answer.status, answer.body]).toEqual([status, BODIES[status]]);
  });

  it("redirects, an endpoint that is late, and paths that are refused are answered as over TCP", async () => {
    const moved = await on.get(main, "/moved");
    expect([moved.status, moved.headers.find(([name]) => name === "location")?.[1]]).toEqual([
      302,
      `https://${HOST}:${fixture.ports.main}/new`,
    ]);
    expect(told(moved)).toBe(`h3=":${fixture.ports.main}"; ma=86400`);
    expect((await on.get(main, "/slow", { headers: [["x-e2e", "slow=3000"]] })).status).toBe(504);
    expect((await on.get(main, "/a/../said")).status).toBe(400);
    expect((await on.get(main, "/near")).body).not.toBe("near");
  });

  it("calls of gRPC are answered with their trailers, and errors as statuses", async () => {
    const spare = await on.opened("spare");
    const call = (method: string): Promise<Answered> =>
      on.get(spare, `/trimtab.e2e.Echo/${method}`, {
        ...{ method: "POST", body: "\0\0\0\0\x04\n\x02hi" },
        headers: [
          ["content-type", "application/grpc"],
          ["te", "trailers"],
        ],
      });
    const { status, headers, body, trailers } = await call("Unary");
    expect([status, headers.find(([name]) => name === "content-type")?.[1]]).toEqual([200, "application/grpc+proto"]);
    expect(body).toContain("\n\x02hi");
    expect(trailers).toContainEqual(["grpc-status", "0"]);
    const failed = await call("Talk");
    expect([failed.status, failed.headers.find(([name]) => name === "grpc-status")?.[1]]).toEqual([200, "14"]);
  });

  it("requests are written down as of HTTP/3", async () => {
    const isWanted = ({ path }: { path?: unknown }): boolean => path === "/said/logged";
    const log = proxy === "haproxy" ? newer.running.haproxy?.child.logFile : logFile(place.fleet);
    const lines = await linesIn(log as string, { count: 1, isWanted }, () => on.get(main, "/said/logged"));
    expect(lines).toEqual([
      {
        ...{ protocol: "HTTP/3", path: "/said/logged", client_address: "127.0.0.1" },
        ...{ tls_version: "TLSv1.3", tls_server_name: HOST },
      },
    ]);
  });

  it("a hundred requests at a time; more wait", async () => {
    const connection = await on.opened("main");
    const start = performance.now();
    const all = await Promise.all(
      Array.from({ length: 150 }, () => on.get(connection, "/", { headers: [["x-e2e", "slow=300"]] })),
    );
    expect(all.map(({ status }) => status)).toEqual(Array(150).fill(200));
    expect(performance.now() - start).toBeGreaterThan(600);
  });

  // HAProxy counts none: what becomes of them there is in a case of its own.
  it.skipIf(proxy === "haproxy")(
    "requests that are cancelled again and again end their connection, and nobody else's",
    async () => {
      const flood = await on.opened("main");
      const cancelled = client.cancelMany(flood, 5_000, { authority: HOST, headers: [["x-e2e", "slow=300"]] });
      for (let asked = 0; asked < 5; asked++) expect((await on.get(main, "/said")).status).toBe(200);
      expect(await cancelled).toBeLessThan(MOST_CANCELLED);
      await client.ended(flood);
    },
  );

  it("rules go by the client's address", async () => {
    const [near, far] = [
      await on.opened("main", { from: "127.0.0.5" }),
      await on.opened("main", { from: "127.0.0.6" }),
    ];
    expect((await on.get(near, "/near")).body).toBe("near");
    expect((await on.get(far, "/near")).body).not.toBe("near");
  });

  it("clients have as long as the listener says", async () => {
    const [half, body, idle] = await Promise.all([on.opened("quick"), on.opened("quick"), on.opened("quick")]);
    const start = performance.now();
    const ended = client.ended(idle).then(() => performance.now() - start);
    const [late, unfinished] = await Promise.all([
      client.askHalf(half, { authority: HOST, path: "/said" }),
      on.get(body, "/", { method: "POST", body: "x", unfinished: true }),
    ]);
    expect([late.status, unfinished.status]).toEqual(LATE[proxy as keyof typeof LATE]);
    expect(performance.now() - start).toBeGreaterThan(900);
    expect(await ended).toBeGreaterThan(900);
  });

  it("sessions are resumed for their name, and nothing is taken before the handshake is done", async () => {
    const before = await on.opened("main");
    expect(await client.takesEarly(before)).toBe(false);
    const again = `again on ${proxy}`;
    // Each of Envoy's workers resumes its own.
    await until(
      "a session is resumed",
      async () => (await on.open("main", HOST, { connection: again, resumes: before }))?.resumed,
    );
    expect((await on.get(again, "/said")).status).toBe(200);
    const other = await on.open("main", "exact.h3.example", { resumes: before });
    expect(other).toMatchObject({ resumed: false, shown: "exact" });
  });
});

it("a certificate that is replaced is shown to the next client", async () => {
  const name = "main-new";
  const { chain, privateKey } = fixture.maker.make(name, { names: "DNS:*.h3.example,DNS:h3.example" });
  await must(e2e().program.api, "PUT /v1/certificates/wide", { body: { name: "wide", chain, privateKey } });
  await reloadFileProxies();
  await newer.sync();
  for (const { place } of places) {
    const { open, opened, get } = fixture.on(place);
    await until("the new one is shown", async () => (await open("main", HOST))?.shown === name);
    expect((await get(await opened("main"), "/said")).status).toBe(200);
  }
});

const BODIES: Readonly<Record<number, string>> = {
  200: "said",
  404: "404 Not Found\n",
  421: "421 Misdirected Request\n",
};
/** Of half a head, and of half a body. nginx ends them without an answer, as over TCP, and HAProxy a head (0). */
const LATE = { envoy: [408, 408], nginx: [0, 0], haproxy: [0, 400] } as const;
/** Envoy counts cancelled requests, nginx all of a connection: 1 000, and as many again that come before its GOAWAY does. */
const MOST_CANCELLED = 2_001;
