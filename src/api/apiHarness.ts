/** What the API's tests share: the real store, a publisher that can be told what to say, and a small valid model. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance, InjectOptions } from "fastify";
import { Registry } from "prom-client";
import type { Diagnostic } from "../errors/diagnostic.ts";
import type { Snapshot } from "../model/types.ts";
import type { FleetFiles, Publisher } from "../publish/types.ts";
import { createKeeper, createVault, KEY_BYTES } from "../secrets/index.ts";
import { openStore } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import { done } from "../util/steps.ts";
import { type Api, type ApiOptions, createApi } from "./index.ts";

export const model = {
  fleets: [
    { name: "edge", proxy: "envoy" },
    { name: "legacy", proxy: "nginx" },
  ],
  listeners: [{ name: "web", fleets: ["edge", "legacy"], port: 8080, protocol: "HTTP" }],
  routes: [
    { name: "api", listeners: ["web"], rules: [{ split: [{ cluster: "blue" }] }] },
    { name: "shop", listeners: ["web"], hostnames: ["shop.example"], rules: [{ split: [{ cluster: "green" }] }] },
  ],
  clusters: ["blue", "green"].map(clusterOf),
} as const;

export function clusterOf(name: string): Record<string, unknown> {
  return { name, endpoints: [{ address: "10.0.0.1", port: 80 }] };
}

/** A publisher whose answers a test sets. */
export interface FakePublisher extends Publisher {
  say: (snapshot: Snapshot) => readonly Diagnostic[];
  /** Whether the look at a model goes on without an end. */
  holds: (snapshot: Snapshot) => boolean;
  admitted: number;
  published: number;
  output: FleetFiles | null;
}

export interface TestApi {
  readonly api: Api;
  readonly app: FastifyInstance;
  readonly store: Store;
  readonly publisher: FakePublisher;
  /** Status, headers and parsed body of a request with a JSON body. */
  call(method: InjectOptions["method"] & string, url: string, more?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly body: any;
  readonly text: string;
}

export async function startApi(more: Partial<ApiOptions> = {}): Promise<TestApi> {
  const dir = mkdtempSync(join(tmpdir(), "trimtab-api-"));
  const store = openStore({ dir, now: () => new Date("2026-01-02T03:04:05Z") });
  const publisher = fakePublisher();
  const secrets = createKeeper(createVault({ key: randomBytes(KEY_BYTES) }), store.secrets);
  const api = await createApi({ store, publisher, secrets, registry: new Registry(), ...more });
  return {
    api,
    app: api.app,
    store,
    publisher,
    call: (method, url, options) => call(api.app, { method, url, ...options }),
    async close() {
      await api.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function call(
  app: FastifyInstance,
  { method, url, body, headers }: CallOptions & { method: string; url: string },
): Promise<Answer> {
  const payload = body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) };
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const response = await app.inject({ method, url, headers: { ...type, ...headers }, ...payload } as InjectOptions);
  const json = String(response.headers["content-type"]).includes("json") && response.body !== "";
  return {
    status: response.statusCode,
    headers: response.headers,
    body: json ? response.json() : undefined,
    text: response.body,
  };
}

function fakePublisher(): FakePublisher {
  return {
    say: () => [],
    holds: () => false,
    admitted: 0,
    published: 0,
    output: null,
    createAdmitter() {
      const publisher = this;
      return function* (snapshot) {
        publisher.admitted++;
        while (publisher.holds(snapshot)) yield;
        return { diagnostics: publisher.say(snapshot) };
      };
    },
    caughtUp: async () => undefined,
    async files(fleet) {
      return fleet === "legacy" ? this.output : null;
    },
    outputs: (fleet) => (fleet === "edge" ? ["resources"] : []),
    proxies: (fleet) => (fleet === "edge" ? [] : null),
    fileProxies: () => [],
    remote: { report: () => "taken", leave: () => undefined },
    status: () => null,
    statuses: () => [],
    explain: ({ fleet, host }) =>
      done(
        fleet === "edge"
          ? { host, virtualHost: null, outcome: { kind: "error", status: 404, reason: "" }, rules: [] }
          : null,
      ),
    publishedRevision() {
      return this.published;
    },
    onFiles: () => () => {},
  };
}
