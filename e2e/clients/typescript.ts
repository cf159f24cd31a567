/**
 * What a program in TypeScript does with the client that openapi-typescript makes: compiled strictly, then run against a live server.
 * `@ts-expect-error` marks what must not compile.
 */
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./trimtab.ts";

type Schemas = components["schemas"];

const { TRIMTAB_SERVER: baseUrl = "", TRIMTAB_TOKEN: token = "" } = process.env;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

/** The answer, or the problem as an exception. */
function must<T>({ data, error }: { data?: T; error?: Schemas["Problem"] }): T {
  if (data === undefined) throw new Error(`${error?.code}: ${error?.detail}`);
  return data;
}

const blue: Schemas["Cluster"] = { name: "blue", endpoints: [{ address: "10.0.0.1", port: 80 }] };
// @ts-expect-error a cluster has endpoints
const _hollow: Schemas["Cluster"] = { name: "hollow" };
// @ts-expect-error a fleet runs a proxy that there is
const _odd: Schemas["Fleet"] = { name: "odd", proxy: "apache" };
// @ts-expect-error there is no such code
const _unknown: Schemas["ProblemCode"] = "API-NO-SUCH-CODE";

// What has a default may be left out.
const check: Schemas["HealthCheck"] = { name: "alive", type: "http" };

const config: Schemas["Config"] = {
  fleets: [
    { name: "edge", proxy: "envoy" },
    { name: "legacy", proxy: "nginx" },
  ],
  listeners: [{ name: "web", fleets: ["edge", "legacy"], port: 8080, protocol: "HTTP" }],
  clusters: [{ name: "green", labels: { team: "shop" }, endpoints: [{ address: "10.0.0.2", port: 80 }] }],
  routes: [
    {
      name: "shop",
      listeners: ["web"],
      rules: [{ matches: [{ path: { prefix: "/old" } }], respond: { status: 410 } }],
    },
  ],
};

async function whole(): Promise<void> {
  const tried = must(await client.PUT("/v1/config", { params: { query: { dryRun: true } }, body: config }));
  assert.equal(tried.dryRun, true);
  assert.equal(tried.changed.length, 5);
  assert.deepEqual(must(await client.GET("/v1/config")), {});
  const written = must(await client.PUT("/v1/config", { body: config }));
  assert.equal(written.dryRun, undefined);
  const words: ("created" | "updated" | "deleted")[] = written.changed.map(({ change }) => change);
  assert.deepEqual([...new Set(words)], ["created"]);
  assert.deepEqual(must(await client.GET("/v1/config")).clusters, config.clusters);
}

async function oneByOne(): Promise<void> {
  const at = { params: { path: { name: "blue" } } };
  const created = await client.PUT("/v1/clusters/{name}", { ...at, body: blue });
  assert.equal(created.response.status, 201);
  assert.equal(created.response.headers.get("location"), "/v1/clusters/blue");
  assert.deepEqual(must(created).changed, [{ resource: "clusters/blue", change: "created" }]);
  const read = await client.GET("/v1/clusters/{name}", at);
  const endpoints: Schemas["ClusterEndpoint"][] = must(read).endpoints;
  assert.equal(endpoints[0]?.port, 80);

  const etag = read.response.headers.get("etag") ?? "";
  const again = await client.GET("/v1/clusters/{name}", {
    params: { ...at.params, header: { "If-None-Match": etag } },
  });
  assert.equal(again.response.status, 304);

  const conditional = { params: { ...at.params, header: { "If-Match": etag } } };
  const more = { ...blue, endpoints: [...blue.endpoints, { address: "10.0.0.3", port: 81, weight: 2 }] };
  const updated = await client.PUT("/v1/clusters/{name}", { ...conditional, body: more });
  assert.equal(updated.response.status, 200);
  assert.equal(must(updated).changed[0]?.change, "updated");
  const late = await client.PUT("/v1/clusters/{name}", { ...conditional, body: blue });
  assert.equal(late.error?.code, "API-PRECONDITION-FAILED");

  const patch: Schemas["ClusterPatch"] = { labels: { team: "shop" }, balance: { policy: "leastRequest" } };
  must(await client.PATCH("/v1/clusters/{name}", { ...at, body: patch }));
  must(await client.PATCH("/v1/clusters/{name}", { ...at, body: { balance: null } }));
  assert.deepEqual(must(await client.GET("/v1/clusters/{name}", at)), { ...more, labels: { team: "shop" } });
}

