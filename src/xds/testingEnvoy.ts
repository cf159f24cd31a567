/** For tests: what a real Envoy gets and is started with, and a way to its server that can be cut. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type Agent, createServer as createHttpServer, get, type Server } from "node:http";
import { type AddressInfo, createServer, connect as dial, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { ClusterSchema } from "../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import type { ConfigSourceSchema } from "../gen/proto/envoy/config/core/v3/config_source_pb.js";
import * as configSource from "../gen/proto/envoy/config/core/v3/config_source_pb.js";
import { ClusterLoadAssignmentSchema } from "../gen/proto/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../gen/proto/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../gen/proto/envoy/config/route/v3/route_pb.js";
import { RouterSchema } from "../gen/proto/envoy/extensions/filters/http/router/v3/router_pb.js";
import * as httpManager from "../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { TcpProxySchema } from "../gen/proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import { USUAL_PROCESS } from "../ir/index.ts";
import { envoyArguments } from "../targets/envoy/index.ts";
import { freePort, type RunningEnvoy, runEnvoy } from "../targets/envoy/testing.ts";
import type { XdsResource } from "./index.ts";
import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from "./testing.ts";

/** Where a resource says that its parts come from. */
export type Source = MessageInitShape<typeof ConfigSourceSchema>;

export const ADS: Source = { configSourceSpecifier: { case: "ads", value: {} }, resourceApiVersion: 2 };

/** How long Envoy waits before it tries to reach its server again. Its own default, up to half a minute, is too long for a test. */
const RETRY_MS = { base: 100, max: 200 };

/** A stream for each type. */
export function ownStreams(delta: boolean): Source {
  const {
    ApiVersion: { V3 },
    ApiConfigSource_ApiType: type,
  } = configSource;
  const retryPolicy = {
    retryBackOff: { baseInterval: durationFromMs(RETRY_MS.base), maxInterval: durationFromMs(RETRY_MS.max) },
  };
  const envoyGrpc = { clusterName: "xds_cluster", retryPolicy };
  const grpcServices = [{ targetSpecifier: { case: "envoyGrpc", value: envoyGrpc } }] as const;
  const value = {
    apiType: delta ? type.DELTA_GRPC : type.GRPC,
    transportApiVersion: V3,
    grpcServices: [...grpcServices],
  };
  return { configSourceSpecifier: { case: "apiConfigSource", value }, resourceApiVersion: V3 };
}

/** A bootstrap with the xDS server and an admin page on loopback. */
export function bootstrap(xdsPort: number, more: { delta: boolean; adminPort?: number; ads?: boolean }): object {
  const socket = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } });
  const address = socket(xdsPort);
  const options = {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: {} },
  };
  const seconds = (milliseconds: number): string => `${milliseconds / 1_000}s`;
  const retry = { retry_back_off: { base_interval: seconds(RETRY_MS.base), max_interval: seconds(RETRY_MS.max) } };
  const load = { cluster_name: "xds_cluster", endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
  const api = {
    api_type: more.delta ? "DELTA_GRPC" : "GRPC",
    transport_api_version: "V3",
    grpc_services: [{ envoy_grpc: { cluster_name: "xds_cluster", retry_policy: retry } }],
  };
  const source = more.ads === false ? { api_config_source: api } : { ads: {} };
  return {
    node: { id: "envoy-1", cluster: "edge" },
    ...(more.adminPort === undefined ? {} : { admin: { address: socket(more.adminPort) } }),
    dynamic_resources: {
      ...(more.ads === false ? {} : { ads_config: api }),
      cds_config: { ...source, resource_api_version: "V3" },
      lds_config: { ...source, resource_api_version: "V3" },
    },
    static_resources: {
      clusters: [
        {
          name: "xds_cluster",
          type: "STATIC",
          connect_timeout: "1s",
          typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options },
          load_assignment: load,
        },
      ],
    },
  };
}

/** An encoded resource; its version is the hash of its bytes. */
export function encode<D extends DescMessage>(
  schema: D,
  init: MessageInitShape<D>,
  rest: Pick<XdsResource, "typeUrl" | "name"> & { refs?: XdsResource["refs"] },
): XdsResource {
  const bytes = toBinary(schema, create(schema, init), { writeUnknownFields: true });
  const version = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  return { refs: [], ...rest, bytes, version };
}

