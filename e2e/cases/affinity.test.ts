/** Clients stay on their endpoint by a cookie that all three proxies understand; what happens when it can no longer serve. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { must } from "../harness/api.ts";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { type Document, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { connectTo, headerValues } from "../harness/rawHttp.ts";
import { ask, deadPort, type ProxyAnswer, reloadFileProxies, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";
import { stat } from "../proxies/envoy.ts";

const host = "affinity.e2e.example";
/** By chance that many requests would meet one of three endpoints only once in 700 runs of a case. */
const REQUESTS = 7;
let upstreams: Upstream[];
/** An endpoint of another cluster, and a server that the model does not know. */
let other: Upstream;
let spy: Upstream;
/** It fails its health check in the end. */
let sick: Upstream;
/** nginx does not probe. */
const checkers = ["envoy", "haproxy"] as const;

/** As Envoy makes it: base64 of field 1 of a message, the address. */
function cookieValue(port: number): string {
  const text = `127.0.0.1:${port}`;
  return Buffer.from(`\n${String.fromCharCode(text.length)}${text}`, "latin1").toString("base64");
}

interface Place {
  readonly port: number;
  readonly state?: string;
  readonly priority?: number;
}

function cluster(name: string, endpoints: readonly Place[], cookie = "SRV"): Document {
  return {
    name,
    endpoints: endpoints.map(({ port, state = "active", priority = 0 }) => ({
      address: "127.0.0.1",
      port,
      state,
      priority,
    })),
    affinity: { cookie: { name: cookie } },
    timeouts: { connect: "1s" },
  };
}

function get(proxy: ProxyName, path: string, cookie?: string): Promise<ProxyAnswer> {
  return ask(proxy, { host, path, headers: cookie === undefined ? [] : [["Cookie", cookie]] });
}

/** What a cookie jar keeps of the one field that there is; null: there is none. */
function cookieOf(answer: ProxyAnswer): string | null {
  const fields = headerValues(answer, "set-cookie");
  expect(fields.length).toBeLessThan(2);
  return fields[0]?.split(";")[0] ?? null;
}

/** The one endpoint that takes some requests with this cookie, which none of them sets anew. */
async function keeper(proxy: ProxyName, path: string, cookie: string): Promise<string | undefined> {
  const names = new Set<string | undefined>();
  for (let sent = 0; sent < REQUESTS; sent++) {
    const answer = await get(proxy, path, cookie);
    expect(cookieOf(answer), `${proxy} ${cookie}`).toBeNull();
    names.add(answer.echo?.name);
  }
  expect([...names], `${proxy} ${cookie}`).toHaveLength(1);
  return [...names][0];
}

beforeAll(async () => {
  upstreams = await Promise.all(["aff-a", "aff-b", "aff-c"].map((name) => startEcho(name)));
  [other, spy, sick] = (await Promise.all(["aff-other", "aff-spy", "aff-sick"].map((name) => startEcho(name)))) as [
    Upstream,
    Upstream,
    Upstream,
  ];
  const to = (path: string, ...clusters: string[]) => ({
    name: path.slice(1),
    matches: [{ path: { prefix: path } }],
    split: clusters.map((name) => ({ cluster: name })),
  });
  const dead = { port: deadPort() };
  await serve({
    listeners: [{ name: "checked", fleets: [...checkers], port: e2e().ports.http2, protocol: "HTTP" }],
    healthChecks: [{ name: "quick", type: "http", interval: "100ms", timeout: "100ms", rise: 1, fall: 1 }],
    clusters: [
      cluster("kept", upstreams),
      cluster("other", [other]),
      cluster("moving", upstreams),
      cluster("half-dead", [dead, upstreams[0]!]),
      cluster("dead", [dead]),
      cluster("levels", [upstreams[0]!, { port: upstreams[1]!.port, priority: 1 }]),
      { ...cluster("checked", [upstreams[0]!, { port: sick.port }]), healthCheck: "quick" },
      cluster("green", upstreams.slice(0, 2), "GREEN"),
      cluster("blue", upstreams.slice(1), "BLUE"),
      { name: "plain", endpoints: [{ address: "127.0.0.1", port: other.port }] },
    ],
    routes: [
      route(
        "affinity",
        host,
        to("/kept", "kept"),
        {
          ...to("/changed", "kept"),
          rewrite: { path: { prefix: "/new" } },
          responseHeaders: { add: [{ name: "Set-Cookie", value: "rule=1" }] },
        },
        to("/other", "other"),
        to("/moving", "moving"),
        to("/half-dead", "half-dead"),
        to("/dead", "dead"),
        to("/levels", "levels"),
        to("/split", "green", "blue"),
        to("/mixed", "green", "plain"),
        to("/plain", "plain"),
      ),
      { name: "checked", listeners: ["checked"], hostnames: [host], rules: [{ split: [{ cluster: "checked" }] }] },
    ],
  });
});

