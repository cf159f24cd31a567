/** An active health check takes an endpoint out and brings it back on Envoy and HAProxy; for nginx it is refused. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, must, problemsOf } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { cluster, type Document, type ModelPart, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { ask, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const host = "health.e2e.example";
const checked = ["envoy", "haproxy"] as const;
let upstreams: Upstream[];

const fast = { interval: "100ms", timeout: "100ms", rise: 2, fall: 2 };
const httpCheck: Document = {
  name: "http-ok",
  type: "http",
  ...fast,
  http: { path: "/health", expectedStatus: ["200-299"] },
};
const tcpCheck: Document = { name: "tcp-ok", type: "tcp", ...fast };

/** The route stands on a listener that only checked proxies open: nginx never reaches the cluster. */
function part(): ModelPart {
  const { ports } = e2e();
  return {
    listeners: [{ name: "checked", fleets: [...checked], port: ports.http2, protocol: "HTTP" }],
    healthChecks: [httpCheck, tcpCheck],
    clusters: [
      { ...cluster("health-http", ...upstreams.map(({ port }) => port)), healthCheck: "http-ok" },
      { ...cluster("health-tcp", ...upstreams.map(({ port }) => port)), healthCheck: "tcp-ok" },
    ],
    routes: [
      {
        name: "health",
        listeners: ["checked"],
        hostnames: [host],
        rules: [
          { split: [{ cluster: "health-http" }] },
          { matches: [{ path: { prefix: "/tcp" } }], split: [{ cluster: "health-tcp" }] },
        ],
      },
    ],
  };
}

beforeAll(async () => {
  upstreams = await Promise.all(["health-a", "health-b"].map((name) => startEcho(name)));
  await serve(part());
});

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

/** Who answers 20 requests. */
async function takers(proxy: (typeof checked)[number], path: string): Promise<string> {
  const seen = new Set<string>();
  for (let sent = 0; sent < 20; sent++) {
    const answer = await ask(proxy, { host, path, port: e2e().ports.http2 });
    seen.add(answer.echo?.name ?? String(answer.status));
  }
  return [...seen].sort().join(" ");
}

async function untilTakers(proxy: (typeof checked)[number], path: string, expected: string): Promise<void> {
  let last = "";
  await until(`${expected} take(s) the requests of ${proxy}`, async () => {
    last = await takers(proxy, path);
    if (last !== expected) throw new Error(`now: ${last}`);
    return true;
  });
}

describe.each(checked)("%s", (proxy) => {
  it("HTTP check: a failing endpoint goes, all failing is 503, and they come back", async () => {
    await untilTakers(proxy, "/", "health-a health-b");
    upstreams[0]!.setStatus(500);
    await untilTakers(proxy, "/", "health-b");
    upstreams[1]!.setStatus(404);
    await untilTakers(proxy, "/", "503");
    upstreams[0]!.setStatus(204);
    upstreams[1]!.setStatus(200);
    await until("both are back", async () => {
      const now = await takers(proxy, "/");
      return now.includes("health-b") && !now.includes("503") && now !== "health-b" ? true : null;
    });
    upstreams[0]!.setStatus(200);
  });

  it("TCP check: a closed port takes the endpoint out", async () => {
    await untilTakers(proxy, "/tcp", "health-a health-b");
    const { port } = upstreams[1]!;
    await upstreams[1]!.close();
    await untilTakers(proxy, "/tcp", "health-a");
    upstreams[1] = await startEcho("health-b", port);
    await untilTakers(proxy, "/tcp", "health-a health-b");
  });
});

describe("nginx", () => {
  it("a cluster with a health check that an nginx fleet reaches is refused, and nothing is stored", async () => {
    const { api } = e2e().program;
    const before = (await must(api, "GET /v1/config")).etag;
    const answer = await call(api, "PUT /v1/routes/health-nginx", {
      body: route("health-nginx", "nginx.health.e2e.example", { split: [{ cluster: "health-http" }] }),
    });
    expect(answer.status).toBe(422);
    const refusal = problemsOf(answer).find(({ code }) => code === "HC-ACTIVE-NGINX");
    expect(refusal?.pointer).toMatch(/\/healthCheck$/);
    expect(refusal?.message).toMatch(/nginx/);
    expect((await must(api, "GET /v1/config")).etag).toBe(before);
    expect((await call(api, "GET /v1/routes/health-nginx")).status).toBe(404);
  });

  it("a health check added to a cluster that an nginx fleet reaches is refused at /healthCheck", async () => {
    const { api } = e2e().program;
    const plain = cluster("health-plain", upstreams[0]!.port);
    await must(api, "PUT /v1/clusters/health-plain", { body: plain });
    await must(api, "PUT /v1/routes/health-nginx", {
      body: route("health-nginx", "nginx.health.e2e.example", { split: [{ cluster: "health-plain" }] }),
    });
    const answer = await call(api, "PUT /v1/clusters/health-plain", { body: { ...plain, healthCheck: "http-ok" } });
    expect(answer.status).toBe(422);
    expect(problemsOf(answer)).toMatchObject([{ code: "HC-ACTIVE-NGINX", pointer: "/healthCheck" }]);
  });
});