/** A cluster that gets its endpoints by EDS. A negative time-out is one that Envoy refuses. */
export function cluster(name: string, timeoutSeconds = 1, edsConfig = ADS): XdsResource {
  const init = {
    name,
    clusterDiscoveryType: { case: "type", value: 3 } as const,
    edsClusterConfig: { edsConfig },
    connectTimeout: { seconds: BigInt(timeoutSeconds), nanos: 0 },
  };
  return encode(ClusterSchema, init, { typeUrl: CLUSTER, name, refs: [[ENDPOINT, name]] });
}

/** Of a listener or endpoint. */
export function address(value: number, host = "127.0.0.1") {
  const portSpecifier = { case: "portValue", value } as const;
  return { address: { case: "socketAddress", value: { address: host, portSpecifier } } } as const;
}

/** Where a cluster's requests go, on loopback, and which share of them. */
export interface Endpoint {
  readonly port: number;
  readonly weight: number;
}

/** One endpoint on loopback. */
export function endpoints(name: string, port: number): XdsResource {
  return weightedEndpoints(name, [{ port, weight: 1 }]);
}

/** Several of them. Locality and its weight are there for gRPC, which takes no endpoints without. */
export function weightedEndpoints(name: string, list: readonly Endpoint[]): XdsResource {
  const lbEndpoints = list.map(({ port, weight }) => ({
    hostIdentifier: { case: "endpoint", value: { address: address(port) } } as const,
    loadBalancingWeight: weight,
  }));
  const init = { clusterName: name, endpoints: [{ locality: { zone: "z" }, loadBalancingWeight: 1, lbEndpoints }] };
  return encode(ClusterLoadAssignmentSchema, init, { typeUrl: ENDPOINT, name });
}

/** Everything to one cluster. */
export function route(to: string, name = "web"): XdsResource {
  return routes([["/", to]], name);
}

/** The first prefix that fits says which cluster. */
export function routes(list: readonly (readonly [string, string])[], name: string): XdsResource {
  const entries = list.map(([prefix, to]) => ({
    match: { pathSpecifier: { case: "prefix", value: prefix } } as const,
    action: { case: "route", value: { clusterSpecifier: { case: "cluster", value: to } } } as const,
  }));
  const init = { name, virtualHosts: [{ name: "all", domains: ["*"], routes: entries }] };
  const refs = [...new Set(list.map(([, to]) => to))].map((to) => [CLUSTER, to] as const);
  return encode(RouteConfigurationSchema, init, { typeUrl: ROUTE, name, refs });
}

/** Shares that add up to nothing: every client refuses it. */
export function badRoutes(to: string, name: string): XdsResource {
  const weightedClusters = { clusters: [{ name: to, weight: 0 }] };
  const action = {
    case: "route",
    value: { clusterSpecifier: { case: "weightedClusters", value: weightedClusters } },
  } as const;
  const match = { pathSpecifier: { case: "prefix", value: "/" } } as const;
  const init = { name, virtualHosts: [{ name: "all", domains: ["*"], routes: [{ match, action }] }] };
  return encode(RouteConfigurationSchema, init, { typeUrl: ROUTE, name, refs: [[CLUSTER, to]] });
}

/** HTTP with its routes by name. */
export function httpFilter(
  routeConfigName: string,
  more: { source?: Source; statPrefix?: string | undefined } = {},
): Any {
  const { source: configSource = ADS, statPrefix = "web" } = more;
  const router = anyPack(RouterSchema, create(RouterSchema));
  const manager = create(httpManager.HttpConnectionManagerSchema, {
    statPrefix,
    routeSpecifier: { case: "rds", value: { routeConfigName, configSource } },
    httpFilters: [{ name: "router", configType: { case: "typedConfig", value: router } }],
  });
  return anyPack(httpManager.HttpConnectionManagerSchema, manager);
}

