/** gRPC's own xDS client (@grpc/grpc-js-xds): aggregated, state of the world, written by others. */
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { register } from "@grpc/grpc-js-xds";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ClusterSchema } from "../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../gen/proto/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../gen/proto/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../gen/proto/envoy/config/route/v3/route_pb.js";
import { RouterSchema } from "../gen/proto/envoy/extensions/filters/http/router/v3/router_pb.js";
import * as httpManager from "../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { NackEvent, XdsResource, XdsServer } from "./index.ts";
import { CLUSTER, ENDPOINT, fleet, LISTENER, naming, ROUTE, startServer } from "./testing.ts";

const ADS = { configSourceSpecifier: { case: "ads", value: {} }, resourceApiVersion: 2 } as const;
/** The option under which grpc-js-xds takes a bootstrap for one channel. */
const BOOTSTRAP_OPTION = "grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config";

let server: XdsServer;
let edge: ReturnType<typeof fleet>;
let client: Client;
const backends: { server: Server; port: number }[] = [];
const nacks: NackEvent[] = [];
const pass = (bytes: Buffer): Buffer => bytes;

beforeAll(async () => {
  register();
  const started = await startServer({ onNack: (event) => nacks.push(event) });
  server = started.server;
  edge = fleet(server);
  for (const text of ["one", "two"]) backends.push(await backend(text));
  const bootstrap = {
    xds_servers: [{ server_uri: started.address, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] }],
    node: { id: "grpc-1", cluster: "edge", locality: {} },
  };
  client = new Client("xds:///svc", credentials.createInsecure(), { [BOOTSTRAP_OPTION]: JSON.stringify(bootstrap) });
});

afterAll(async () => {
  client.close();
  for (const entry of backends) entry.server.forceShutdown();
  await server.close();
});

function backend(text: string): Promise<{ server: Server; port: number }> {
  const grpc = new Server();
  const who = {
    path: "/test.Test/Who",
    requestStream: false,
    responseStream: false,
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
  };
  grpc.addService(
    { who },
    { who: (_call: unknown, reply: (error: null, value: Buffer) => void) => reply(null, Buffer.from(text)) },
  );
  return new Promise((resolve, reject) => {
    grpc.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve({ server: grpc, port });
      else reject(error);
    });
  });
}

function ask(): Promise<string> {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + 2_000 };
    client.makeUnaryRequest("/test.Test/Who", pass, pass, Buffer.alloc(0), options, (error, value?: Buffer) => {
      resolve(error === null ? value!.toString() : error.message);
    });
  });
}

let count = 0;
function encode<D extends DescMessage>(
  schema: D,
  init: MessageInitShape<D>,
  key: Pick<XdsResource, "typeUrl" | "name">,
): XdsResource {
  count += 1;
  return { ...key, bytes: toBinary(schema, create(schema, init)), version: `v${count}`, refs: [] };
}

function cluster(name: string): XdsResource {
  const clusterDiscoveryType = { case: "type", value: 3 } as const;
  const init = { name, clusterDiscoveryType, edsClusterConfig: { edsConfig: ADS } };
  return encode(ClusterSchema, init, { typeUrl: CLUSTER, name });
}

function endpoints(name: string, index: number): XdsResource {
  const portSpecifier = { case: "portValue", value: backends[index]!.port } as const;
  const address = { address: { case: "socketAddress", value: { address: "127.0.0.1", portSpecifier } } as const };
  const hostIdentifier = { case: "endpoint", value: { address } } as const;
  const locality = { locality: { zone: "z" }, loadBalancingWeight: 1, lbEndpoints: [{ hostIdentifier }] };
  const init = { clusterName: name, endpoints: [locality] };
  return encode(ClusterLoadAssignmentSchema, init, { typeUrl: ENDPOINT, name });
}

function route(to: string): XdsResource {
  const action = { case: "route", value: { clusterSpecifier: { case: "cluster", value: to } } } as const;
  const match = { pathSpecifier: { case: "prefix", value: "" } } as const;
  const init = { name: "web", virtualHosts: [{ name: "all", domains: ["*"], routes: [{ match, action }] }] };
  return naming(encode(RouteConfigurationSchema, init, { typeUrl: ROUTE, name: "web" }), to);
}

function listener(): XdsResource {
  const manager = create(httpManager.HttpConnectionManagerSchema, {
    routeSpecifier: { case: "rds", value: { routeConfigName: "web", configSource: ADS } },
    httpFilters: [
      { name: "router", configType: { case: "typedConfig", value: anyPack(RouterSchema, create(RouterSchema)) } },
    ],
  });
  const apiListener = { apiListener: anyPack(httpManager.HttpConnectionManagerSchema, manager) };
  return encode(ListenerSchema, { name: "svc", apiListener }, { typeUrl: LISTENER, name: "svc" });
}

const patience = { timeout: 15_000, interval: 50 };

it("obligation 2: loads, follows endpoints and moves to a new cluster without a failed call", async () => {
  const one = cluster("one");
  const web = listener();
  const toOne = route("one");
  edge.set(one, endpoints("one", 0), web, toOne);
  await expect.poll(ask, patience).toBe("one");
  await expect.poll(() => server.nodes("edge")[0]?.ackedRevision).toBe(1);
  expect(server.nodes("edge")[0]!.userAgent).toMatch(/^gRPC Node/);
  edge.set(one, endpoints("one", 1), web, toOne);
  await expect.poll(ask, patience).toBe("two");
  edge.set(cluster("new"), endpoints("new", 0), web, route("new"));
  const answers = new Set<string>();
  for (let last = ""; last !== "one"; answers.add(last)) last = await ask();
  expect([...answers].sort()).toEqual(["one", "two"]);
  await expect.poll(() => server.nodes("edge")[0]?.ackedRevision, patience).toBe(3);
  expect(nacks).toEqual([]);
});
