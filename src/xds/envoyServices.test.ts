/** The real Envoy as a client of the further services: virtual hosts on demand, runtime with a time to live, filters by name. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescMessage, fromJson, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { anyPack, StructSchema } from "@bufbuild/protobuf/wkt";
import { afterEach, describe, expect, it } from "vitest";
import { TypedExtensionConfigSchema } from "../gen/proto/envoy/config/core/v3/extension_pb.js";
import { ListenerSchema } from "../gen/proto/envoy/config/listener/v3/listener_pb.js";
import { VirtualHostSchema } from "../gen/proto/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "../gen/proto/envoy/config/route/v3/route_pb.js";
import { RouterSchema } from "../gen/proto/envoy/extensions/filters/http/router/v3/router_pb.js";
import * as httpManager from "../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { freePort, runEnvoy } from "../targets/envoy/testing.ts";
import type { NackEvent, XdsResource } from "./index.ts";
import { EXTENSION, RUNTIME, VIRTUAL_HOST } from "./resourceTypes.ts";
import { fleet, LISTENER, ROUTE, startServer } from "./testing.ts";

const ADS = { configSourceSpecifier: { case: "ads", value: {} }, resourceApiVersion: 2 } as const;
const patience = { timeout: 10_000, interval: 50 };

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

let count = 0;
function made(typeUrl: string, name: string, bytes: Uint8Array): XdsResource {
  count += 1;
  return { typeUrl, name, bytes, version: `v${count}`, refs: [] };
}

function encode<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Uint8Array {
  return toBinary(schema, create(schema, init));
}

/** Answers of its own on a domain. */
function host(name: string, text: string, ...domains: string[]): XdsResource {
  const match = { pathSpecifier: { case: "prefix", value: "/" } } as const;
  const body = { specifier: { case: "inlineString", value: text } } as const;
  const action = { case: "directResponse", value: { status: 200, body } } as const;
  const bytes = encode(VirtualHostSchema, { name, domains, routes: [{ match, action }] });
  return { ...made(VIRTUAL_HOST, name, bytes), aliases: domains.map((domain) => `web/${domain}`) };
}

/** Of no hosts of its own; `onDemand`: they come one by one. */
function routes(marker: string, onDemand = true): XdsResource {
  const vhds = onDemand ? { vhds: { configSource: ADS } } : {};
  return made(ROUTE, "web", encode(RouteConfigurationSchema, { name: "web", ...vhds, internalOnlyHeaders: [marker] }));
}

/** A listener whose filters are one that asks for hosts on demand, and a router that comes by name. */
function listener(port: number): XdsResource {
  const onDemand = { typeUrl: "type.googleapis.com/envoy.extensions.filters.http.on_demand.v3.OnDemand" };
  const typeUrls = ["type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"];
  const manager = create(httpManager.HttpConnectionManagerSchema, {
    statPrefix: "web",
    routeSpecifier: { case: "rds", value: { routeConfigName: "web", configSource: ADS } },
    httpFilters: [
      { name: "on-demand", configType: { case: "typedConfig", value: onDemand } },
      { name: "router", configType: { case: "configDiscovery", value: { configSource: ADS, typeUrls } } },
    ],
  });
  const typedConfig = anyPack(httpManager.HttpConnectionManagerSchema, manager);
  const filter = { name: "http", configType: { case: "typedConfig", value: typedConfig } } as const;
  const portSpecifier = { case: "portValue", value: port } as const;
  const address = { address: { case: "socketAddress", value: { address: "127.0.0.1", portSpecifier } } } as const;
  return made(LISTENER, "web", encode(ListenerSchema, { name: "web", address, filterChains: [{ filters: [filter] }] }));
}

function router(): XdsResource {
  const typedConfig = anyPack(RouterSchema, create(RouterSchema));
  return made(EXTENSION, "router", encode(TypedExtensionConfigSchema, { name: "router", typedConfig }));
}

/** A layer of one key, which Envoy is to forget after the time. */
function runtime(value: string, ttlMs: number): XdsResource {
  const layer = toBinary(StructSchema, fromJson(StructSchema, { "test.key": value }));
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string("layer");
  return { ...made(RUNTIME, "layer", writer.tag(2, WireType.LengthDelimited).bytes(layer).finish()), ttlMs };
}

