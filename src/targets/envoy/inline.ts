/**
 * A rendering as one static bootstrap: what a person or a checker can run without an xDS server. Static routes are checked
 * for unknown clusters, which routes over RDS are not.
 */
import { create, fromBinary } from "@bufbuild/protobuf";
import type { AccessLog } from "../../gen/proto/envoy/config/accesslog/v3/accesslog_pb.js";
import {
  AdminSchema,
  type Bootstrap,
  BootstrapSchema,
} from "../../gen/proto/envoy/config/bootstrap/v3/bootstrap_pb.js";
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from "../../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import type { TransportSocket } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/proto/envoy/config/endpoint/v3/endpoint_pb.js";
import { type Listener, ListenerSchema } from "../../gen/proto/envoy/config/listener/v3/listener_pb.js";
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
} from "../../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { TcpProxySchema } from "../../gen/proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import * as header from "../../gen/proto/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.js";
import { type Secret, SecretSchema } from "../../gen/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import {
  type CommonTlsContext,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../../gen/proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import type { RenderedResource, RenderedResources } from "../target.ts";
import { writtenNowhere } from "./accessLog.ts";
import { RE2_MAX_PROGRAM_SIZE } from "./bootstrap.ts";
import { encode, pack, packBytes, typeUrls } from "./types.ts";
import { frameHead, joinBytes } from "./writer.ts";

/** Clusters decoded between two turns of the event loop: about 5 ms. */
const CLUSTERS_PER_TURN = 200;
/** Field of the route table in HttpConnectionManager. */
const MANAGER_ROUTE_CONFIG = 4;

/** What a bootstrap is for. */
interface Use {
  /** Id and cluster of the node. */
  readonly node: string;
  /** False: access logs that are files are written nowhere, since their folders are those of other machines. */
  readonly writesFiles: boolean;
}

const FOR_CHECKS: Use = { node: "check", writesFiles: false };

