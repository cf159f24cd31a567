/**
 * A valid model that writes every string field of `schemas/` at least once. What counts as a string field is read from the schemas
 * (stringFields.ts), so a new field that this model does not write is found.
 */
import type { Model } from "../harness/model.ts";
import { AUTHORITY, CERTIFICATE, REVOCATIONS } from "./certificates.ts";
import { otherClusters } from "./otherClusters.ts";

const marks = { labels: { team: "edge" }, description: "text for people" };
const changes = {
  set: [{ name: "X-Set", value: "v" }],
  add: [{ name: "X-Add", value: "v" }],
  remove: ["X-Gone"],
};

const serving = {
  name: "ef-fleet",
  proxy: "haproxy" as const,
  version: "2.6",
  bindAddress: "127.0.0.27",
  accessLog: { path: "/dev/stdout", fields: ["status"] },
  process: { shutdownGrace: "30s", cpuAffinity: "0", tcpKeepalive: { idle: "30s", interval: "5s" } },
};

/** Who may pull it stands in an Envoy fleet only. */
const pulled = {
  name: "ef-pulled",
  proxy: "envoy" as const,
  xds: { allow: ["spiffe://ef.example/edge"] },
  process: { bufferSize: "64KiB" },
};

/** Who probes stands in an nginx fleet only. */
const probed = { name: "ef-probed", proxy: "nginx" as const, healthChecks: "external" };

/** UDP has ports of its own; HAProxy has none. */
const packets = {
  name: "ef-packets",
  fleets: ["ef-probed"],
  protocol: "UDP",
  idleTimeout: "30s",
  udp: { balance: "packet" },
} as const;

/** Versions, profile and suites need not fit the other proxies' listeners. */
const secure = {
  name: "ef-secure",
  fleets: ["ef-pulled"],
  protocol: "HTTPS",
  tls: {
    mode: "terminate",
    certificates: ["ef-certificate"],
    unknownServerName: "first",
    profile: "intermediate",
    minVersion: "1.2",
    maxVersion: "1.2",
    cipherSuites: ["ECDHE-ECDSA-AES128-GCM-SHA256"],
    clientAuthentication: { mode: "report", authorities: ["ef-authority"], forward: "xfcc" },
  },
} as const;

/** Where the client's bytes go on by server name; here TLS ends. */
const named = {
  listener: {
    name: "ef-named",
    fleets: ["ef-pulled"],
    protocol: "TLS",
    hostname: "*.tls.ef.example",
    tls: {
      mode: "terminate",
      certificates: ["ef-certificate"],
      alpn: ["mqtt"],
      clientAuthentication: { mode: "require", authorities: ["ef-authority"] },
    },
  },
  route: {
    name: "ef-named",
    listeners: ["ef-named"],
    protocol: "tls",
    hostnames: ["a.tls.ef.example"],
    rules: [{ split: [{ cluster: "ef-greeter" }] }],
  },
} as const;

const identities = {
  certificates: [{ name: "ef-certificate", ...marks, ...CERTIFICATE }],
  authorities: [{ name: "ef-authority", ...marks, bundle: AUTHORITY, crl: REVOCATIONS }],
};

/** Calls of gRPC, of which only Envoy looks at the status. */
const calls = {
  listener: { name: "ef-calls", fleets: ["ef-pulled"], protocol: "HTTP", http: { http2: "only" } },
  clusters: [
    { name: "ef-greeter", protocol: "http2", endpoints: [{ address: "127.0.0.1", port: 9 }] },
    { name: "ef-named", protocol: "http2", endpoints: [], tls: { subjectAltNames: ["b.ef.example"] } },
  ],
  route: {
    name: "ef-calls",
    listeners: ["ef-calls"],
    protocol: "grpc",
    rules: [
      {
        matches: [
          { grpc: { service: "ef.Greeter", method: "Greet" } },
          { grpc: { serviceRegex: "ef[.]A+", methodRegex: "G+" } },
        ],
        split: [{ cluster: "ef-greeter" }, { cluster: "ef-named" }],
        retry: { grpcStatuses: ["unavailable"] },
      },
    ],
  },
} as const;

const proxied = { mode: "required", from: ["127.0.0.0/8"] } as const;

const split = [{ cluster: "ef-plain", weight: 1 }, { cluster: "ef-other" }];
const http = { headersTimeout: "5s", bodyTimeout: "30s", sendTimeout: "30s", keepAliveTimeout: "20s" };

