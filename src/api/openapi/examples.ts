/** Examples of requests and answers, made from `examples/api.yaml`. A test judges each by its schema, e2e sends them. */
import { example, exampleText } from "../../gen/example.ts";
import { collections, kindOf } from "../../model/index.ts";

/** What an operation is sent, and what it answers by status. */
interface Exchange {
  readonly request?: unknown;
  readonly answers: Readonly<Record<number, unknown>>;
}

interface Described {
  readonly operationId: string;
  readonly requestBody?: { readonly content?: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema?: { readonly type?: string }; example?: unknown }>>;

/** Puts the examples where they belong; in place. */
export function addExamples(paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>): void {
  const exchanges = new Map(Object.entries({ ...OWN, ...Object.assign({}, ...collections.map(exchangesOf)) }));
  for (const operation of Object.values(paths).flatMap(Object.values<unknown>) as Described[]) {
    const { request, answers = {} } = (exchanges.get(operation.operationId) ?? {}) as Partial<Exchange>;
    put(operation.requestBody?.content, request);
    for (const [status, answer] of Object.entries(answers)) put(operation.responses[status]?.content, answer);
  }
}

function put(content: Content = {}, value: unknown): void {
  if (value === undefined) return;
  for (const [type, media] of Object.entries(content)) {
    if (type.includes("json")) media.example = value;
    // A configuration; of YAML the text is sent.
    if (type.includes("yaml")) media.example = media.schema?.type === "string" ? exampleText : value;
  }
}

function written(change: string, ...resources: string[]): object {
  return { revision: 7, changed: resources.map((resource) => ({ resource, change })), warnings: [] };
}

/** The operations of one collection, by operationId. */
function exchangesOf(collection: (typeof collections)[number]): Record<string, Exchange> {
  const kind = kindOf(collection) as string;
  const items: readonly { readonly name: string }[] = example[collection] ?? [];
  const [first = { name: "" }] = items;
  const noun = kind.slice(0, 1).toUpperCase() + kind.slice(1);
  const plural = collection.slice(0, 1).toUpperCase() + collection.slice(1);
  const path = `${collection}/${first.name}`;
  return {
    [`list${plural}`]: { answers: { 200: { items } } },
    [`get${noun}`]: { answers: { 200: first } },
    [`put${noun}`]: { request: first, answers: { 200: written("updated", path), 201: written("created", path) } },
    [`patch${noun}`]: { request: { labels: { team: "shop" } }, answers: { 200: written("updated", path) } },
    [`delete${noun}`]: { answers: { 200: written("deleted", path) } },
  };
}

/** The fleet that gets files. */
const files = example.fleets?.at(-1);

const applied = { clusters: example.clusters?.slice(0, 1) ?? [], healthChecks: example.healthChecks ?? [] };

const summary = {
  revision: 7,
  time: "2026-01-02T03:04:05.000Z",
  author: "ci",
  message: "Shop: a second checkout",
  changes: [{ resource: "clusters/checkout-v2", change: "created" }],
};

const status = {
  fleet: files?.name,
  state: "current",
  revision: 7,
  publishedRevision: 7,
  error: null,
  listeners: [{ listener: "web", state: "serving", reason: null, since: "2026-01-02T03:04:06.000Z", proxies: [] }],
};

const localProxy = {
  source: "agent",
  nodeId: "lb-3",
  group: "legacy",
  proxy: files?.proxy,
  version: "2.6.12",
  agent: { address: "10.0.0.9", version: "0.1.0", reportedAt: "2026-01-02T03:05:01.000Z" },
  state: "serving",
  generation: "2f0c1b7d9a5e4c38",
  revision: 7,
  since: "2026-01-02T03:04:06.000Z",
  wanted: { generation: "2f0c1b7d9a5e4c38", revision: 7 },
  applied: "reload",
  reloads: 3,
  runtimeChanges: 0,
  leaving: { processes: 1, endpoints: [] },
  lastError: null,
  listeners: [{ listener: "web", state: "serving", reason: null, since: "2026-01-02T03:04:06.000Z" }],
  endpointsDown: [
    { cluster: "shop", address: "10.0.0.7", port: 8080, reason: "status 500", since: "2026-01-02T03:04:09.000Z" },
  ],
};

const poller = {
  source: "poll",
  group: "legacy",
  address: "10.0.0.8",
  userAgent: "curl/8.10.1",
  polledAt: "2026-01-02T03:05:00.000Z",
  generation: "2f0c1b7d9a5e4c38",
  revision: 7,
  hadIt: true,
};

const { source: _, nodeId: _node, group: _group, agent: _agent, wanted, ...reported } = localProxy;
const report = { ...reported, run: "0c5b1f0a-8f3e-4c6d", agentVersion: "0.1.0", ttlSeconds: 30, failures: 0 };

const certificate = {
  name: "example",
  expires: "2119-12-31T00:00:00Z",
  certificates: [
    {
      subject: "CN=example-ecdsa,O=Trimtab tests",
      issuer: "CN=authority,O=Trimtab tests",
      names: ["DNS:*.example.com", "DNS:example.com"],
      notBefore: "2020-01-01T00:00:00Z",
      notAfter: "2119-12-31T00:00:00Z",
      fingerprint: "9b5f3c0d1e7a48b6a2c4d8e0f1a3b5c7d9e1f3a5b7c9d1e3f5a7b9c1d3e5f7a9",
      keyType: "ecdsa",
      isAuthority: false,
    },
  ],
};

const OWN: Record<string, Exchange> = {
  getCertificateDetails: { answers: { 200: certificate } },
  getAuthorityDetails: { answers: { 200: certificate } },
  getCanaryState: { answers: { 200: { step: 1 } } },
  putCanaryState: { request: { step: 1 }, answers: { 200: written("updated", "canaries/checkout-v2") } },
  getConfig: { answers: { 200: example } },
  putConfig: {
    request: example,
    answers: {
      200: written(
        "created",
        ...collections.flatMap((collection) => (example[collection] ?? []).map(({ name }) => `${collection}/${name}`)),
      ),
    },
  },
  applyConfig: {
    request: applied,
    answers: { 200: written("updated", "clusters/checkout-v1") },
  },
  listRevisions: { answers: { 200: { items: [summary], nextCursor: 7 } } },
  getRevision: { answers: { 200: { ...summary, config: example } } },
  restoreRevision: { answers: { 200: written("deleted", "clusters/checkout-v2") } },
  getFleetFiles: {
    answers: {
      200: {
        fleet: files?.name,
        proxy: files?.proxy,
        revision: 7,
        generation: "2f0c1b7d9a5e4c38",
        sockets: [{ address: "0.0.0.0", port: 8080, listeners: ["web"], file: "listeners/web.cfg" }],
        files: [{ path: "haproxy.cfg", text: "global\n  …\n", mode: 420 }],
      },
    },
  },
  getFleetStatus: { answers: { 200: status } },
  listFleetProxies: {
    answers: {
      200: {
        items: [
          {
            source: "xds",
            nodeId: "envoy-1",
            group: "edge",
            peer: "10.0.0.7:51234",
            connectedAt: "2026-01-02T03:04:06.000Z",
            userAgent: "envoy 1.40.0",
            ackedRevision: 7,
            leaving: null,
            types: [
              {
                typeUrl: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
                sent: "7d1f",
                acked: "7d1f",
                nacked: null,
                kept: [],
              },
            ],
          },
          localProxy,
          poller,
        ],
      },
    },
  },
  reportProxy: { request: report, answers: { 200: { wanted } } },
  forgetProxy: { answers: { 200: { wanted: null } } },
  explain: {
    request: { fleet: "edge", host: "shop.example.com", path: "/old/list" },
    answers: {
      200: {
        host: "shop.example.com",
        virtualHost: "shop.example.com",
        outcome: { kind: "redirect", status: 301, location: "http://shop.example.com:8080/new/list" },
        rules: [
          {
            route: "shop",
            rule: "checkout",
            match: "prefix /checkout",
            verdict: "doesNotMatch",
            reason: "the path does not start with the elements /checkout",
          },
          {
            route: "shop",
            rule: "old",
            match: "prefix /old",
            verdict: "wins",
            reason: "the first rule in precedence order that matches",
          },
        ],
      },
    },
  },
  getHealth: { answers: { 200: { status: "ok" } } },
  getReadiness: { answers: { 200: { status: "ready", revision: 7, publishedRevision: 7 } } },
};
