/** Certificates of clients over HTTP/3, on nginx, which asks for them there: who is let in, what endpoints are told, ways around it. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linesFor, logFile } from "../harness/accessLog.ts";
import { type Issuer, issuer, type ShownByClient, toldOf } from "../harness/clientCertificates.ts";
import { e2e } from "../harness/context.ts";
import type { Answered, Asked } from "../harness/http3.ts";
import { type Http3Fixture, http3Places, startHttp3 } from "../harness/http3Model.ts";
import { cluster, type Document, type ModelPart } from "../harness/model.ts";
import { type NewerProxies, startNewer } from "../harness/newer.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { certificateMaker } from "../harness/tls.ts";
import { type Echo, startEcho, type Upstream } from "../harness/upstream.ts";

const FIELD = "X-Forwarded-Client-Cert";
const SPOOFED = 'Cert="spoofed";Subject="CN=admin"';
const LOGGED = ["path", "status", "tls_client_subject", "tls_client_verified"];
const place = http3Places.nginx;
/** `shared` is two listeners: one asks, the other does not. */
const LISTENERS = ["require", "optional", "first", "shared"] as const;
type ListenerName = (typeof LISTENERS)[number];

let echo: Upstream;
let fixture: Http3Fixture;
let newer: NewerProxies;
let right: Issuer;
const shown: Record<string, ShownByClient> = {};
const ports: Record<string, number> = {};
let connections = 0;

beforeAll(async () => {
  echo = await startEcho("behind");
  fixture = await startHttp3([place]);
  const folder = join(e2e().workDir, "http3-clients");
  right = issuer(join(folder, "right"), "right");
  const other = issuer(join(folder, "other"), "other");
  shown.good = right.issue("good");
  shown.expired = right.issue("expired", { from: "20200101000000Z", until: "20200201000000Z" });
  shown.revoked = right.issue("revoked");
  shown.server = right.issue("server", { extensions: ["extendedKeyUsage=serverAuth"] });
  shown.stranger = other.issue("stranger");
  for (const name of LISTENERS) ports[name] = await freePort(place.address);
  const accessLog = { path: logFile(place.fleet), fields: LOGGED };
  newer = await startNewer(["nginx"], model(folder), { nginx: { accessLog } });
  await until("nginx serves", async () => (await get("require", "good"))?.status === 200);
}, 60_000);

afterAll(async () => {
  await newer?.stop();
  await fixture?.close();
  await echo?.close();
});

function model(folder: string): ModelPart {
  const servers = certificateMaker(join(folder, "servers"));
  const on = (name: string, mode: string | null, more: { hostname?: string; unknown?: string } = {}): Document => {
    const asked = { clientAuthentication: { mode, authorities: ["right"], forward: "xfcc" } };
    const { hostname, unknown } = more;
    return {
      ...{ name, fleets: [place.fleet], port: ports[name.split("-")[0] as string], protocol: "HTTPS" },
      ...(hostname === undefined ? {} : { hostname }),
      http: { http3: true },
      tls: {
        certificates: ["wide"],
        ...(unknown === undefined ? {} : { unknownServerName: unknown }),
        ...(mode === null ? {} : asked),
      },
    };
  };
  const listeners = [
    on("require", "require"),
    on("optional", "optional"),
    on("first", "require", { unknown: "first" }),
    on("shared-asks", "require", { hostname: "a.mtls.example" }),
    on("shared-open", null, { hostname: "b.mtls.example" }),
  ];
  return {
    certificates: [{ name: "wide", ...servers.make("wide", { names: "DNS:*.mtls.example" }) }],
    authorities: [{ name: "right", bundle: right.bundle, crl: right.revoke("revoked") }],
    listeners,
    clusters: [cluster("behind", echo.port)],
    routes: [
      { name: "behind", listeners: listeners.map(({ name }) => name), rules: [{ split: [{ cluster: "behind" }] }] },
    ],
  };
}

interface Told {
  readonly status: number;
  readonly told: readonly string[];
}