/** A listener of HTTP. */
export function listener(
  name: string,
  at: number,
  more: { route?: string; host?: string; source?: Source; statPrefix?: string } = {},
): XdsResource {
  const { route: routeConfigName = "web", host, ...rest } = more;
  const typedConfig = httpFilter(routeConfigName, rest);
  const filter = { name: "http", configType: { case: "typedConfig", value: typedConfig } } as const;
  const init = { name, address: address(at, host), filterChains: [{ filters: [filter] }] };
  return encode(ListenerSchema, init, { typeUrl: LISTENER, name, refs: [[ROUTE, routeConfigName]] });
}

/** A listener that passes bytes on. */
export function tcpListener(name: string, at: number, to: string): XdsResource {
  const init = { statPrefix: name, clusterSpecifier: { case: "cluster", value: to } } as const;
  const proxy = anyPack(TcpProxySchema, create(TcpProxySchema, init));
  const filter = { name: "tcp", configType: { case: "typedConfig", value: proxy } } as const;
  const message = { name, address: address(at), filterChains: [{ filters: [filter] }] };
  return encode(ListenerSchema, message, { typeUrl: LISTENER, name, refs: [[CLUSTER, to]] });
}

/** A backend that answers with a text. */
export async function backend(text: string): Promise<{ port: number; server: Server; close: () => void }> {
  const server = createHttpServer((_request, response) => response.end(text));
  // A connection that the backend ends as a request comes in would be a failed request of the test's own making.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, server, close };
}

/**
 * The text of an answer with status 200, else status and text, else the error. Without an agent on a connection of its own: none outlives
 * a listener.
 */
export function ask(
  port: number,
  more: { path?: string; agent?: Agent; headers?: Record<string, string> } = {},
): Promise<string> {
  const { path = "/", agent = false, headers = {} } = more;
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message);
    const request = get({ host: "127.0.0.1", port, path, agent, headers }, async (response) => {
      const text = (await response.setEncoding("utf8").toArray().catch(failed))?.join("") ?? "";
      resolve(response.statusCode === 200 ? text : `${response.statusCode} ${text}`);
    });
    request.on("error", failed);
  });
}

/** Asks two at a time until told to stop, and counts the answers. */
export function load(port: number, question = () => ask(port)): () => Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  let stop = false;
  const run = async (): Promise<void> => {
    while (!stop) {
      const answer = await question();
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  const runs = [run(), run()];
  return async () => {
    stop = true;
    await Promise.all(runs);
    return answers;
  };
}

/** A way to a server that can be cut, and joined again with the same or another server. */
export interface Way {
  readonly port: number;
  cut(): void;
  join(address: string): void;
  close(): void;
}

/** A way that leads nowhere yet. */
export async function openWay(): Promise<Way> {
  let to: number | null = null;
  const sockets = new Set<Socket>();
  const entry = createServer((socket) => {
    if (to === null) return void socket.destroy();
    const out = dial(to, "127.0.0.1");
    for (const [from, into] of [
      [socket, out],
      [out, socket],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        into.destroy();
      });
      from.pipe(into);
    }
  });
  await new Promise<void>((resolve) => entry.listen(0, "127.0.0.1", resolve));
  function cut(): void {
    to = null;
    for (const socket of sockets) socket.destroy();
  }
  return {
    port: (entry.address() as AddressInfo).port,
    cut,
    join(target) {
      to = Number(target.split(":")[1]);
    },
    close() {
      cut();
      entry.close();
    },
  };
}

/** For how long connections of a listener that is gone may go on, as we start Envoys, but shorter. */
export const SHORT_DRAIN: readonly string[] = ["--drain-time-s", "1", "--drain-strategy", "immediate"];

/** An Envoy with its bootstrap in a folder of its own. Comes back when it is ready: its server must be there. */
export async function startEnvoy(
  xdsPort: number,
  delta: boolean,
  more: { ads?: boolean; drain?: readonly string[] } = {},
): Promise<RunningEnvoy> {
  const { ads = true, drain = envoyArguments(USUAL_PROCESS) } = more;
  const folder = mkdtempSync(join(tmpdir(), "trimtab-xds-"));
  const adminPort = await freePort();
  const file = join(folder, "envoy.json");
  writeFileSync(file, JSON.stringify(bootstrap(xdsPort, { delta, adminPort, ads })));
  const { admin, stop, log } = await runEnvoy(file, adminPort, drain);
  return {
    admin,
    log,
    async stop() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
