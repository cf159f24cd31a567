/** For tests: real xDS clients, each with the way that it is started, asked, and told what to serve. */
import { Agent } from "node:http";
import { freePort } from "../targets/envoy/testing.ts";
import type { XdsResource } from "./index.ts";
import * as envoyTesting from "./testingEnvoy.ts";
import { cluster, listener, routes, type Source, startEnvoy, weightedEndpoints } from "./testingEnvoy.ts";
import { apiListener, connectGrpc, grpcBackend } from "./testingGrpc.ts";
import { paths, type Traffic } from "./testingTraffic.ts";

/** Connections that requests share: each is used over and over, so one that is drained has to end in time. */
const CONNECTIONS = 4;

/** A started client. */
export interface RealClient {
  /** The text of the answer, else what went wrong. */
  ask(path: string): Promise<string>;
  stop(): Promise<void>;
}

/** A kind of client. */
export interface ClientKind {
  readonly name: string;
  backend(text: string): Promise<{ port: number; close: () => void }>;
  /**
   * With a stream for each type the server cannot see what the node has of other types, and goes by the clock: a route comes a second
   * after its cluster. So clusters and routes change one after the other.
   */
  readonly isPaced: boolean;
  /** A cluster that it refuses. */
  badCluster(name: string): XdsResource;
  /** Resources for what is to be served; `port`: of the listener. */
  resources(traffic: Traffic, port: number): XdsResource[];
  start(xdsAddress: string, port: number): Promise<RealClient>;
}

/** Longest prefixes first. */
function routesOf({ routes: list, routeName }: Traffic): XdsResource {
  return routes(
    [...list].sort(([a], [b]) => b.length - a.length),
    routeName,
  );
}

function clustersOf({ clusters }: Traffic, source?: Source): XdsResource[] {
  return [...clusters].flatMap(([name, plan]) => [
    cluster(name, plan.timeoutSeconds, source),
    weightedEndpoints(name, plan.endpoints),
  ]);
}

function envoy(delta: boolean, ads: boolean): ClientKind {
  const more = ads ? {} : { source: envoyTesting.ownStreams(delta) };
  return {
    name: `Envoy, ${ads ? "one stream" : "a stream for each type"}, ${delta ? "delta" : "state of the world"}`,
    isPaced: !ads,
    backend: envoyTesting.backend,
    badCluster: (name) => cluster(name, -1, more.source),
    resources: (traffic, port) => [
      ...clustersOf(traffic, more.source),
      listener("web", port, { route: traffic.routeName, statPrefix: traffic.filter, ...more }),
      routesOf(traffic),
    ],
    async start(xdsAddress, port) {
      const { stop } = await startEnvoy(Number(xdsAddress.split(":")[1]), delta, { ads });
      const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
      return {
        ask: (path) => envoyTesting.ask(port, { path, agent }),
        async stop() {
          agent.destroy();
          await stop();
        },
      };
    },
  };
}

const grpc: ClientKind = {
  name: "gRPC (@grpc/grpc-js-xds)",
  isPaced: false,
  backend: (text) => grpcBackend(text, paths),
  // It knows no source but the stream that it has.
  badCluster: (name) => cluster(name, 1, envoyTesting.ownStreams(false)),
  resources: (traffic) => [
    ...clustersOf(traffic),
    apiListener("svc", traffic.routeName, traffic.filter),
    routesOf(traffic),
  ],
  async start(xdsAddress) {
    const client = connectGrpc("svc", xdsAddress);
    // It does nothing before its first call.
    await client.ask(paths[0]!);
    return { ask: client.ask, stop: async () => client.close() };
  },
};

/** All kinds that are tested. */
export const CLIENT_KINDS: readonly ClientKind[] = [
  envoy(true, true),
  envoy(false, true),
  envoy(true, false),
  envoy(false, false),
  grpc,
];

export { freePort };
