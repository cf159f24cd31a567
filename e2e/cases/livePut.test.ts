/** A PUT of a route: Envoy serves it at once, without a restart; nginx and HAProxy after a reload with the new files. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { must } from "../harness/api.ts";
import { e2e, proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { isRunning, until } from "../harness/process.ts";
import { openConnection } from "../harness/rawHttp.ts";
import { ask, reloadFileProxies, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";
import { adminGet, stat } from "../proxies/envoy.ts";

/** Far over what a change takes (milliseconds); a poll at some interval or a restart would be over it. */
const PROMPT_MS = 1_000;
const host = "live.e2e.example";
let upstreams: Upstream[];

const toward = (name: string): object => route("live", host, { split: [{ cluster: name }] });
const put = (name: string): Promise<unknown> => must(e2e().program.api, "PUT /v1/routes/live", { body: toward(name) });

beforeAll(async () => {
  upstreams = await Promise.all(["live-a", "live-b"].map((name) => startEcho(name)));
  await serve({
    clusters: upstreams.map(({ name, port }) => cluster(name, port)),
    routes: [route("live", host, { split: [{ cluster: "live-a" }] })],
  });
});

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

it("Envoy serves a changed route without a restart, a new listener or a lost connection", async () => {
  const { proxies, ports } = e2e();
  const { envoy } = proxies;
  const listenerChanges = async (): Promise<number[]> =>
    Promise.all(
      ["listener_create_success", "listener_modified"].map((name) => stat(envoy, `listener_manager.${name}`)),
    );
  const before = await listenerChanges();
  const kept = await openConnection({ address: envoy.address, port: ports.http });
  expect(JSON.parse((await kept.request({ path: "/", host })).body).name).toBe("live-a");

  const started = performance.now();
  await put("live-b");
  await until(
    "Envoy serves the new route",
    async () => ((await ask("envoy", { path: "/", host })).echo?.name === "live-b" ? true : null),
    { everyMs: 1 },
  );
  const took = performance.now() - started;
  console.log(`PUT to first request served by Envoy: ${took.toFixed(1)} ms`);

  expect(took).toBeLessThan(PROMPT_MS);
  expect(JSON.parse((await kept.request({ path: "/", host })).body).name).toBe("live-b");
  kept.close();
  expect(isRunning(envoy.child)).toBe(true);
  expect(await listenerChanges()).toEqual(before);
  expect(await adminGet(envoy, "/server_info")).toContain('"LIVE"');
});

it("nginx and HAProxy serve the same after a reload, and not before", async () => {
  await put("live-a");
  await reloadFileProxies();
  for (const proxy of proxyNames) expect((await ask(proxy, { path: "/", host })).echo?.name, proxy).toBe("live-a");
  await put("live-b");
  for (const proxy of ["nginx", "haproxy"] as const)
    expect((await ask(proxy, { path: "/", host })).echo?.name).toBe("live-a");
  await reloadFileProxies();
  for (const proxy of proxyNames) expect((await ask(proxy, { path: "/", host })).echo?.name, proxy).toBe("live-b");
});

it("a new route with a new cluster, and its removal", async () => {
  const { api } = e2e().program;
  const fresh = await startEcho("live-fresh");
  await must(api, "PUT /v1/clusters/live-fresh", { body: cluster("live-fresh", fresh.port) });
  const body = route("live-fresh", "fresh.e2e.example", { split: [{ cluster: "live-fresh" }] });
  await must(api, "PUT /v1/routes/live-fresh", { body });
  await reloadFileProxies();
  const request = { path: "/", host: "fresh.e2e.example" };
  for (const proxy of proxyNames) {
    await until(`${proxy} serves it`, async () =>
      (await ask(proxy, request)).echo?.name === "live-fresh" ? true : null,
    );
  }
  await must(api, "DELETE /v1/routes/live-fresh");
  await must(api, "DELETE /v1/clusters/live-fresh");
  await reloadFileProxies();
  for (const proxy of proxyNames) {
    await until(`${proxy} no longer serves it`, async () => ((await ask(proxy, request)).status === 404 ? true : null));
  }
  await fresh.close();
});
