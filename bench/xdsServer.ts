/**
 * Our xDS server with the resources of `gcpserver` (../shared/perf): CLUSTERS clusters with an endpoint each, a listener, a route table.
 * POST /eds?n=N&ip=A.B.C.D moves the endpoint of cluster N, /cds changes the cluster itself; GET /loop tells the longest turn of the event
 * loop since it was last asked, as CPU. Arguments: the xDS address, the port of the control server.
 */
import { createServer } from "node:http";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ClusterSchema } from "../src/gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import { type Address, AddressSchema, SocketAddressSchema } from "../src/gen/proto/envoy/config/core/v3/address_pb.js";
import { EndpointSchema } from "../src/gen/proto/envoy/config/endpoint/v3/endpoint_components_pb.js";
import { ClusterLoadAssignmentSchema } from "../src/gen/proto/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../src/gen/proto/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../src/gen/proto/envoy/config/route/v3/route_pb.js";
import {
  HttpConnectionManagerSchema,
  RdsSchema,
} from "../src/gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { adsSource, duration, encode, pack, type Ref, resourceOf, typeUrls } from "../src/targets/envoy/types.ts";
import { setEngineFlags } from "../src/util/engineFlags.ts";
import { createXdsServer, type XdsResource } from "../src/xds/index.ts";
import { meterTurns } from "../src/xds/testingTurnMeter.ts";

const CLUSTERS = 1000;
/** `node.cluster` of xdsload's streams. */
const GROUP = "load";

setEngineFlags();

type Resources = Map<string, XdsResource>;

function cluster(name: string, altStatName = ""): XdsResource {
  const message: MessageInitShape<typeof ClusterSchema> = {
    name,
    altStatName,
    connectTimeout: duration(1000),
    clusterDiscoveryType: { case: "type", value: 3 },
    edsClusterConfig: { edsConfig: adsSource(), serviceName: name },
  };
  const bytes = encode(ClusterSchema, create(ClusterSchema, message));
  return resourceOf(typeUrls.cluster, name, { bytes, refs: [[typeUrls.assignment, name]] });
}

function socket(address: string, port: number): Address {
  const value = create(SocketAddressSchema, { address, portSpecifier: { case: "portValue", value: port } });
  return create(AddressSchema, { address: { case: "socketAddress", value } });
}

function assignment(name: string, ip: string): XdsResource {
  const endpoint = create(EndpointSchema, { address: socket(ip, 8080) });
  const lbEndpoints = [{ loadBalancingWeight: 1, hostIdentifier: { case: "endpoint" as const, value: endpoint } }];
  const message = { clusterName: name, endpoints: [{ lbEndpoints }] };
  const bytes = encode(ClusterLoadAssignmentSchema, create(ClusterLoadAssignmentSchema, message));
  return resourceOf(typeUrls.assignment, name, { bytes, refs: [] });
}

function routes(names: readonly string[]): XdsResource {
  const message: MessageInitShape<typeof RouteConfigurationSchema> = {
    name: "r",
    virtualHosts: [
      {
        name: "all",
        domains: ["*"],
        routes: names.map((name) => ({
          name,
          match: { pathSpecifier: { case: "prefix", value: `/${name}/` } },
          action: {
            case: "route",
            value: { clusterSpecifier: { case: "cluster", value: name }, timeout: duration(15_000) },
          },
        })),
      },
    ],
  };
  const bytes = encode(RouteConfigurationSchema, create(RouteConfigurationSchema, message));
  return resourceOf(typeUrls.routes, "r", { bytes, refs: names.map((name): Ref => [typeUrls.cluster, name]) });
}

function listener(): XdsResource {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: "in",
    routeSpecifier: { case: "rds", value: create(RdsSchema, { routeConfigName: "r", configSource: adsSource() }) },
  });
  const message: MessageInitShape<typeof ListenerSchema> = {
    name: "l",
    address: socket("127.0.0.1", 24010),
    filterChains: [
      {
        filters: [
          { name: "hcm", configType: { case: "typedConfig", value: pack(HttpConnectionManagerSchema, manager) } },
        ],
      },
    ],
  };
  const bytes = encode(ListenerSchema, create(ListenerSchema, message));
  return resourceOf(typeUrls.listener, "l", { bytes, refs: [[typeUrls.routes, "r"]] });
}

const [address = "127.0.0.1:24100", control = "24101"] = process.argv.slice(2);
const names = Array.from({ length: CLUSTERS }, (_, index) => `svc-${String(index).padStart(5, "0")}`);
const byName = (list: readonly XdsResource[]): Resources => new Map(list.map((resource) => [resource.name, resource]));
const view = new Map<string, Resources>([
  [typeUrls.cluster, byName(names.map((name) => cluster(name)))],
  [typeUrls.assignment, byName(names.map((name) => assignment(name, "127.0.0.1")))],
  [typeUrls.listener, byName([listener()])],
  [typeUrls.routes, byName([routes(names)])],
]);
const server = createXdsServer({ identifier: "bench" });
let revision = 1;

function change(resource: XdsResource): void {
  const { typeUrl, name } = resource;
  view.set(typeUrl, new Map(view.get(typeUrl)).set(name, resource));
  revision += 1;
  server.setView(GROUP, new Map(view), revision);
}

server.setView(GROUP, view, revision);
await server.listen(address);
const longestTurn = meterTurns();
createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://bench");
  const name = names[Number(url.searchParams.get("n")) % CLUSTERS] as string;
  const ip = url.searchParams.get("ip") ?? "";
  if (url.pathname === "/cds") change(cluster(name, ip));
  else if (url.pathname === "/eds") change(assignment(name, ip));
  else if (url.pathname === "/loop") {
    response.end(String(Math.round(longestTurn())));
    return;
  }
  response.end(`${name}\n`);
}).listen(Number(control), "127.0.0.1");
