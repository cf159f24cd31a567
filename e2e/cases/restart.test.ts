/** A restart of the server on the same data: Envoy keeps its connections and configuration; nothing is sent again. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { must } from "../harness/api.ts";
import { markerHost } from "../harness/model.ts";
import { askOwn, type Own, ownAddress, saying, startOwn, stopOwn } from "../harness/own.ts";
import { until } from "../harness/process.ts";
import { startProgram, stopProgram } from "../harness/program.ts";
import { openConnection } from "../harness/rawHttp.ts";
import { stat, versions } from "../proxies/envoy.ts";

const RECONNECT_MS = 45_000;
/** Each counts updates that Envoy took in. */
const updateCounters = [
  "listener_manager.lds.update_success",
  "cluster_manager.cds.update_success",
  "listener_manager.listener_create_success",
  "listener_manager.listener_modified",
  "listener_manager.listener_removed",
  "listener_manager.total_listeners_draining",
  "cluster_manager.cluster_added",
  "cluster_manager.cluster_modified",
  "cluster_manager.cluster_removed",
];

let own: Own;

beforeAll(async () => {
  const toNowhere = {
    name: "nowhere",
    listeners: ["web"],
    hostnames: ["nowhere.example"],
    rules: [{ split: [{ cluster: "nowhere" }] }],
  };
  own = await startOwn({ clusters: [{ name: "nowhere", endpoints: [] }], routes: [toNowhere] });
});
afterAll(() => stopOwn(own));

const counters = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    await Promise.all(updateCounters.map(async (name) => [name, await stat(own.envoy, name)] as const)),
  );

it("sends Envoy nothing again, and follows with the next change", { timeout: RECONNECT_MS * 2 }, async () => {
  await must(own.program.api, "PUT /v1/routes/first", { body: saying("first", "first.example", "first") });
  await until("Envoy serves it", async () => ((await askOwn(own, "first.example")).body === "first" ? true : null));
  const before = { versions: await versions(own.envoy), counters: await counters() };
  const config = await must(own.program.api, "GET /v1/config");
  const kept = await openConnection({ address: ownAddress, port: own.port });
  await kept.request({ path: "/", host: markerHost });

  await stopProgram(own.program);
  expect(await askOwn(own, "first.example")).toMatchObject({ status: 200, body: "first" });
  own.program = await startProgram(own.serveOptions);
  const again = await must(own.program.api, "GET /v1/config");
  expect(again.etag).toBe(config.etag);
  expect(again.json).toEqual(config.json);
  const connected = async (): Promise<true | null> => {
    const { json } = await must(own.program.api, "GET /v1/fleets/own/proxies");
    return json.items.length > 0 ? true : null;
  };
  await until("Envoy is connected again", connected, { timeoutMs: RECONNECT_MS });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect({ versions: await versions(own.envoy), counters: await counters() }).toEqual(before);
  expect((await kept.request({ path: "/", host: markerHost })).status).toBe(200);
  kept.close();

  await must(own.program.api, "PUT /v1/routes/first", { body: saying("first", "first.example", "second") });
  await until("Envoy follows", async () => ((await askOwn(own, "first.example")).body === "second" ? true : null));
});
