/** What part `features` adds to the written model: a cluster and a rule for each, and the request that is measured. */
import { PROXIES, type ProxyName } from "./aims.ts";
import type { Probe } from "./cases.ts";
import { modelWith } from "./models.ts";
import type { Upstreams } from "./ports.ts";
import type { ModelText } from "./sides.ts";
import { BREAK_ONCE } from "./upstreams.ts";

interface Feature {
  readonly name: string;
  /** Beside two endpoints. */
  readonly cluster: object;
  /** Beside path and cluster. */
  readonly rule?: object;
  /** Of the measured request. */
  readonly fields?: (upstreams: Upstreams) => readonly string[];
  readonly on?: readonly ProxyName[];
}

/** As long as the bench, so that the second endpoint is a backup all the time. */
const FEATURES: readonly Feature[] = [
  { name: "retry", cluster: {}, rule: { retry: { attempts: 2, on: ["connectFailure", "reset"] } } },
  { name: "pool", cluster: { pool: { maxIdle: 16, idleTimeout: "20s" } } },
  { name: "limits", cluster: { limits: { maxConnectionsPerEndpoint: 500 } } },
  { name: "check", cluster: { healthCheck: "up" } },
  { name: "outlier", cluster: { outlierDetection: {} } },
  {
    name: "affinity",
    cluster: { affinity: { cookie: { name: "SRV" } } },
    // In place of the usual one.
    fields: ({ blue }) => [`Cookie: theme=dark; SRV=${cookieOf(blue)}`],
  },
  {
    name: "hash",
    cluster: { balance: { policy: "hash", hash: { by: "header", name: "x-user" } } },
    fields: () => ["X-User: 4711"],
  },
  { name: "backup", cluster: {} },
  { name: "slow", cluster: { slowStart: { window: "30s" } }, on: ["envoy", "haproxy"] },
];

/** What the written model has, and each feature that this proxy takes, for this proxy alone. */
export function featuresModel(proxy: ProxyName): ModelText {
  return (ports) =>
    modelWith((model) => {
      model.fleets = (model.fleets as { readonly proxy: string }[])
        .filter((fleet) => fleet.proxy === proxy)
        .map((fleet) => ({ ...fleet, ...(proxy === "nginx" ? { healthChecks: "external" } : {}) }));
      model.listeners = (model.listeners as object[]).map((listener) => ({ ...listener, fleets: [proxy] }));
      model.healthChecks = [{ name: "up", type: "http", interval: "10s", rise: 1, http: { path: "/up" } }];
      const own = featuresOf(proxy);
      const endpoint = (port: number) => ({ address: "127.0.0.1", port });
      model.clusters = [
        ...(model.clusters as object[]),
        ...own.map(({ name, cluster }) => ({
          name,
          endpoints: [
            endpoint(ports.blue),
            { ...endpoint(ports.green), ...(name === "backup" ? { priority: 1 } : {}) },
          ],
          ...cluster,
        })),
      ];
      const [shop] = model.routes as [(typeof model.routes)[number]];
      shop.rules.push(
        ...own.map(({ name, rule }) => ({
          name,
          matches: [{ path: { prefix: `/with/${name}` } }],
          split: [{ cluster: name }],
          responseHeaders: { set: [{ name: "x-rule", value: name }] },
          ...rule,
        })),
      );
    })(ports);
}

/** The written model, whose listener expects a PROXY header; for this proxy alone. */
export function proxiedModel(proxy: ProxyName): ModelText {
  return modelWith((model) => {
    model.fleets = (model.fleets as { readonly proxy: string }[]).filter((fleet) => fleet.proxy === proxy);
    model.listeners = (model.listeners as object[]).map((listener) => ({
      ...listener,
      fleets: [proxy],
      proxyProtocol: { mode: "required" },
    }));
  });
}

/** What a load balancer before ours says of its client. */
export const PROXY_HEADER = "PROXY TCP4 203.0.113.7 127.0.0.1 4711 80\r\n";

/** The measured requests. */
export function featureProbes(proxy: ProxyName, upstreams: Upstreams): readonly Probe[] {
  return featuresOf(proxy).map(({ name, fields }) => ({
    name,
    target: `/with/${name}/red?size=42`,
    ...(fields === undefined ? {} : { fields: fields(upstreams) }),
    status: 200,
    upstream: name === "backup" || name === "affinity" ? "blue" : "blue or green",
  }));
}

/** What else has to be alike. */
export function featureVariants(proxy: ProxyName, upstreams: Upstreams): readonly Probe[] {
  const any = { status: 200, upstream: "blue or green" } as const;
  return [
    { name: "affinity, no cookie yet", target: "/with/affinity", ...any },
    {
      name: "affinity, the other endpoint",
      target: "/with/affinity",
      fields: [`Cookie: SRV=${cookieOf(upstreams.green)}`],
      status: 200,
      upstream: "green",
    },
    { name: "affinity, a cookie of nobody", target: "/with/affinity", fields: ["Cookie: SRV=bm9ib2R5"], ...any },
    { name: "hash, no key", target: "/with/hash", ...any },
    { name: "retry, POST", method: "POST", target: "/with/retry", body: "", ...any },
    { name: "retry, PUT", method: "PUT", target: "/with/retry", body: "", ...any },
    ...["pool", "retry"].flatMap((name) => [
      { name: `${name}, GET again`, target: `/with/${name}?${BREAK_ONCE}-get`, ...any },
      { name: `${name}, DELETE again`, method: "DELETE", target: `/with/${name}?${BREAK_ONCE}-delete`, ...any },
      { name: `${name}, POST once`, method: "POST", target: `/with/${name}?${BREAK_ONCE}-post`, body: "", status: 502 },
      // nginx sends a body again that came with the head (decision 45), so a small one is asked of `retry` alone.
      {
        name: `${name}, a GET with a body in chunks`,
        target: `/with/${name}?${BREAK_ONCE}-chunks`,
        chunked: "x",
        ...(proxy === "nginx" ? any : { status: 502 }),
      },
      ...[100, LARGE_BODY].slice(name === "retry" ? 0 : 1).map((size) => ({
        name: `${name}, a PUT of ${size} bytes`,
        method: "PUT",
        target: `/with/${name}?${BREAK_ONCE}-${size}`,
        body: "x".repeat(size),
        ...(size < LARGE_BODY ? any : { status: 502 }),
      })),
    ]),
  ];
}

/** More than proxies keep of a body to send it again. */
const LARGE_BODY = 100_000;

/** The value by which the three proxies know an endpoint (docs/affinity.md): a message with its address as field 1. */
export function cookieOf(port: number): string {
  const address = Buffer.from(`127.0.0.1:${port}`);
  return Buffer.concat([Buffer.from([0x0a, address.length]), address]).toString("base64");
}

function featuresOf(proxy: ProxyName): readonly Feature[] {
  return FEATURES.filter(({ on = PROXIES }) => on.includes(proxy));
}
