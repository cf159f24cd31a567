/**
 * HTTP/3 as HAProxy alone has it, run by the agent: what it does with malformed requests, floods and clients that move, and with
 * connections that TCP and QUIC share, when a certificate is replaced, and at reloads.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AgentPlace, openAgentPlace } from "../harness/agentPlace.ts";
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
import type { ModelPart } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { headerValues } from "../harness/rawHttp.ts";

/** The code of RFC 9114, 8.1. */
const MESSAGE_ERROR = 0x10e;
/** As the client tells it. */
const CONNECTION_GONE = -1;
/** A client that moved gets no answer in this time; others take a hundredth of it. */
const PATIENCE_MS = 1_000;

const place = http3Places.haproxy;
let fixture: Http3Fixture;
let on: Http3Clients;
let agent: AgentPlace;
const squatter = createSocket("udp4");

beforeAll(async () => {
  fixture = await startHttp3([place]);
  on = fixture.on(place);
  squatter.bind(fixture.ports.first, place.address);
  await once(squatter, "listening");
  agent = await openAgentPlace("haproxy");
  await agent.serve(model({}));
});

afterAll(async () => {
  squatter.close();
  await agent?.close();
  await fixture?.close();
});

/** A name of `main` is passed on over TCP, and `spare` takes few connections. */
function model(main: object): ModelPart {
  const { ports } = fixture;
  const { fleet } = place;
  const inside = { rules: [{ split: [{ cluster: "inside" }] }] };
  return fixture.model(main, {
    listeners: [
      {
        ...{ name: "main-passed", fleets: [fleet], port: ports.main, protocol: "TLS" },
        ...{ hostname: "passed.h3.example", tls: { mode: "passthrough" } },
      },
      {
        ...{ name: "spare", fleets: [fleet], port: ports.spare, protocol: "HTTPS", tls: { certificates: ["wide"] } },
        ...{ http: { http3: true }, connectionLimit: { max: 2 } },
      },
    ],
    routes: [
      { name: "passed", listeners: ["main-passed"], protocol: "tls", ...inside },
      { name: "spare", listeners: ["spare"], ...inside },
    ],
  });
}

const fieldsOf = (count: number, value: string): (readonly [string, string])[] =>
  Array.from({ length: count }, (_, index) => [`x-${index}`, value]);

it("an UDP port that somebody else has is told by the agent, and TCP serves meanwhile", async () => {
  const reason = `${place.address}:${fixture.ports.first}/udp is in use`;
  await until("it is told", async () => {
    const { listeners } = await agent.told();
    const waiting = (listeners as { state: string }[]).filter(({ state }) => state === "waiting");
    expect(waiting).toEqual([expect.objectContaining({ listener: "first", reason })]);
    return true;
  });
  expect((await on.overTcp("first", { path: "/said" })).body).toBe("said");
  expect((await on.get(await on.opened("main"), "/said")).body).toBe("said");
});

it("names that TLS listeners of the port pass on have no handshake over UDP", async () => {
  const name = "passed.h3.example";
  expect(await on.open("main", name, { seconds: PATIENCE_SECONDS })).toBe(null);
  expect((await on.get(await on.opened("main"), "/said", { authority: name })).status).toBe(421);
});

describe("requests", () => {
  let main: string;
  beforeAll(async () => {
    main = await on.opened("main");
  });

  it("that are malformed are cancelled or answered 400, and the connection goes on", async () => {
    const { get } = on;
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
    const { get, opened } = on;
    const { client } = fixture;
    expect((await get(main, "/said", { headers: fieldsOf(990, "v") })).status).toBe(200);
    const large = await opened("main");
    expect((await get(large, "/said", { headers: fieldsOf(59, "v".repeat(1000)) })).status).toBe(200);
    expect((await get(large, "/said", { headers: fieldsOf(70, "v".repeat(1000)) })).reset).not.toBe(null);
    await client.ended(large);
  });

  it("that are cancelled again and again disturb nobody else", async () => {
    const flood = await on.opened("main");
    const cancelled = fixture.client.cancelMany(flood, 2_000, { authority: HOST, headers: [["x-e2e", "slow=300"]] });
    for (let asked = 0; asked < 5; asked++) expect((await on.get(main, "/said")).status).toBe(200);
    expect(await cancelled).toBe(2_000);
    expect((await on.get(flood, "/said")).status).toBe(200);
  });

  it("of a client that moved get no answer, and it connects anew", async () => {
    const moved = await on.opened("main", { from: "127.0.0.5" });
    await fixture.client.move(moved, "127.0.0.6");
    const answer = on.get(moved, "/said").then(() => "answered");
    expect(await Promise.race([answer, sleep(PATIENCE_MS, "nothing")])).toBe("nothing");
    expect((await on.get(await on.opened("main", { from: "127.0.0.6" }), "/said")).status).toBe(200);
  });
});

it("a body whose length was announced and that stops is answered 408", async () => {
  const body = { method: "POST", body: "x", unfinished: true, headers: [["content-length", "5"]] } as const;
  expect((await on.get(await on.opened("quick"), "/", body)).status).toBe(408);
});

it("connections over TCP and QUIC are counted together", async () => {
  for (const connection of [await on.opened("spare"), await on.opened("spare")])
    expect((await on.get(connection, "/")).status).toBe(200);
  await expect(on.overTcp("spare", { path: "/" })).rejects.toThrow();
  const third = await on.opened("spare");
  expect((await on.get(third, "/")).reset).toBe(CONNECTION_GONE);
});

it("a certificate is replaced in the running process, and connections stay", async () => {
  const before = await on.opened("main");
  const { reloads } = await agent.told();
  const name = "main-new";
  const made = fixture.maker.make(name, { names: "DNS:*.h3.example,DNS:h3.example" });
  await must(e2e().program.api, "PUT /v1/certificates/wide", { body: { name: "wide", ...made } });
  await until("the new one is shown", async () => (await on.open("main", HOST))?.shown === name);
  expect((await on.get(before, "/said")).status).toBe(200);
  expect((await agent.told()).reloads).toBe(reloads);
});

it("after a reload what is under way is answered, and idle connections end", async () => {
  for (const change of [{ keepAliveTimeout: "59s" }, { http3: false }]) {
    const { opened, get } = on;
    const { client } = fixture;
    const [busy, idle] = [await opened("main"), await opened("main")];
    const held = get(busy, "/", { headers: [["x-e2e", "slow=900"]] });
    const ends = [client.ended(busy), client.ended(idle)];
    await agent.serve(model(change));
    expect((await held).status).toBe(200);
    await Promise.all(ends);
  }
  expect(headerValues(await on.overTcp("main", { path: "/said" }), "alt-svc")).toEqual([]);
  expect(await on.open("main", HOST, { seconds: PATIENCE_SECONDS })).toBe(null);
});
