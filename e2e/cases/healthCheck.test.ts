/** An active health check takes an endpoint out and brings it back on Envoy and HAProxy; for nginx it is refused. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, must, problemsOf } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { type GrpcHealth, startGrpcHealth } from "../harness/grpcHealth.ts";
import { cluster, type Document, type ModelPart, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { ask, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const host = "health.e2e.example";
const checked = ["envoy", "haproxy"] as const;
let upstreams: Upstream[];
/** Of the cluster with slow start. */
let slow: Upstream[];
const SLOW_REQUESTS = 200;
const SLOW_MS = 4_000;
let servedAt = 0;
let grpcHealth: GrpcHealth;

const fast = { interval: "100ms", timeout: "100ms", rise: 2, fall: 2 };
const httpCheck: Document = {
  name: "http-ok",
  type: "http",
  ...fast,
  http: { path: "/health", expectedStatus: ["200-299"] },
};
const tcpCheck: Document = { name: "tcp-ok", type: "tcp", ...fast };
/** A probe that the echo upstreams answer with all that it has: both halves must arrive. */
const bodyCheck: Document = {
  name: "body-ok",
  type: "http",
  ...fast,
  timeout: "1s",
  http: { path: "/body", headers: [{ name: "X-Probe", value: "it's 100% up" }], body: { contains: "it's 100% up" } },
};
const wrongBodyCheck: Document = { ...bodyCheck, name: "body-wrong", http: { body: { contains: "not there" } } };
/** HAProxy alone takes them: which text, and where lines end. */
const regexCheck: Document = {
  ...bodyCheck,
  name: "regex-ok",
  initial: "up",
  http: {
    path: "/body",
    headers: [{ name: "X-Probe", value: "it's 7% up" }],
    body: { regex: "GET.*it's [0-9]+% (?:up|ok)" },
  },
};
const wrongRegexCheck: Document = {
  ...bodyCheck,
  name: "regex-wrong",
  http: { body: { regex: "it's [0-9]+% (?:up|ok)" } },
};
const regexChecks = [regexCheck, wrongRegexCheck];
/** HTTP as bytes, with characters that mean something to configuration files. */
const talk = "GET /it's-100%-#up HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
const talkCheck: Document = {
  name: "talk-ok",
  type: "tcp",
  ...fast,
  timeout: "1s",
  tcp: { send: talk, expect: "/it's-100%-#up" },
};
const wrongTalkCheck: Document = {
  ...talkCheck,
  name: "talk-wrong",
  timeout: "200ms",
  tcp: { send: talk, expect: "no" },
};

/** Each with a cluster of its name, under a path of its name. */
const others = [bodyCheck, wrongBodyCheck, talkCheck, wrongTalkCheck];
const otherNames = [...others.map(({ name }) => String(name)), "grpc-whole", "grpc-shop"];

function toClusterOf(name: string): object {
  return { matches: [{ path: { prefix: `/${name}` } }], split: [{ cluster: `health-${name}` }] };
}

/** The route stands on a listener that only checked proxies open: nginx never reaches the cluster. */
function part(): ModelPart {
  const { ports } = e2e();
  return {
    listeners: [
      { name: "checked", fleets: [...checked], port: ports.http2, protocol: "HTTP" },
      { name: "regex", fleets: ["haproxy"], port: ports.tcp, protocol: "HTTP" },
    ],
    healthChecks: [
      httpCheck,
      tcpCheck,
      ...others,
      ...regexChecks,
      { name: "grpc-whole", type: "grpc", ...fast, timeout: "1s", port: grpcHealth.port },
      {
        name: "grpc-shop",
        type: "grpc",
        ...fast,
        timeout: "1s",
        port: grpcHealth.port,
        grpc: { service: "shop.v1.Cart" },
      },
    ],
    clusters: [
      { ...cluster("health-http", ...upstreams.map(({ port }) => port)), healthCheck: "http-ok" },
      {
        ...cluster("health-slow", ...slow.map(({ port }) => port)),
        healthCheck: "http-ok",
        slowStart: { window: `${SLOW_MS / 1000}s` },
      },
      { ...cluster("health-tcp", ...upstreams.map(({ port }) => port)), healthCheck: "tcp-ok" },
      ...[...otherNames, ...regexChecks.map(({ name }) => String(name))].map((name) => ({
        ...cluster(`health-${name}`, upstreams[0]!.port),
        healthCheck: name,
      })),
    ],
    routes: [
      {
        name: "health-regex",
        listeners: ["regex"],
        hostnames: [host],
        rules: regexChecks.map(({ name }) => toClusterOf(String(name))),
      },
      {
        name: "health",
        listeners: ["checked"],
        hostnames: [host],
        rules: [
          { split: [{ cluster: "health-http" }] },
          { matches: [{ path: { prefix: "/slow" } }], split: [{ cluster: "health-slow" }] },
          { matches: [{ path: { prefix: "/tcp" } }], split: [{ cluster: "health-tcp" }] },
          ...otherNames.map(toClusterOf),
        ],
      },
    ],
  };
}