/** A request on a connection of its own, with somebody else's certificate in a field. Null: no answer, and none for the endpoint. */
async function get(
  listener: ListenerName,
  who: string | null,
  { serverName = "a.mtls.example", ...asked }: Partial<Asked> & { readonly serverName?: string | null } = {},
): Promise<Told | null> {
  const connection = `client ${++connections}`;
  const { address } = place;
  const client = who === null ? {} : { shown: shown[who] as ShownByClient };
  const hello = { address, port: ports[listener] as number, connection, serverName, ...client };
  if ((await fixture.client.open(hello)) === null) return null;
  const before = echo.seen();
  const authority = serverName ?? "a.mtls.example";
  const answer = await fixture.client.ask(connection, {
    authority,
    headers: [[FIELD.toLowerCase(), SPOOFED]],
    ...asked,
  });
  if (answer.reset === null) return { status: answer.status, told: fieldsOf(answer) };
  expect(echo.seen()).toBe(before);
  return null;
}

function fieldsOf({ status, body }: Answered): readonly string[] {
  if (status !== 200) return [];
  const { headers } = JSON.parse(body) as Echo;
  return headers.filter(([name]) => name.toLowerCase() === FIELD.toLowerCase()).map(([, value]) => value);
}

type Sees = "served" | "served, told" | "refused";

const rows: readonly (readonly [ListenerName, string | null, Sees])[] = [
  ["require", "good", "served, told"],
  ["require", null, "refused"],
  ["require", "stranger", "refused"],
  ["require", "expired", "refused"],
  ["require", "revoked", "refused"],
  ["require", "server", "refused"],
  ["optional", "good", "served, told"],
  ["optional", null, "served"],
  ["optional", "stranger", "refused"],
  ["optional", "expired", "refused"],
  ["optional", "revoked", "refused"],
  ["first", "good", "served, told"],
  ["first", null, "refused"],
  ["shared", "good", "served, told"],
  ["shared", null, "refused"],
];

describe("who shows what", () => {
  it.each(rows)("on %s shows %s: %s", async (listener, who, sees) => {
    const answer = await get(listener, who);
    if (sees === "refused") return expect(answer).toBeNull();
    const told = sees === "served" ? [] : [toldOf(shown[who as string] as ShownByClient)];
    expect(answer).toEqual({ status: 200, told });
  });
});

it("serves no host but the one that was asked for", async () => {
  const misdirected = { status: 421, told: [] };
  const open = { serverName: "b.mtls.example", authority: "a.mtls.example" };
  expect(await get("shared", null, open)).toEqual(misdirected);
  expect(await get("shared", "good", open)).toEqual(misdirected);
  expect(await get("shared", "good", { authority: "b.mtls.example" })).toEqual(misdirected);
  expect(await get("shared", null, { serverName: "b.mtls.example" })).toEqual({ status: 200, told: [] });
  expect(await get("require", "good", { authority: "c.mtls.example" })).toEqual(misdirected);
  expect(await get("first", "good", { serverName: "x.other.example", authority: "a.mtls.example" })).toEqual(
    misdirected,
  );
  for (const authority of ["A.mtls.example", "a.mtls.example:443", "a.mtls.example."])
    expect(await get("require", "good", { authority })).toMatchObject({ status: 200 });
  expect(await get("first", "good", { serverName: null })).toMatchObject({ status: 200 });
  expect(await get("first", null, { serverName: null })).toBeNull();
});

it("no session is resumed: each handshake shows a certificate", async () => {
  const hello = { address: place.address, port: ports.require as number, serverName: "a.mtls.example" };
  const good = shown.good as ShownByClient;
  await fixture.client.open({ ...hello, connection: "resumed", shown: good });
  expect(await fixture.client.ask("resumed", { authority: "a.mtls.example" })).toMatchObject({ status: 200 });
  const again = await fixture.client.open({ ...hello, connection: "again", resumes: "resumed", shown: good });
  expect(again).toMatchObject({ resumed: false });
});

it("is written down", async () => {
  const isWanted = ({ path }: { path?: unknown }): boolean => path === "/logged";
  const lines = await linesFor(place.fleet, { count: 1, isWanted }, () => get("require", "good", { path: "/logged" }));
  expect(lines).toEqual([{ path: "/logged", status: 200, tls_client_subject: "CN=good", tls_client_verified: "yes" }]);
});