/** Everything in one message, encoded. `admin` is a loopback address and port; null: no admin interface. */
export async function inlineBootstrap(
  { resources }: RenderedResources,
  admin: { readonly address: string; readonly port: number } | null,
  { node, writesFiles }: Use = FOR_CHECKS,
): Promise<Uint8Array> {
  const ofType = (typeUrl: string) => resources.get(typeUrl) ?? new Map<string, RenderedResource>();
  const routes = ofType(typeUrls.routes);
  const assignments = ofType(typeUrls.assignment);
  const keptLog = writesFiles ? (logger: AccessLog) => logger : writtenNowhere;
  const listeners: Listener[] = [];
  for (const { bytes } of ofType(typeUrls.listener).values()) listeners.push(inlineListener(bytes, routes, keptLog));
  const clusters: Cluster[] = [];
  for (const { bytes, name } of ofType(typeUrls.cluster).values()) {
    clusters.push(inlineCluster(bytes, assignments.get(name)));
    if (clusters.length % CLUSTERS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const secrets = [...ofType(typeUrls.secret).values()].map(({ bytes }) => fromBinary(SecretSchema, bytes));
  return encode(BootstrapSchema, bootstrapOf({ listeners, clusters, secrets }, admin, node));
}

function bootstrapOf(
  staticResources: { readonly listeners: Listener[]; readonly clusters: Cluster[]; readonly secrets: Secret[] },
  admin: { readonly address: string; readonly port: number } | null,
  node: string,
): Bootstrap {
  const message = create(BootstrapSchema, {
    node: { id: node, cluster: node },
    staticResources,
    layeredRuntime: {
      layers: [
        {
          name: "trimtab",
          layerSpecifier: { case: "staticLayer", value: { "re2.max_program_size.error_level": RE2_MAX_PROGRAM_SIZE } },
        },
      ],
    },
  });
  if (admin !== null) {
    const { address, port } = admin;
    const value = { address, portSpecifier: { case: "portValue", value: port } } as const;
    message.admin = create(AdminSchema, { address: { address: { case: "socketAddress", value } } });
  }
  return message;
}

/** Route tables stay bytes: joined to the manager's message as its field. */
function inlineListener(
  bytes: Uint8Array,
  routes: ReadonlyMap<string, RenderedResource>,
  keptLog: (logger: AccessLog) => AccessLog,
): Listener {
  const listener = fromBinary(ListenerSchema, bytes);
  for (const { transportSocket } of listener.filterChains) if (transportSocket) inlineTransport(transportSocket);
  for (const { configType } of listener.filterChains.flatMap(({ filters }) => filters)) {
    if (configType.case === "typedConfig" && configType.value.typeUrl.endsWith(TcpProxySchema.typeName)) {
      const proxy = fromBinary(TcpProxySchema, configType.value.value);
      proxy.accessLog = proxy.accessLog.map(keptLog);
      configType.value = pack(TcpProxySchema, proxy);
    }
    if (configType.case !== "typedConfig" || !configType.value.typeUrl.endsWith(HttpConnectionManagerSchema.typeName)) {
      continue;
    }
    const manager: HttpConnectionManager = fromBinary(HttpConnectionManagerSchema, configType.value.value);
    if (manager.routeSpecifier.case !== "rds") continue;
    const table = routes.get(manager.routeSpecifier.value.routeConfigName);
    if (table === undefined)
      throw new Error(`route configuration ${manager.routeSpecifier.value.routeConfigName} is missing`);
    manager.routeSpecifier = { case: undefined };
    manager.accessLog = manager.accessLog.map(keptLog);
    const parts = [
      encode(HttpConnectionManagerSchema, manager),
      frameHead(MANAGER_ROUTE_CONFIG, table.bytes.length),
      table.bytes,
    ];
    configType.value = packBytes(HttpConnectionManagerSchema.typeName, joinBytes(parts));
  }
  return listener;
}

/** Secrets are named as before, and stand in the same bootstrap. */
function inlineTransport({ configType }: TransportSocket): void {
  if (configType.case !== "typedConfig" || !configType.value.typeUrl.endsWith(DownstreamTlsContextSchema.typeName))
    return;
  const context = fromBinary(DownstreamTlsContextSchema, configType.value.value);
  inlineSecrets(context.commonTlsContext);
  configType.value = pack(DownstreamTlsContextSchema, context);
}

function inlineSecrets({ tlsCertificateSdsSecretConfigs = [], validationContextType }: Partial<CommonTlsContext> = {}) {
  for (const secret of tlsCertificateSdsSecretConfigs) delete secret.sdsConfig;
  if (validationContextType?.case === "validationContextSdsSecretConfig") delete validationContextType.value.sdsConfig;
  if (validationContextType?.case === "combinedValidationContext")
    delete validationContextType.value.validationContextSdsSecretConfig?.sdsConfig;
}

/** The same of connections to endpoints, also where a PROXY header stands before TLS. */
function inlineUpstream({ configType }: TransportSocket): void {
  if (configType.case !== "typedConfig") return;
  const { typeUrl, value } = configType.value;
  if (typeUrl.endsWith(header.ProxyProtocolUpstreamTransportSchema.typeName)) {
    const outer = fromBinary(header.ProxyProtocolUpstreamTransportSchema, value);
    if (outer.transportSocket !== undefined) inlineUpstream(outer.transportSocket);
    configType.value = pack(header.ProxyProtocolUpstreamTransportSchema, outer);
  }
  if (!typeUrl.endsWith(UpstreamTlsContextSchema.typeName)) return;
  const context = fromBinary(UpstreamTlsContextSchema, value);
  inlineSecrets(context.commonTlsContext);
  configType.value = pack(UpstreamTlsContextSchema, context);
}

function inlineCluster(bytes: Uint8Array, assignment: RenderedResource | undefined): Cluster {
  const cluster = fromBinary(ClusterSchema, bytes);
  cluster.clusterDiscoveryType = { case: "type", value: Cluster_DiscoveryType.STATIC };
  delete cluster.edsClusterConfig;
  if (cluster.transportSocket !== undefined) inlineUpstream(cluster.transportSocket);
  if (assignment !== undefined) cluster.loadAssignment = fromBinary(ClusterLoadAssignmentSchema, assignment.bytes);
  return cluster;
}
