/** HTTP/3 as Envoy alone has it: names that TLS listeners pass on, what it cancels, busy ports, and what becomes of connections. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
import { serve } from "../harness/serve.ts";

/** The codes of RFC 9114, 8.1. */
const GENERAL_PROTOCOL_ERROR = 0x101;
const EXCESSIVE_LOAD = 0x107;

let fixture: Http3Fixture;
let on: Http3Clients;
/** Somebody else has the UDP port of `spare`. */
const squatter = createSocket("udp4");

beforeAll(async () => {
  fixture = await startHttp3([http3Places.envoy]);
  on = fixture.on(http3Places.envoy);
  squatter.bind(fixture.ports.spare, http3Places.envoy.address);
  await once(squatter, "listening");
  await serve(model({}));
  await until("Envoy speaks HTTP/3", async () => (await on.open("first", "other.h3.example")) !== null);
});

afterAll(async () => {
  squatter.close();
  await fixture.close();
});

function model(main: object): ModelPart {
  const envoy = { fleets: ["envoy"] };
  const spare = { name: "spare", ...envoy, port: fixture.ports.spare, protocol: "HTTPS", http: { http3: true } };
  const passed = { name: "main-passed", ...envoy, port: fixture.ports.main, protocol: "TLS" };
  const split = [{ cluster: "inside" }];
  return fixture.model(main, {
    listeners: [
      { ...spare, tls: { certificates: ["wide"] } },
      { ...passed, hostname: "passed.h3.example", tls: { mode: "passthrough" } },
    ],
    routes: [
      { name: "spare", listeners: ["spare"], rules: [{ respond: { status: 200, body: "spare" } }] },
      { name: "passed", listeners: ["main-passed"], protocol: "tls", rules: [{ split }] },
    ],
  });
}

it("names that TLS listeners of the port pass on have no handshake, and are another listener's", async () => {
  expect(await on.open("main", "passed.h3.example", { seconds: PATIENCE_SECONDS })).toBe(null);
  const { status } = await on.get(await on.opened("main"), "/said", { authority: "passed.h3.example" });
  expect(status).toBe(421);
});

describe("requests", () => {
  let main: string;
  beforeAll(async () => {
    main = await on.opened("main");
  });

  const fields = (count: number, value: string): (readonly [string, string])[] =>
    Array.from({ length: count }, (_, index) => [`x-${index}`, value]);

  it("that are malformed, or have too many fields, are cancelled alone", async () => {
    expect((await on.get(main, "/said", { authority: "bad host" })).reset).toBe(GENERAL_PROTOCOL_ERROR);
    expect((await on.get(main, "/said", { headers: fields(1001, "v") })).reset).toBe(EXCESSIVE_LOAD);
    expect((await on.get(main, "/said", { headers: fields(990, "v") })).status).toBe(200);
  });

  it("that have too large a head are cancelled with their connection", async () => {
    const connection = await on.opened("main");
    expect((await on.get(connection, "/said", { headers: fields(59, "v".repeat(1000)) })).status).toBe(200);
    expect((await on.get(connection, "/said", { headers: fields(70, "v".repeat(1000)) })).reset).toBe(EXCESSIVE_LOAD);
    await fixture.client.ended(connection);
  });

  it("that are cancelled by the hundreds are why a connection ends", async () => {
    const flood = await on.opened("main");
    const asked = { authority: HOST, headers: [["x-e2e", "slow=300"]] } as const;
    expect(await fixture.client.cancelMany(flood, 5_000, asked)).toBeLessThan(1_000);
    expect(await fixture.client.ended(flood)).toContain("too_many_premature_resets");
  });

  it("come from where their connection began, wherever it went", async () => {
    const { opened, get } = on;
    const [near, far] = [await opened("main", { from: "127.0.0.5" }), await opened("main", { from: "127.0.0.6" })];
    expect((await get(near, "/near")).body).toBe("near");
    expect((await get(far, "/near")).body).not.toBe("near");
    await fixture.client.move(near, "127.0.0.6");
    await fixture.client.move(far, "127.0.0.5");
    expect((await get(near, "/near")).body).toBe("near");
    expect((await get(far, "/near")).body).not.toBe("near");
  });
});

it("an UDP port that somebody else has is told, and TCP serves meanwhile", async () => {
  const reason = `UDP ${http3Places.envoy.address}:${fixture.ports.spare} is in use`;
  await until("it is told", async () => {
    const { listeners } = (await must(e2e().program.api, "GET /v1/fleets/envoy/status")).json;
    const waiting = (listeners as { listener: string; state: string; reason: string | null }[]).filter(
      ({ state }) => state === "waiting",
    );
    expect(waiting).toEqual([expect.objectContaining({ listener: "spare", reason })]);
    return true;
  });
  expect((await on.overTcp("spare", { path: "/" })).body).toBe("spare");
});

it("connections stay when a certificate is replaced", async () => {
  const before = await on.opened("main");
  const name = "main-new";
  const { chain, privateKey } = fixture.maker.make(name, { names: "DNS:*.h3.example,DNS:h3.example" });
  await must(e2e().program.api, "PUT /v1/certificates/wide", { body: { name: "wide", chain, privateKey } });
  await until("the new one is shown", async () => (await on.open("main", HOST))?.shown === name);
  expect((await on.get(before, "/said")).status).toBe(200);
});

it("connections of a listener that changes are drained, and so are those of one that goes", async () => {
  for (const change of [{ keepAliveTimeout: "59s" }, { http3: false }]) {
    const [busy, idle] = [await on.opened("main"), await on.opened("main")];
    const held = on.get(busy, "/", { headers: [["x-e2e", "slow=900"]] });
    const ended = fixture.client.ended(idle);
    await serve(model(change));
    expect((await held).status).toBe(200);
    await ended;
  }
  expect(headerValues(await on.overTcp("main", { path: "/said" }), "alt-svc")).toEqual([]);
  expect(await on.open("main", HOST, { seconds: PATIENCE_SECONDS })).toBe(null);
});