beforeAll(async () => {
  upstreams = await Promise.all(["health-a", "health-b"].map((name) => startEcho(name)));
  slow = await Promise.all(["slow-a", "slow-b"].map((name) => startEcho(name)));
  grpcHealth = await startGrpcHealth();
  await serve(part());
  servedAt = Date.now();
});

afterAll(async () => {
  await grpcHealth.close();
  await Promise.all([...upstreams, ...slow].map((upstream) => upstream.close()));
});

const requestTo = (path: string) => ({ host, path, port: e2e().ports.http2 });

/** Who answers 20 requests. */
async function takers(proxy: (typeof checked)[number], path: string): Promise<string> {
  const seen = new Set<string>();
  for (let sent = 0; sent < 20; sent++) {
    const answer = await ask(proxy, requestTo(path));
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

describe.each(checked)("%s: what a probe says and wants to hear", (proxy) => {
  it.each(["body", "talk"])("%s: the right text passes, a wrong one takes the endpoint out", async (kind) => {
    await untilTakers(proxy, `/${kind}-ok`, "health-a");
    await untilTakers(proxy, `/${kind}-wrong`, "503");
  });

  it.runIf(proxy === "haproxy")("a regular expression passes that matches some part of the body", async () => {
    const askFor = (path: string) => ask(proxy, { host, path, port: e2e().ports.tcp });
    await until("the wrong one is out", async () => ((await askFor("/regex-wrong")).status === 503 ? true : null));
    expect((await askFor("/regex-ok")).echo?.name).toBe("health-a");
  });

  it("gRPC: SERVING passes, of the whole server and of a service; anything else takes the endpoint out", async () => {
    grpcHealth.set("", true);
    grpcHealth.set("shop.v1.Cart", true);
    await untilTakers(proxy, "/grpc-whole", "health-a");
    await untilTakers(proxy, "/grpc-shop", "health-a");
    grpcHealth.set("shop.v1.Cart", false);
    await untilTakers(proxy, "/grpc-shop", "503");
    await untilTakers(proxy, "/grpc-whole", "health-a");
    grpcHealth.set("shop.v1.Cart", true);
    await untilTakers(proxy, "/grpc-shop", "health-a");
  });
});

describe.each(checked)("%s: slow start", (proxy) => {
  it("an endpoint that comes back begins with a small share", async () => {
    // On Envoy all begin with a small share.
    await sleep(Math.max(0, servedAt + SLOW_MS - Date.now()));
    await untilTakers(proxy, "/slow", "slow-a slow-b");
    slow[1]!.setStatus(500);
    await untilTakers(proxy, "/slow", "slow-a");
    const since = performance.now();
    slow[1]!.setStatus(200);
    const isBack = async () => ((await takers(proxy, "/slow")) === "slow-a slow-b" ? true : null);
    await until(`${proxy} uses it again`, isBack);
    const answers = await Promise.all(Array.from({ length: SLOW_REQUESTS }, () => ask(proxy, requestTo("/slow"))));
    const share = answers.filter(({ echo }) => echo?.name === "slow-b").length / SLOW_REQUESTS;
    // Its weight at the end, if it came back at once; the other has all of its own. Without slow start it is half.
    const weight = Math.min(1, 0.1 + (performance.now() - since) / SLOW_MS);
    expect(share).toBeLessThanOrEqual(weight / (1 + weight) + 0.05);
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