afterAll(async () => {
  await Promise.all([...upstreams, other, spy, sick].map((upstream) => upstream.close()));
});

describe.each(proxyNames)("%s", (proxy) => {
  it("sets a session cookie that names the endpoint; all three proxies honour it, bare or in quotes", async () => {
    const first = await get(proxy, "/kept");
    const name = first.echo?.name;
    const [pair = "", ...attributes] = headerValues(first, "set-cookie")[0]!.split("; ");
    expect(attributes.map((text) => text.toLowerCase()).sort()).toEqual(["httponly", "path=/"]);
    const value = cookieValue(upstreams.find((upstream) => upstream.name === name)!.port);
    expect(pair.replaceAll('"', "")).toBe(`SRV=${value}`);
    for (const next of proxyNames) {
      const others = `x-SRV="x"; SRV="${value}";srv=${cookieValue(other.port)}`;
      for (const cookie of [pair, `SRV=${value}`, others, `a="1;2";b=c; SRV="${value}"`])
        expect(await keeper(next, "/kept", cookie), `${proxy} ${next}`).toBe(name);
    }
  });

  it("shows the endpoint the cookie, and leaves cookies of rules and endpoints alone", async () => {
    const own = `a=1; SRV=${cookieValue(upstreams[1]!.port)}; b=2`;
    const headers = [
      ["Cookie", own],
      ["X-E2E", "reply=Set-Cookie: app=1"],
    ] as const;
    const kept = await ask(proxy, { host, path: "/changed/x?y", headers });
    expect(kept.echo).toMatchObject({ name: "aff-b", path: "/new/x?y" });
    expect(kept.echo?.headers.find(([name]) => name.toLowerCase() === "cookie")?.[1]).toBe(own);
    expect(headerValues(kept, "set-cookie").sort()).toEqual(["app=1", "rule=1"]);
    const fresh = await ask(proxy, { host, path: "/changed", headers: [headers[1]] });
    expect(
      headerValues(fresh, "set-cookie")
        .map((field) => field.split("=")[0])
        .sort(),
    ).toEqual(["SRV", "app", "rule"]);
  });

  it("a cookie that names no endpoint of the cluster leads nowhere and is set anew", async () => {
    const seen = spy.seen();
    const forged = [
      cookieValue(spy.port),
      cookieValue(other.port),
      "x",
      "",
      "%00",
      "Cg==",
      `${cookieValue(spy.port)}"`,
    ];
    const taken = new Set<string | undefined>();
    for (const value of [...forged, ...forged.map((each) => `"${each}"`)]) {
      const answer = await get(proxy, "/kept", `SRV=${value}`);
      expect(answer.status, value).toBe(200);
      expect(cookieOf(answer), value).toMatch(/^SRV=/);
      taken.add(answer.echo?.name);
    }
    expect(spy.seen()).toBe(seen);
    expect(upstreams.map((upstream) => upstream.name)).toEqual(expect.arrayContaining([...taken]));
    expect(taken.size).toBeGreaterThan(1);
  });

  it("sets it for WebSockets too", async () => {
    const { proxies, ports } = e2e();
    const socket = await connectTo({ address: proxies[proxy].address, port: ports.http });
    const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    socket.write(`GET /kept HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n`);
    const head = await new Promise<string>((resolve, reject) => {
      socket.once("data", (bytes) => resolve(bytes.toString("latin1")));
      socket.once("error", reject);
    });
    socket.destroy();
    expect(head).toMatch(/^HTTP\/1\.1 101 .*\r\nset-cookie: SRV="?Cg/is);
  });

  it("in a split each cluster keeps its clients by its own cookie", async () => {
    const cookies = `GREEN=${cookieValue(upstreams[0]!.port)}; BLUE=${cookieValue(upstreams[2]!.port)}`;
    const names = new Set<string | undefined>();
    for (let sent = 0; sent < 20; sent++) {
      const answer = await get(proxy, "/split", cookies);
      expect(cookieOf(answer)).toBeNull();
      names.add(answer.echo?.name);
    }
    expect([...names].sort()).toEqual(["aff-a", "aff-c"]);
    const mixed = new Map<string | undefined, string | null>();
    for (let sent = 0; sent < 40; sent++) {
      const answer = await get(proxy, "/mixed", `GREEN=${cookieValue(upstreams[2]!.port)}`);
      mixed.set(answer.echo?.name, cookieOf(answer)?.slice(0, 6) ?? null);
    }
    expect(Object.fromEntries(mixed)).toEqual({ "aff-a": "GREEN=", "aff-b": "GREEN=", "aff-other": null });
    expect(cookieOf(await get(proxy, "/plain"))).toBeNull();
  });

  it("a client that is on a backup stays there", async () => {
    expect(await keeper(proxy, "/levels", `SRV=${cookieValue(upstreams[1]!.port)}`)).toBe("aff-b");
    expect((await get(proxy, "/levels")).echo?.name).toBe("aff-a");
  });

  it("an endpoint that takes no connection: another one answers, and the cookie is set anew", async () => {
    const answer = await get(proxy, "/half-dead", `SRV=${cookieValue(deadPort())}`);
    expect([answer.status, answer.echo?.name]).toEqual([200, "aff-a"]);
    expect(cookieOf(answer)?.replaceAll('"', "")).toBe(`SRV=${cookieValue(upstreams[0]!.port)}`);
    expect((await get(proxy, "/dead", `SRV=${cookieValue(deadPort())}`)).status).toBe(503);
    const none = await get(proxy, "/dead");
    expect(none.status).toBe(503);
    // Envoy names the one that it tried last, where the others name none.
    if (proxy !== "envoy") expect(cookieOf(none)).toBeNull();
  });
});

it("an endpoint that fails its health check loses its clients", async () => {
  const headers = [["Cookie", `SRV=${cookieValue(sick.port)}`]] as const;
  const own = (proxy: ProxyName) => ask(proxy, { host, path: "/", port: e2e().ports.http2, headers });
  const untilOn = (proxy: ProxyName, name: string) =>
    until(`${proxy} goes to ${name}`, async () => ((await own(proxy)).echo?.name === name ? true : null));
  for (const proxy of checkers) {
    await untilOn(proxy, "aff-sick");
    expect(cookieOf(await own(proxy))).toBeNull();
  }
  sick.setStatus(500);
  for (const proxy of checkers) {
    await untilOn(proxy, "aff-a");
    expect(cookieOf(await own(proxy))?.replaceAll('"', "")).toBe(`SRV=${cookieValue(upstreams[0]!.port)}`);
  }
});

/** Gives the cluster these endpoints, and waits until new clients meet those that are active. */
async function move(endpoints: readonly Place[]): Promise<void> {
  await must(e2e().program.api, "PUT /v1/clusters/moving", { body: cluster("moving", endpoints) });
  await reloadFileProxies();
  const active = endpoints.filter(({ state = "active" }) => state === "active").map(({ port }) => port);
  const wanted = upstreams.filter(({ port }) => active.includes(port)).map(({ name }) => name);
  for (const proxy of proxyNames) {
    await until(`${proxy} has the endpoints`, async () => {
      const names = new Set<string | undefined>();
      for (let sent = 0; sent < REQUESTS * 2; sent++) names.add((await get(proxy, "/moving")).echo?.name);
      return [...names].sort().join() === wanted.join() ? true : null;
    });
  }
}

it("an endpoint that drains keeps its clients; one that is down or gone does not", async () => {
  const { envoy } = e2e().proxies;
  const [a, b, c] = upstreams.map(({ port }) => ({ port })) as [Place, Place, Place];
  const cookie = `SRV=${cookieValue(b.port)}`;
  const listeners = await stat(envoy, "listener_manager.lds.update_success");
  await move([a, { ...b, state: "drain" }, c]);
  for (const proxy of proxyNames) expect(await keeper(proxy, "/moving", cookie)).toBe("aff-b");
  for (const endpoints of [
    [a, { ...b, state: "down" }, c],
    [a, c],
  ]) {
    await move(endpoints);
    for (const proxy of proxyNames) {
      const answer = await get(proxy, "/moving", cookie);
      expect(answer.echo?.name, proxy).not.toBe("aff-b");
      expect(await keeper(proxy, "/moving", cookieOf(answer)!)).toBe(answer.echo?.name);
    }
  }
  expect(await stat(envoy, "listener_manager.lds.update_success"), "no listener was touched").toBe(listeners);
});
