/** Endpoints: shares by weight, a change of weight, weight 0, round robin and least request. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { must } from "../harness/api.ts";
import { e2e, proxyNames } from "../harness/context.ts";
import { type Document, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { ask, reloadFileProxies, serve } from "../harness/serve.ts";
import { shares } from "../harness/shares.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";
import { stat } from "../proxies/envoy.ts";

const REQUESTS = 1_000;
/** Round robin is smooth: each worker of a proxy goes round on its own, so shares are off by a few per worker at most. */
const TOLERANCE = 30;
const host = "endpoints.e2e.example";
let upstreams: Upstream[];

beforeAll(async () => {
  upstreams = await Promise.all(["end-a", "end-b"].map((name) => startEcho(name)));
  await serve({
    clusters: [weighted(1, 1), { ...weighted(1, 1), name: "least", balance: { policy: "leastRequest" } }],
    routes: [
      route(
        "endpoints",
        host,
        { split: [{ cluster: "pair" }] },
        { matches: [{ path: { prefix: "/least" } }], split: [{ cluster: "least" }] },
      ),
    ],
  });
});

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

function weighted(first: number, second: number): Document {
  const endpoints = [first, second].map((weight, at) => ({ address: "127.0.0.1", port: upstreams[at]!.port, weight }));
  return { name: "pair", endpoints };
}

/** Changes the weights and waits until every proxy goes by them: `known` holds of a sample. */
async function reweigh(first: number, second: number): Promise<void> {
  await must(e2e().program.api, "PUT /v1/clusters/pair", { body: weighted(first, second) });
  await reloadFileProxies();
  const { envoy } = e2e().proxies;
  await until("Envoy has the weights", async () => {
    const answer = await fetch(`${envoy.admin}/clusters`);
    const text = await answer.text();
    const seen = [first, second].every((weight, at) => {
      const line = `pair::127.0.0.1:${upstreams[at]!.port}::weight::`;
      return weight === 0 ? true : text.includes(`${line}${weight}\n`);
    });
    return seen ? true : null;
  });
}

describe("round robin", () => {
  it.each([
    { first: 1, second: 1 },
    { first: 3, second: 1 },
    { first: 5, second: 200 },
  ])("weights $first to $second", async ({ first, second }) => {
    const { envoy } = e2e().proxies;
    const listeners = await stat(envoy, "listener_manager.lds.update_success");
    await reweigh(first, second);
    const expected = (REQUESTS * first) / (first + second);
    for (const proxy of proxyNames) {
      const counts = await shares(proxy, { host, path: "/" }, REQUESTS);
      expect(Math.abs((counts["end-a"] ?? 0) - expected), `${proxy} ${JSON.stringify(counts)}`).toBeLessThanOrEqual(
        TOLERANCE,
      );
    }
    expect(await stat(envoy, "listener_manager.lds.update_success"), "a weight touches no listener").toBe(listeners);
  });

  it("weight 0 receives nothing", async () => {
    await reweigh(0, 1);
    for (const proxy of proxyNames) {
      await until(`${proxy} uses one endpoint`, async () =>
        (await shares(proxy, { host, path: "/" }, 20))["end-b"] === 20 ? true : null,
      );
      expect(await shares(proxy, { host, path: "/" }, 200), proxy).toEqual({ "end-b": 200 });
    }
  });

  it("all weights 0: 503", async () => {
    await reweigh(0, 0);
    for (const proxy of proxyNames) {
      await until(`${proxy} answers 503`, async () =>
        (await ask(proxy, { host, path: "/" })).status === 503 ? true : null,
      );
    }
  });
});

it("least request: an endpoint that answers slowly gets few requests", async () => {
  upstreams[0]!.setDelay(100);
  for (const proxy of proxyNames) {
    const counts = await shares(proxy, { host, path: "/least" }, 400);
    // In turn it would be 200. It holds at most half of the 10 requests under way, for 100 ms each.
    expect(counts["end-a"] ?? 0, proxy).toBeLessThan(100);
    expect((counts["end-a"] ?? 0) + (counts["end-b"] ?? 0), proxy).toBe(400);
  }
  upstreams[0]!.setDelay(0);
});
