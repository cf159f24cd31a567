/** A deleted or unknown fleet never empties a proxy: Envoy keeps serving what it has, and follows again when the fleet is back. */
import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { call, must } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { type ModelPart, markerHost, merge } from "../harness/model.ts";
import { askOwn, type Own, ownBase, saying, startOwn, stopOwn } from "../harness/own.ts";
import { until } from "../harness/process.ts";
import { envoy, stat, versions } from "../proxies/envoy.ts";

/** Envoy waits longer and longer between two tries to connect. */
const RECONNECT_MS = 45_000;
let own: Own;

beforeAll(async () => {
  own = await startOwn();
});
afterAll(() => stopOwn(own));

const whole = (part: ModelPart): Promise<unknown> =>
  must(own.program.api, "PUT /v1/config", { body: merge(ownBase(own.port), part) });

it("deleting the fleet leaves its Envoy as it is", async () => {
  const before = await versions(own.envoy);
  await must(own.program.api, "PUT /v1/config", { body: {} });
  expect((await call(own.program.api, "GET /v1/fleets/own")).status).toBe(404);
  await until("Envoy lost its stream", async () =>
    (await stat(own.envoy, "control_plane.connected_state")) === 0 ? true : null,
  );
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(await askOwn(own, markerHost)).toMatchObject({ status: 200, body: "marker" });
  expect(await versions(own.envoy)).toEqual(before);
});

it("when the fleet is back, Envoy follows it again", { timeout: RECONNECT_MS + 10_000 }, async () => {
  await whole({ routes: [saying("back", "back.example", "back again")] });
  const serves = async (): Promise<true | null> =>
    (await askOwn(own, "back.example")).body === "back again" ? true : null;
  await until("Envoy serves the new route", serves, { timeoutMs: RECONNECT_MS });
});

it("an Envoy of a fleet that is not there yet waits, and serves as soon as it is written", {
  timeout: RECONNECT_MS + 20_000,
}, async () => {
  const dir = await mkdtemp(join(e2e().workDir, "early-"));
  await mkdir(dir, { recursive: true });
  const early = await envoy.start({ program: own.program, fleet: "early", address: "127.0.0.28", dir });
  try {
    expect((await call(own.program.api, "GET /v1/fleets/early/proxies")).status).toBe(404);
    await whole({
      fleets: [{ name: "early", proxy: "envoy", bindAddress: "127.0.0.28" }],
      listeners: [{ name: "web", fleets: ["own", "early"], port: own.port, protocol: "HTTP" }],
    });
    const serves = async (): Promise<true | null> =>
      (await askOwn({ envoy: early, port: own.port }, markerHost)).body === "marker" ? true : null;
    await until("the early Envoy serves", serves, { timeoutMs: RECONNECT_MS });
  } finally {
    await envoy.stop(early);
  }
});

it("the program tells what each Envoy of a fleet was sent and has accepted", async () => {
  const { json } = await must(own.program.api, "GET /v1/fleets/own/proxies");
  const [node] = json.items;
  expect(node.group).toBe("own");
  expect(node.types.length).toBeGreaterThanOrEqual(3);
  for (const { sent, acked, nacked } of node.types) {
    expect(acked).not.toBeNull();
    // Null: this connection was sent nothing, because Envoy said that it had it all.
    expect([acked, null]).toContain(sent);
    expect(nacked).toBeNull();
  }
});
