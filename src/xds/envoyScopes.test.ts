/** The real Envoy with routes by scope: SRDS. */
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { ListenerSchema } from "../gen/proto/envoy/config/listener/v3/listener_pb.js";
import { ScopedRouteConfigurationSchema } from "../gen/proto/envoy/config/route/v3/scoped_route_pb.js";
import { RouterSchema } from "../gen/proto/envoy/extensions/filters/http/router/v3/router_pb.js";
import * as httpManager from "../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { freePort } from "../targets/envoy/testing.ts";
import type { XdsResource } from "./index.ts";
import { SCOPED_ROUTE } from "./resourceTypes.ts";
import { fleet, LISTENER, ROUTE, startServer } from "./testing.ts";
import * as envoyTesting from "./testingEnvoy.ts";
import { ADS, address, ask, cluster, encode, endpoints, route, startEnvoy } from "./testingEnvoy.ts";

const patience = { timeout: 10_000, interval: 20 };
const HEADER = "x-scope";

/** Requests whose header says so are served by these routes. */
function scope(name: string, routeConfigurationName: string): XdsResource {
  const key = { fragments: [{ type: { case: "stringKey", value: name } as const }] };
  const rest = { typeUrl: SCOPED_ROUTE, name, refs: [[ROUTE, routeConfigurationName] as const] };
  return encode(ScopedRouteConfigurationSchema, { name, routeConfigurationName, key }, rest);
}

function listener(port: number): XdsResource {
  const extractor = { name: HEADER, elementSeparator: ",", extractType: { case: "index", value: 0 } } as const;
  const manager = create(httpManager.HttpConnectionManagerSchema, {
    statPrefix: "web",
    routeSpecifier: {
      case: "scopedRoutes",
      value: {
        name: "scopes",
        scopeKeyBuilder: { fragments: [{ type: { case: "headerValueExtractor", value: extractor } }] },
        rdsConfigSource: ADS,
        configSpecifier: { case: "scopedRds", value: { scopedRdsConfigSource: ADS } },
      },
    },
    httpFilters: [
      { name: "router", configType: { case: "typedConfig", value: anyPack(RouterSchema, create(RouterSchema)) } },
    ],
  });
  const typedConfig = anyPack(httpManager.HttpConnectionManagerSchema, manager);
  const filter = { name: "http", configType: { case: "typedConfig", value: typedConfig } } as const;
  const init = { name: "web", address: address(port), filterChains: [{ filters: [filter] }] };
  return encode(ListenerSchema, init, { typeUrl: LISTENER, name: "web" });
}

describe.each([{ delta: true }, { delta: false }])("Envoy with scoped routes (delta: $delta)", ({ delta }) => {
  it("serves each scope by its routes, moves one to others without a failed request, and drops one", async () => {
    const [one, two] = [await envoyTesting.backend("one"), await envoyTesting.backend("two")];
    const { server, address: xds } = await startServer();
    const edge = fleet(server);
    const port = await freePort();
    const all = (name: string, to: typeof one): XdsResource[] => [
      cluster(name),
      endpoints(name, to.port),
      route(name, `to-${name}`),
    ];
    const settled = () => expect.poll(() => server.nodes("edge")[0]?.ackedRevision, patience).toBe(edge.revision);
    const askIn = (name: string) => ask(port, { headers: { [HEADER]: name } });
    edge.set(...all("one", one), ...all("two", two), listener(port), scope("a", "to-one"), scope("b", "to-two"));
    const envoy = await startEnvoy(Number(xds.split(":")[1]), delta);
    await expect.poll(() => askIn("a"), patience).toBe("one");
    await expect.poll(() => askIn("b"), patience).toBe("two");
    expect(await askIn("c")).toBe("404 ");
    await settled();
    const stop = envoyTesting.load(port, () => askIn("b"));
    // Its cluster and routes change together, and it changes to routes that Envoy has: others it asks for only when the scope has come.
    for (let turn = 0; turn < 10; turn++) {
      const name = `turn-${turn}`;
      const isOdd = turn % 2 === 1;
      const swapped = [cluster(name), endpoints(name, two.port), route(name, "to-two")];
      const scopes = [scope("a", "to-one"), scope("b", isOdd ? "to-one" : "to-two"), scope("c", "to-two")];
      edge.set(...all("one", one), ...swapped, listener(port), ...scopes);
      await expect.poll(() => askIn("b"), patience).toBe(isOdd ? "one" : "two");
      await settled();
    }
    expect([...(await stop()).keys()].sort()).toEqual(["one", "two"]);
    edge.set(...all("two", two), listener(port), scope("b", "to-two"));
    await expect.poll(() => askIn("a"), patience).toBe("404 ");
    await expect.poll(() => askIn("b"), patience).toBe("two");
    await settled();
    await envoy.stop();
    await server.close();
    for (const { close } of [one, two]) close();
  });
});
