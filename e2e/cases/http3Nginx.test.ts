/** HTTP/3 as nginx alone has it: hosts, what it answers where Envoy cancels, limits, and what a reload does to connections. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:http2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startNewerAgent } from "../harness/agentPlace.ts";
import { must } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import {
  HOST,
  type Http3Clients,
  type Http3Fixture,
  http3Places,
  PATIENCE_SECONDS,
  startHttp3,
} from "../harness/http3Model.ts";
import type { Document, ModelPart } from "../harness/model.ts";
import { type NewerProxies, startNewer } from "../harness/newer.ts";
import { stopChild, until } from "../harness/process.ts";
import { headerValues } from "../harness/rawHttp.ts";
import { receivedList } from "../harness/serve.ts";
import type { Echo } from "../harness/upstream.ts";

const place = http3Places.nginx;
let fixture: Http3Fixture;
let newer: NewerProxies;
let on: Http3Clients;

beforeAll(async () => {
  fixture = await startHttp3([place]);
  on = fixture.on(place);
  newer = await startNewer(["nginx"], model({}));
  await until("nginx speaks HTTP/3", async () => (await on.open("first", "other.h3.example")) !== null);
});

afterAll(async () => {
  await newer?.stop();
  await fixture?.close();
});

/** `spare` counts requests, and knows its own again. */
function model(main: object): ModelPart {
  const spare = { name: "spare", fleets: [place.fleet], port: fixture.ports.spare, protocol: "HTTPS" };
  const http = { http3: true, viaGuard: true };
  return fixture.model(main, {
    listeners: [{ ...spare, http, tls: { certificates: ["wide"] }, connectionLimit: { max: 3 } }],
    routes: [{ name: "spare", listeners: ["spare"], rules: [{ split: [{ cluster: "inside" }] }] }],
  });
}

const echoOf = ({ body }: { readonly body: string }): Echo => JSON.parse(body) as Echo;
const fields = (count: number, value: string): (readonly [string, string])[] =>
  Array.from({ length: count }, (_, index) => [`x-${index}`, value]);

it("endpoints get the host in small letters, with the port that clients are told", async () => {
  const [main, quick] = [await on.opened("main"), await on.opened("quick")];
  const host = async (connection: string, authority: string): Promise<string[]> =>
    receivedList(echoOf(await on.get(connection, "/", { authority })), "host");
  for (const authority of ["A.H3.Example:1", HOST]) {
    expect(await host(main, authority)).toEqual([`${HOST}:${fixture.ports.main}`]);
    expect(await host(quick, authority)).toEqual([HOST]);
  }
});

it("answers what is malformed or too large with 400, and the connection goes on", async () => {
  const main = await on.opened("main");
  const status = async (asked: object): Promise<number> => (await on.get(main, "/said", asked)).status;
  for (const authority of ["bad host", ""]) expect(await status({ authority })).toBe(400);
  for (const method of ["FOO", "get"]) expect(await status({ method })).toBe(400);
  expect(await status({ method: "CONNECT" })).toBe(405);
  for (const name of ["connection", "upgrade", "keep-alive", "transfer-encoding", "proxy-connection", "X-Upper"])
    expect([name, await status({ headers: [[name, "close"]] })]).toEqual([name, 400]);
  expect(await status({ headers: fields(990, "v") })).toBe(200);
  expect(await status({ headers: fields(1001, "v") })).toBe(400);
  expect(await status({ headers: fields(110, "v".repeat(1000)) })).toBe(200);
  expect(await status({ headers: fields(130, "v".repeat(1000)) })).toBe(400);
});

it("counts requests over UDP and TCP together, and knows its own again by Via", async () => {
  const spare = await on.opened("spare");
  const slow = { headers: [["x-e2e", "slow=400"]] } as const;
  const both = [on.overTcp("spare", { path: "/", ...slow }), ...[1, 2, 3].map(() => on.get(spare, "/", slow))];
  expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([200, 200, 200, 503]);
  const via = receivedList(echoOf(await on.get(spare, "/")), "via");
  expect(via).toHaveLength(1);
  expect((await on.get(spare, "/", { headers: [["via", via[0] as string]] })).status).toBe(508);
});

it("serves HTTP/2 on the same port, and tells of HTTP/3 there", async () => {
  const session = connect(`https://${HOST}:${fixture.ports.main}`, {
    ...{ host: place.address, servername: HOST, rejectUnauthorized: false },
    lookup: (_name, _options, found) => found(null, [{ address: place.address, family: 4 }]),
  });
  const stream = session.request({ ":path": "/said" });
  const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
    stream.once("response", resolve);
    stream.once("error", reject);
    session.once("error", reject);
  });
  session.destroy();
  expect([headers[":status"], headers["alt-svc"]]).toEqual([200, `h3=":${fixture.ports.main}"; ma=86400`]);
});

it("a reload ends idle connections, answers what is under way, and serves new ones", async () => {
  const [busy, idle] = [await on.opened("main"), await on.opened("main")];
  const held = on.get(busy, "/", { headers: [["x-e2e", "slow=900"]] });
  const ended = fixture.client.ended(idle);
  await newer.serve(model({ keepAliveTimeout: "61s" }));
  expect((await held).status).toBe(200);
  expect(await ended).toMatch(/^(?:connection|graceful) shutdown$/);
  // Workers of before may still take its packets.
  await until("a new client comes", async () => (await on.open("main", HOST, { seconds: 1 }))?.shown === "wide");
});

it("nobody has a handshake once it is off, and clients are not told any more", async () => {
  await newer.serve(model({ http3: false }));
  expect(headerValues(await on.overTcp("main", { path: "/said" }), "alt-svc")).toEqual([]);
  expect(await on.open("main", HOST, { seconds: PATIENCE_SECONDS })).toBe(null);
});

it("an UDP port that somebody else has is told by the agent, and TCP serves meanwhile", async () => {
  await newer.serve(model({}));
  await newer.stop();
  const { ports } = fixture;
  const squatter = createSocket("udp4").bind(ports.first, place.address);
  await once(squatter, "listening");
  const agent = await startNewerAgent("nginx");
  try {
    const reason = `${place.address}:${ports.first}/udp is in use`;
    await until("it is told", async () => {
      const { listeners } = (await must(e2e().program.api, `GET /v1/fleets/${place.fleet}/status`)).json;
      const waiting = (listeners as Document[]).filter(({ state }) => state === "waiting");
      expect(waiting).toEqual([expect.objectContaining({ listener: "first", reason })]);
      return true;
    });
    expect((await on.overTcp("first", { path: "/said" })).body).toBe("said");
    expect((await on.get(await on.opened("main"), "/said")).body).toBe("said");
    squatter.close();
    await until(
      "it comes when it can",
      async () => (await on.open("first", "other.h3.example", { seconds: 1 }))?.shown === "other",
    );
  } finally {
    await stopChild(agent);
  }
});