async function start(delta: boolean) {
  const nacks: NackEvent[] = [];
  const started = await startServer({ onNack: (event) => nacks.push(event) });
  undo.push(() => started.server.close());
  const [port, adminPort] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), "trimtab-xds-"));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "envoy.json");
  writeFileSync(file, JSON.stringify(bootstrap(Number(started.address.split(":")[1]), { delta, adminPort })));
  return { ...started, nacks, port, edge: fleet(started.server), file, adminPort };
}

async function run({ file, adminPort }: { file: string; adminPort: number }): Promise<void> {
  const { stop } = await runEnvoy(file, adminPort);
  undo.push(stop);
}

function bootstrap(xdsPort: number, { delta, adminPort }: { delta: boolean; adminPort: number }): object {
  const socket = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } });
  const ads = { ads: {}, resource_api_version: "V3" };
  const options = {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: {} },
  };
  const endpoint = { endpoint: { address: socket(xdsPort) } };
  const xds = {
    name: "xds",
    type: "STATIC",
    connect_timeout: "1s",
    typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options },
    load_assignment: { cluster_name: "xds", endpoints: [{ lb_endpoints: [endpoint] }] },
  };
  return {
    node: {
      id: "envoy-1",
      cluster: "edge",
      client_features: ["xds.config.supports-resource-ttl", "xds.config.resource-in-sotw"],
    },
    admin: { address: socket(adminPort) },
    dynamic_resources: {
      ads_config: {
        api_type: delta ? "DELTA_GRPC" : "GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }],
      },
      lds_config: ads,
    },
    layered_runtime: { layers: [{ name: "layer", rtds_layer: { name: "layer", rtds_config: ads } }] },
    static_resources: { clusters: [xds] },
  };
}

function ask(port: number, hostname: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, agent: false, headers: { host: hostname } }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("end", () => resolve(response.statusCode === 200 ? text : `${response.statusCode}`));
    });
    request.on("error", (error) => resolve(error.message));
  });
}

async function runtimeKey(adminPort: number): Promise<string | undefined> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/runtime`);
  const { entries } = (await answer.json()) as { entries: Record<string, { final_value: string }> };
  return entries["test.key"]?.final_value;
}

it("obligation 58: serves hosts when they are first asked for, keeps them over a change of routes, and takes them away", async () => {
  const plane = await start(true);
  const { edge, server, port, nacks } = plane;
  const common = [listener(port), router(), runtime("1", 60_000)];
  const [one, two] = [host("web/one", "one", "a.example", "b.example"), host("web/two", "two", "c.example")];
  edge.set(...common, routes("x"), one, two);
  await run(plane);
  await expect.poll(() => ask(port, "a.example"), patience).toBe("one");
  expect(await ask(port, "none.example")).toBe("404");
  expect(await ask(port, "c.example")).toBe("two");
  expect(await ask(port, "b.example")).toBe("one");
  edge.set(...common, routes("y"), one, two);
  await expect.poll(() => server.nodes()[0]?.ackedRevision, patience).toBe(edge.revision);
  expect([await ask(port, "a.example"), await ask(port, "c.example")]).toEqual(["one", "two"]);
  edge.set(...common, routes("y"), host("web/one", "new", "a.example", "b.example"));
  await expect.poll(() => ask(port, "a.example"), patience).toBe("new");
  await expect.poll(() => ask(port, "c.example"), patience).toBe("404");
  expect(nacks).toEqual([]);
});

describe.each([{ delta: false }, { delta: true }])("with delta: $delta", ({ delta }) => {
  it("obligation 55: keeps a runtime layer alive by heartbeats, and Envoy forgets it without", async () => {
    const plane = await start(delta);
    const { edge, server, adminPort, port, nacks } = plane;
    edge.set(listener(port), router(), routes("x", false), runtime("7", 1_500));
    await run(plane);
    await expect.poll(() => runtimeKey(adminPort), patience).toBe("7");
    const sent = server.metrics().types.get("Runtime")!.responses;
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await runtimeKey(adminPort)).toBe("7");
    expect(server.metrics().types.get("Runtime")!.responses).toBeGreaterThanOrEqual(sent + 4);
    expect(nacks).toEqual([]);
    const { types } = server.nodes()[0]!;
    expect(types.map((type) => type.typeUrl)).toEqual(expect.arrayContaining([LISTENER, ROUTE, EXTENSION, RUNTIME]));
    await server.close();
    await expect.poll(() => runtimeKey(adminPort), patience).toBeUndefined();
  });
});