async function lists(): Promise<void> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = must(
      await client.GET("/v1/clusters", {
        params: { query: { limit: 1, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    );
    const items: Schemas["Cluster"][] = page.items;
    names.push(...items.map(({ name }) => name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  assert.deepEqual(names, ["blue", "green"]);
  const labelled = await client.GET("/v1/clusters", { params: { query: { label: ["team=shop", "team"] } } });
  assert.equal(must(labelled).items.length, 2);
}

async function applies(): Promise<void> {
  const query = { owner: "shop", dryRun: true };
  const tried = must(await client.POST("/v1/config/apply", { params: { query }, body: { healthChecks: [check] } }));
  assert.equal(tried.dryRun, true);
  const body = { healthChecks: [check] };
  must(await client.POST("/v1/config/apply", { params: { query: { owner: "shop" } }, body }));
  const taken = await client.POST("/v1/config/apply", { params: { query: { owner: "other" } }, body });
  assert.equal(taken.response.status, 409);
  assert.equal(taken.error?.code, "API-OWNED-BY-OTHER");
  must(await client.POST("/v1/config/apply", { params: { query: { owner: "other", force: true } }, body }));
  const pruned = must(await client.POST("/v1/config/apply", { params: { query: { owner: "other" } }, body: {} }));
  assert.deepEqual(pruned.changed, [{ resource: "healthChecks/alive", change: "deleted" }]);
}

async function problems(): Promise<void> {
  const body: Schemas["Cluster"] = { ...blue, endpoints: [{ address: "10.0.0.1", port: 70_000 }], healthCheck: "gone" };
  const refused = await client.PUT("/v1/clusters/{name}", { params: { path: { name: "blue" } }, body });
  const items: Schemas["ProblemItem"][] = refused.error?.errors ?? [];
  assert.deepEqual(
    [refused.response.status, refused.error?.code, items[0]?.pointer],
    [422, "API-INVALID", "/endpoints/0/port"],
  );
  const stranger = await createClient<paths>({ baseUrl }).GET("/v1/config");
  assert.equal(stranger.error?.code, "API-UNAUTHORIZED");
  assert.equal(must(await createClient<paths>({ baseUrl }).GET("/healthz")).status, "ok");
}

async function history(): Promise<void> {
  const page = must(await client.GET("/v1/revisions", { params: { query: { limit: 2 } } }));
  const [newest] = page.items;
  assert.equal(page.nextCursor, page.items.at(-1)?.revision);
  const revision: number = newest?.revision ?? 0;
  const path = { params: { path: { revision: 1 } } };
  assert.deepEqual(must(await client.GET("/v1/revisions/{revision}", path)).config.clusters, config.clusters);
  const restored = must(await client.POST("/v1/revisions/{revision}/restore", path));
  assert.equal(restored.revision, revision + 1);
  const gone = must(await client.DELETE("/v1/clusters/{name}", { params: { path: { name: "green" } } }));
  assert.deepEqual(gone.changed, [{ resource: "clusters/green", change: "deleted" }]);
  const missing = await client.GET("/v1/clusters/{name}", { params: { path: { name: "green" } } });
  assert.deepEqual([missing.response.status, missing.error?.code], [404, "API-NOT-FOUND"]);
}

async function fleets(): Promise<void> {
  const at = { params: { path: { name: "legacy" } } };
  const files = must(await client.GET("/v1/fleets/{name}/files", at));
  // A string is the archive that `format: "tar"` asks for.
  assert.ok(typeof files !== "string" && files.files.some(({ text }) => text.includes("listen")));
  const { data: status } = await client.GET("/v1/fleets/{name}/status", at);
  const state: "current" | "behind" | "failed" | undefined = status?.state;
  assert.equal(state, "current");
  const envoy = await client.GET("/v1/fleets/{name}/files", { params: { path: { name: "edge" } } });
  assert.equal(envoy.error?.code, "API-NO-FILES");
  assert.deepEqual(
    must(await client.GET("/v1/fleets/{name}/proxies", { params: { path: { name: "edge" } } })).items,
    [],
  );
  const [poller] = must(await client.GET("/v1/fleets/{name}/proxies", at)).items;
  assert.ok(poller?.source === "poll" && poller.generation === files.generation);
  const ready = must(await client.GET("/readyz", { params: { query: { verbose: true } } }));
  assert.deepEqual(
    ready.fleets?.map(({ fleet }) => fleet),
    ["edge", "legacy"],
  );
  const { outcome } = must(
    await client.POST("/v1/explain", { body: { fleet: "edge", host: "x.example", path: "/old" } }),
  );
  // A union that is told apart by its kind.
  assert.equal(outcome.kind === "respond" ? outcome.status : outcome.kind, 410);
}

for (const part of [whole, oneByOne, lists, applies, problems, history, fleets]) await part();
