/**
 * HTTP/3 as HAProxy alone has it, run by the agent: what it does with malformed requests, floods and clients that move, limits that TCP and QUIC
 * share, and what becomes of connections when a certificate is replaced or HAProxy is reloaded.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AgentPlace, openAgentPlace } from "../harness/agentPlace.ts";
import { must } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { fieldsOf, itIsTheSame } from "../harness/http3Same.ts";
import { HOST, type Http3Site, openHttp3Site, PATIENCE_SECONDS } from "../harness/http3Site.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { headerValues } from "../harness/rawHttp.ts";

/** The code of RFC 9114, 8.1. */
const MESSAGE_ERROR = 0x10e;
/** As the client tells it. */
const CONNECTION_GONE = -1;
const FIELDS = ["protocol", "path", "client_address", "tls_version", "tls_server_name"];

/** A client that moved, or asks where nobody listens, gets no answer in this time; others take a hundredth of it. */
const PATIENCE_MS = 1_000;

let place: AgentPlace;
let site: Http3Site;
let limited: number;

beforeAll(async () => {
  place = await openAgentPlace({ proxy: "haproxy", more: { accessLog: { fields: FIELDS } } });
  limited = await freePort(place.address);
  site = await openHttp3Site(place);
});

afterAll(async () => {
  await site?.close();
  await place?.close();
});

const linesOf = (path: string): string[] =>
  readFileSync(place.logFile, "utf8")
    .split("\n")
    .filter((line) => line.includes(JSON.stringify(path).replaceAll("/", "\\/")));

itIsTheSame(() => site, {
  logged: async (path, work) => {
    await work();
    const found = await until("it is written", () => (linesOf(path).length > 0 ? linesOf(path) : null));
    return found.map((line) => JSON.parse(line));
  },
  takenReason: (socket) => `${socket}/udp is in use`,
  waiting: async () =>
    ((await place.told()).listeners as { state: string }[]).filter(({ state }) => state === "waiting"),
});

describe("requests", () => {
  let main: string;
  beforeAll(async () => {
    main = await site.opened("main");
  });

  it("that are malformed are cancelled or answered 400, and the connection goes on", async () => {
    const { get } = site;
    for (const authority of ["bad host", "", "a@b"])
      expect([authority, (await get(main, "/said", { authority })).reset]).toEqual([authority, MESSAGE_ERROR]);
    for (const path of ["/a b", "a", "/a#b"])
      expect([path, (await get(main, path)).reset]).toEqual([path, MESSAGE_ERROR]);
    for (const name of ["connection", "X-Upper", "host", "te"])
      expect([name, (await get(main, "/said", { headers: [[name, "x"]] })).reset]).toEqual([name, MESSAGE_ERROR]);
    for (const path of ["/a/../said", "/%zz"]) expect([path, (await get(main, path)).status]).toEqual([path, 400]);
    expect((await get(main, "/said", { headers: [["x-control", "a\u0001b"]] })).status).toBe(400);
    for (const method of ["FOO", "get", "CONNECT"]) expect((await get(main, "/said", { method })).status).toBe(400);
    expect((await get(main, "/said", { method: "TRACE" })).status).toBe(405);
    expect((await get(main, "/said")).status).toBe(200);
  });

  it("have a thousand fields and 60 KiB as over TCP; a larger head ends its connection", async () => {
    const { get, client, opened } = site;
    expect((await get(main, "/said", { headers: fieldsOf(990, "v") })).status).toBe(200);
    const large = await opened("main");
    expect((await get(large, "/said", { headers: fieldsOf(59, "v".repeat(1000)) })).status).toBe(200);
    expect((await get(large, "/said", { headers: fieldsOf(70, "v".repeat(1000)) })).reset).not.toBe(null);
    await client.ended(large);
  });

  it("that are cancelled again and again disturb nobody else", async () => {
    const flood = await site.opened("main");
    const cancelled = site.client.cancelMany(flood, 2_000, { authority: HOST, headers: [["x-e2e", "slow=300"]] });
    for (let asked = 0; asked < 5; asked++) expect((await site.get(main, "/said")).status).toBe(200);
    expect(await cancelled).toBe(2_000);
    expect((await site.get(flood, "/said")).status).toBe(200);
  });

  it("of a client that moved get no answer, and it connects anew", async () => {
    const moved = await site.opened("main", { from: "127.0.0.5" });
    await site.client.move(moved, "127.0.0.6");
    const answer = site.get(moved, "/said").then(() => "answered");
    expect(await Promise.race([answer, sleep(PATIENCE_MS, "nothing")])).toBe("nothing");
    expect((await site.get(await site.opened("main", { from: "127.0.0.6" }), "/said")).status).toBe(200);
  });
});

it("half a head ends its connection in time; half a body is answered in time", async () => {
  const { opened, client, get } = site;
  const [half, body] = await Promise.all([opened("quick"), opened("quick")]);
  const start = performance.now();
  const [late, unfinished] = await Promise.all([
    client.askHalf(half, { authority: HOST, path: "/said" }),
    get(body, "/", { method: "POST", body: "x", unfinished: true }),
  ]);
  expect([late.reset, unfinished.status]).toEqual([CONNECTION_GONE, 400]);
  expect(performance.now() - start).toBeGreaterThan(900);
});

it("connections over TCP and QUIC are counted together", async () => {
  const listener = { name: "limited", fleets: [place.fleet], port: limited, protocol: "HTTPS" };
  const tls = { certificates: ["wide"] };
  await site.serve({}, [{ ...listener, tls, http: { http3: true }, connectionLimit: { max: 2 } }]);
  const [first, second] = [await site.opened(limited), await site.opened(limited)];
  for (const connection of [first, second]) expect((await site.get(connection, "/")).status).toBe(404);
  await expect(site.overTcp(limited, { path: "/" })).rejects.toThrow();
  const third = await site.open(limited, HOST, { connection: "third" });
  if (third !== null) expect((await site.get("third", "/")).reset).toBe(CONNECTION_GONE);
});

it("a certificate is replaced in the running process, and connections stay", async () => {
  const before = await site.opened("main");
  const { reloads } = await place.told();
  const name = "main-new";
  await must(e2e().program.api, "PUT /v1/certificates/wide", { body: { name: "wide", ...site.renewed(name) } });
  await until("the new one is shown", async () => (await site.open("main", HOST))?.shown === name);
  expect((await site.get(before, "/said")).status).toBe(200);
  expect((await place.told()).reloads).toBe(reloads);
});

it("after a reload what is under way is answered, and idle connections end", async () => {
  for (const change of [{ keepAliveTimeout: "59s" }, { http3: false }]) {
    const { opened, get, client } = site;
    const [busy, idle] = [await opened("main"), await opened("main")];
    const held = get(busy, "/", { headers: [["x-e2e", "slow=900"]] });
    const ends = [client.ended(busy), client.ended(idle)];
    await site.serve(change);
    expect((await held).status).toBe(200);
    await Promise.all(ends);
  }
  expect(headerValues(await site.overTcp("main", { path: "/said" }), "alt-svc")).toEqual([]);
  expect(await site.open("main", HOST, { seconds: PATIENCE_SECONDS })).toBe(null);
});