const retry = {
  on: ["connectFailure", "reset", "timeout"],
  statuses: ["502-504"],
  methods: ["GET"],
  perTryTimeout: "2s",
  backoff: "100ms",
};
const geoTables: Model["geoTables"] = [
  { name: "ef-geo", ...marks, entries: [{ cidr: "127.0.0.0/9", label: "here" }], defaultLabel: "there" },
];

const checks: Model["healthChecks"] = [
  {
    name: "ef-check",
    ...marks,
    type: "http",
    interval: "5s",
    timeout: "1s",
    http: {
      method: "GET",
      path: "/health",
      host: "health.ef.example",
      headers: [{ name: "X-Probe", value: "v" }],
      expectedStatus: ["200-299", "404"],
      body: { contains: "fine" },
    },
  },
  { name: "ef-regex", type: "http", initial: "up", http: { body: { regex: "fine|good" } } },
  { name: "ef-tcp", type: "tcp", tcp: { send: "PING", expect: "PONG" } },
  { name: "ef-grpc", type: "grpc", grpc: { service: "ef.Service" } },
];

const web = {
  name: "ef-web",
  ...marks,
  fleets: ["ef-fleet"],
  address: "127.0.0.27",
  protocol: "HTTP" as const,
  hostname: "*.ef.example",
  proxyProtocol: proxied,
  http,
};

const canaries: Model["canaries"] = [
  {
    name: "ef-canary",
    ...marks,
    route: "ef-route",
    rule: "forward",
    stable: "ef-plain",
    canary: "ef-other",
    steps: [{ weight: 5 }],
  },
];

/** Ports are the caller's; nothing listens behind the endpoints. The nginx fleet stays away from the checked cluster. */
export function everyField(port: number): Model {
  return {
    fleets: [{ ...serving, ...marks }, pulled, probed],
    listeners: [
      { ...web, port },
      { ...packets, port },
      { ...secure, port: port + 1 },
      { ...calls.listener, port: port + 2 },
      { ...named.listener, port: port + 3 },
    ],
    ...identities,
    clusters: [
      {
        name: "ef-plain",
        ...marks,
        endpoints: [{ address: "127.0.0.1", port: 9, zone: "here" }],
        balance: { policy: "roundRobin" },
        locality: { preferLocal: { table: "ef-geo" } },
        drainTimeout: "5m",
        outlierDetection: { interval: "1s", ejectFor: "10s" },
        slowStart: { window: "30s" },
        timeouts: { connect: "1s" },
        pool: { maxIdle: 8, idleTimeout: "10s" },
        proxyProtocol: "v2",
        healthCheck: "ef-check",
      },
      ...otherClusters,
      ...calls.clusters,
      {
        name: "ef-hash",
        endpoints: [{ address: "127.0.0.1", port: 9, state: "active", zone: "there" }],
        balance: { policy: "hash", hash: { by: "header", name: "X-Key" } },
        affinity: { cookie: { name: "EF" } },
      },
    ],
    healthChecks: checks,
    geoTables,
    routes: [
      calls.route,
      named.route,
      {
        name: "ef-route",
        ...marks,
        listeners: ["ef-web"],
        protocol: "http",
        hostnames: ["a.ef.example", "*.b.ef.example"],
        rules: [
          {
            name: "forward",
            matches: [
              {
                path: { prefix: "/p" },
                method: "POST",
                headers: [
                  { name: "X-A", exact: "a" },
                  { name: "X-B", regex: "b+" },
                ],
                query: [
                  { name: "q", exact: "a" },
                  { name: "r", regex: "b+" },
                ],
                cookies: [
                  { name: "c", exact: "a" },
                  { name: "d", regex: "b+" },
                ],
                source: ["127.0.0.0/8"],
                geo: { table: "ef-geo", labels: ["here"] },
              },
            ],
            split,
            retry,
            rewrite: { path: { prefix: "/q" }, hostname: "inner.ef.example" },
            requestHeaders: changes,
            responseHeaders: changes,
            timeouts: { request: "10s", idle: "5s" },
          },
          {
            matches: [{ path: { prefix: "/t" } }],
            split: [{ cluster: "ef-plain" }],
            rewrite: { path: { full: "/u" } },
          },
          {
            matches: [{ path: { prefix: "/r" } }],
            redirect: { scheme: "https", hostname: "to.ef.example", path: { prefix: "/s" } },
          },
          { matches: [{ path: { prefix: "/v" } }], split: [{ cluster: "ef-secured" }, { cluster: "ef-insecure" }] },
          { matches: [{ path: { exact: "/e" } }], redirect: { path: { full: "/f" } } },
          {
            matches: [{ path: { regex: "/x[0-9]+" } }],
            respond: { status: 200, body: "b", contentType: "text/plain" },
          },
        ],
      },
    ],
    canaries,
  };
}
