/** The real Envoy as client: delta ADS, every change under requests. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createSocket } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ClusterSchema } from "../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../gen/proto/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../gen/proto/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../gen/proto/envoy/config/route/v3/route_pb.js";
import { RouterSchema } from "../gen/proto/envoy/extensions/filters/http/router/v3/router_pb.js";
import * as httpManager from "../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { readRefusal } from "../targets/envoy/index.ts";
import type { NackEvent, XdsResource, XdsServer } from "./index.ts";
import { CLUSTER, ENDPOINT, fleet, LISTENER, ROUTE, startServer } from "./testing.ts";

const ADS = { configSourceSpecifier: { case: "ads", value: {} }, resourceApiVersion: 2 } as const;

function findEnvoy(): string {
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "envoy"));
  const candidates = [process.env.TRIMTAB_ENVOY, join(import.meta.dirname, "../../.trimtab/bin/envoy"), ...onPath];
  const found = candidates.find((path) => path !== undefined && existsSync(path));
  if (found === undefined) throw new Error("no Envoy found: set TRIMTAB_ENVOY, or run the set-up");
  return found;
}

let server: XdsServer;
let edge: ReturnType<typeof fleet>;
let envoy: ChildProcess;
let folder: string;
let port: number;
let log = "";
const nacks: NackEvent[] = [];
const backends: Server[] = [];

beforeAll(async () => {
  const started = await startServer({ readRefusal, onNack: (event) => nacks.push(event) });
  server = started.server;
  edge = fleet(server);
  for (const text of ["one", "two"]) {
    const backend = createServer((_request, response) => response.end(text));
    await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
    backends.push(backend);
  }
  port = await freePort();
  folder = mkdtempSync(join(tmpdir(), "trimtab-xds-"));
  const config = join(folder, "envoy.json");
  writeFileSync(config, JSON.stringify(bootstrap(Number(started.address.split(":")[1]))));
  const args = ["-c", config, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warn"];
  envoy = spawn(findEnvoy(), args, { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [envoy.stdout!, envoy.stderr!]) {
    stream.on("data", (chunk: Buffer) => {
      log += chunk.toString();
    });
  }
});

afterAll(async () => {
  envoy.kill("SIGKILL");
  await server.close();
  for (const backend of backends) {
    backend.closeAllConnections();
    backend.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const socket = createSocket();
    socket.listen(0, "127.0.0.1", () => {
      const { port: free } = socket.address() as AddressInfo;
      socket.close(() => resolve(free));
    });
  });
}

function bootstrap(xdsPort: number): object {
  const address = { socket_address: { address: "127.0.0.1", port_value: xdsPort } };
  const options = {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: {} },
  };
  return {
    node: { id: "envoy-1", cluster: "edge" },
    dynamic_resources: {
      ads_config: {
        api_type: "DELTA_GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "xds_cluster" } }],
      },
      cds_config: { ads: {}, resource_api_version: "V3" },
      lds_config: { ads: {}, resource_api_version: "V3" },
    },
    static_resources: {
      clusters: [
        {
          name: "xds_cluster",
          type: "STATIC",
          connect_timeout: "1s",
          typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options },
          load_assignment: { cluster_name: "xds_cluster", endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
        },
      ],
    },
  };
}

function encode<D extends DescMessage>(
  schema: D,
  init: MessageInitShape<D>,
  rest: Pick<XdsResource, "typeUrl" | "name"> & { clusters?: string[] },
): XdsResource {
  const bytes = toBinary(schema, create(schema, init), { writeUnknownFields: true });
  const version = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const refs = (rest.clusters ?? []).map((cluster) => [CLUSTER, cluster] as const);
  return { typeUrl: rest.typeUrl, name: rest.name, bytes, version, refs };
}

function cluster(name: string, timeoutSeconds = 1): XdsResource {
  const init = {
    name,
    clusterDiscoveryType: { case: "type", value: 3 } as const,
    edsClusterConfig: { edsConfig: ADS },
    connectTimeout: { seconds: BigInt(timeoutSeconds), nanos: 0 },
  };
  return encode(ClusterSchema, init, { typeUrl: CLUSTER, name });
}

function endpoints(name: string, backend: number): XdsResource {
  const { port: value } = backends[backend]!.address() as AddressInfo;
  const portSpecifier = { case: "portValue", value } as const;
  const address = { address: { case: "socketAddress", value: { address: "127.0.0.1", portSpecifier } } as const };
  const hostIdentifier = { case: "endpoint", value: { address } } as const;
  const init = { clusterName: name, endpoints: [{ lbEndpoints: [{ hostIdentifier }] }] };
  return encode(ClusterLoadAssignmentSchema, init, { typeUrl: ENDPOINT, name });
}

function route(to: string): XdsResource {
  const action = { case: "route", value: { clusterSpecifier: { case: "cluster", value: to } } } as const;
  const match = { pathSpecifier: { case: "prefix", value: "/" } } as const;
  const init = { name: "web", virtualHosts: [{ name: "all", domains: ["*"], routes: [{ match, action }] }] };
  return encode(RouteConfigurationSchema, init, { typeUrl: ROUTE, name: "web", clusters: [to] });
}

function listener(name = "web", at = port): XdsResource {
  const router = anyPack(RouterSchema, create(RouterSchema));
  const manager = create(httpManager.HttpConnectionManagerSchema, {
    statPrefix: "web",
    routeSpecifier: { case: "rds", value: { routeConfigName: "web", configSource: ADS } },
    httpFilters: [{ name: "router", configType: { case: "typedConfig", value: router } }],
  });
  const typedConfig = anyPack(httpManager.HttpConnectionManagerSchema, manager);
  const filter = { name: "http", configType: { case: "typedConfig", value: typedConfig } } as const;
  const portSpecifier = { case: "portValue", value: at } as const;
  const address = { address: { case: "socketAddress", value: { address: "127.0.0.1", portSpecifier } } as const };
  return encode(ListenerSchema, { name, address, filterChains: [{ filters: [filter] }] }, { typeUrl: LISTENER, name });
}

async function ask(): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    const text = await response.text();
    return response.status === 200 ? text : `${response.status} ${text}`;
  } catch (error) {
    return String(error);
  }
}

const acked = (): number | null | undefined => server.nodes("edge")[0]?.ackedRevision;
const patience = { timeout: 15_000, interval: 20 };

it("waits for its fleet to exist, then loads everything", async () => {
  // Envoy is there before the fleet: it is refused and tries again.
  await expect.poll(() => server.metrics().refusedStreams, patience).toBeGreaterThan(0);
  edge.set(cluster("one"), endpoints("one", 0), listener(), route("one"));
  await expect.poll(ask, patience).toBe("one");
  await expect.poll(acked, patience).toBe(1);
  const [node] = server.nodes();
  expect(node).toMatchObject({ nodeId: "envoy-1", group: "edge", userAgent: expect.stringMatching(/^envoy\/1\.\d+/) });
  expect(node!.types.map((type) => type.typeUrl)).toEqual([CLUSTER, ENDPOINT, LISTENER, ROUTE]);
  for (const type of node!.types) expect(type).toMatchObject({ sent: type.acked, nacked: null });
  expect(nacks).toEqual([]);
});

it("follows changed endpoints", async () => {
  edge.set(cluster("one"), endpoints("one", 1), listener(), route("one"));
  await expect.poll(ask, patience).toBe("two");
  await expect.poll(acked).toBe(2);
});

it("gets the endpoints of a changed cluster at once, not after its warming time-out", async () => {
  edge.set(cluster("one", 2), endpoints("one", 1), listener(), route("one"));
  const forced = server.metrics().types.get("ClusterLoadAssignment")!.responses + 1;
  await expect.poll(() => server.metrics().types.get("ClusterLoadAssignment")!.responses).toBe(forced);
  await expect.poll(acked).toBe(3);
  expect(await ask()).toBe("two");
});

it("loses no request while cluster and route change together", async () => {
  let stop = false;
  const answers = new Map<string, number>();
  const load = async (): Promise<void> => {
    while (!stop) {
      const answer = await ask();
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  const loads = [load(), load()];
  for (let turn = 0; turn < 25; turn++) {
    const name = `turn-${turn}`;
    edge.set(cluster(name), endpoints(name, turn % 2), listener(), route(name));
    await expect.poll(acked, { timeout: 5_000, interval: 2 }).toBe(edge.revision);
  }
  stop = true;
  await Promise.all(loads);
  expect([...answers.keys()].sort()).toEqual(["one", "two"]);
  expect(answers.get("one")! + answers.get("two")!).toBeGreaterThan(50);
});

it("reports a refused listener once and keeps serving", async () => {
  const good = [cluster("one"), endpoints("one", 0), listener(), route("one")];
  // No address: Envoy refuses it.
  edge.set(...good, encode(ListenerSchema, { name: "bad" }, { typeUrl: LISTENER, name: "bad" }));
  await expect.poll(() => nacks.length).toBe(1);
  expect(nacks[0]).toMatchObject({ nodeId: "envoy-1", typeUrl: LISTENER, resources: ["bad"] });
  await expect.poll(ask).toBe("one");
  expect(acked()).toBeLessThan(edge.revision);
  edge.set(...good);
  await expect.poll(acked, patience).toBe(edge.revision);
  expect(nacks).toHaveLength(1);
});

it("takes a listener whose port was taken, once the port is free", async () => {
  const holder = createSocket();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const { port: taken } = holder.address() as AddressInfo;
  const before = nacks.length;
  edge.set(cluster("one"), endpoints("one", 0), listener(), listener("late", taken), route("one"));
  await expect.poll(() => nacks.length, patience).toBe(before + 1);
  expect(nacks.at(-1)?.message).toContain("Address already in use");
  await new Promise((resolve) => holder.close(resolve));
  await expect.poll(acked, patience).toBe(edge.revision);
  expect(await (await fetch(`http://127.0.0.1:${taken}/`)).text()).toBe("one");
  edge.set(cluster("one"), endpoints("one", 0), listener(), route("one"));
  await expect.poll(acked, patience).toBe(edge.revision);
});

it("keeps serving when its fleet is deleted, and gets nothing again when it comes back unchanged", async () => {
  const before = server.metrics().types.get("Cluster")!.resources;
  server.deleteGroup("edge");
  await expect.poll(() => server.nodes()).toEqual([]);
  expect(await ask()).toBe("one");
  edge.set(cluster("one"), endpoints("one", 0), listener(), route("one"));
  await expect.poll(acked, patience).toBe(edge.revision);
  expect(server.metrics().types.get("Cluster")!.resources).toBe(before);
  expect(await ask()).toBe("one");
  expect(log).not.toMatch(/\[critical\]/);
});
