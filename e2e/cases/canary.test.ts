/** A canary's current step takes the place of the rule's split. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, must, problemsOf } from "../harness/api.ts";
import { e2e, proxyNames } from "../harness/context.ts";
import { cluster, type Document, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { reloadFileProxies, serve } from "../harness/serve.ts";
import { shares } from "../harness/shares.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const host = "canary.e2e.example";
const REQUESTS = 2_000;
let upstreams: Upstream[];

const canary: Document = {
  name: "roll-out",
  route: "canary",
  rule: "main",
  stable: "stable",
  canary: "next",
  steps: [{ weight: 0 }, { weight: 25.5 }, { weight: 100 }],
};

const move = (step: number): ReturnType<typeof call> =>
  call(e2e().program.api, "PUT /v1/canaries/roll-out/state", { body: { step } });

beforeAll(async () => {
  upstreams = await Promise.all(["stable", "next"].map((name) => startEcho(name)));
  const split = [
    { cluster: "stable", weight: 50 },
    { cluster: "next", weight: 50 },
  ];
  await serve({
    clusters: upstreams.map(({ name, port }) => cluster(name, port)),
    routes: [route("canary", host, { name: "main", split }, { matches: [{ path: { prefix: "/beside" } }], split })],
    canaries: [canary],
  });
});

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

describe("the step's weights", () => {
  it.each([
    { step: 0, share: 0 },
    { step: 1, share: 0.255 },
    { step: 2, share: 1 },
  ])("step $step sends $share to the canary", { retry: 1 }, async ({ step, share }) => {
    expect((await move(step)).status).toBe(200);
    await reloadFileProxies();
    for (const proxy of proxyNames) {
      // Envoy takes the change in by itself, a moment later.
      await until(`${proxy} is at step ${step}`, async () => {
        const { next = 0 } = await shares(proxy, { host, path: "/" }, 100);
        return Math.abs(next - share * 100) <= 20 ? true : null;
      });
      const { next = 0 } = await shares(proxy, { host, path: "/" }, REQUESTS);
      const tolerance = 3 * Math.sqrt(REQUESTS * share * (1 - share));
      expect(Math.abs(next - REQUESTS * share), `${proxy}: ${next}`).toBeLessThanOrEqual(tolerance);
    }
  });

  it("no write of documents moves it", { retry: 1 }, async () => {
    const { api } = e2e().program;
    expect((await move(2)).status).toBe(200);
    const { json: now } = await must(api, "GET /v1/canaries/roll-out");
    const { revision } = (await must(api, "GET /v1/revisions?limit=1")).json.items[0];
    for (const state of [{}, { state: { step: 0 } }]) {
      await must(api, "PUT /v1/canaries/roll-out", { body: { ...canary, ...state } });
      await must(api, "PATCH /v1/canaries/roll-out", { body: { description: "again", ...state } });
      await must(api, "POST /v1/config/apply", { body: { canaries: [{ ...canary, ...state }] } });
      const { json: config } = await must(api, "GET /v1/config");
      await must(api, "PUT /v1/config", { body: { ...config, canaries: [{ ...canary, ...state }] } });
    }
    await must(api, `POST /v1/revisions/${revision - 1}/restore`);
    expect((await must(api, "GET /v1/canaries/roll-out")).json).toEqual(now);
    await reloadFileProxies();
    for (const proxy of proxyNames) {
      await until(`${proxy} is at step 2`, async () =>
        (await shares(proxy, { host, path: "/" }, 50)).next === 50 ? true : null,
      );
    }
  });

  it("another rule of the route keeps its split", { retry: 1 }, async () => {
    for (const proxy of proxyNames) {
      const { next = 0 } = await shares(proxy, { host, path: "/beside" }, REQUESTS);
      expect(Math.abs(next - REQUESTS / 2), proxy).toBeLessThanOrEqual(3 * Math.sqrt(REQUESTS / 4));
    }
  });

  it("a state beyond the steps is refused", async () => {
    const answer = await move(3);
    expect(answer.status).toBe(422);
    expect(problemsOf(answer).map(({ pointer }) => pointer)).toEqual(["/step"]);
  });

  it("without the canary the rule's split counts again", { retry: 1 }, async () => {
    const present = await call(e2e().program.api, "DELETE /v1/canaries/roll-out");
    expect([200, 204, 404]).toContain(present.status);
    await reloadFileProxies();
    for (const proxy of proxyNames) {
      await until(`${proxy} splits again`, async () =>
        ((await shares(proxy, { host, path: "/" }, 50)).stable ?? 0) > 5 ? true : null,
      );
      const { next = 0 } = await shares(proxy, { host, path: "/" }, REQUESTS);
      expect(Math.abs(next - REQUESTS / 2), proxy).toBeLessThanOrEqual(3 * Math.sqrt(REQUESTS / 4));
    }
  });
});
