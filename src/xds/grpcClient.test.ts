/** gRPC's own xDS client (@grpc/grpc-js-xds): aggregated, state of the world, written by others. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { NackEvent, XdsServer } from "./index.ts";
import { fleet, startServer } from "./testing.ts";
import { cluster, endpoints, route } from "./testingEnvoy.ts";
import { apiListener, connectGrpc, type GrpcXdsClient, grpcBackend } from "./testingGrpc.ts";

const PATH = "/test.Test/Who";

let server: XdsServer;
let edge: ReturnType<typeof fleet>;
let client: GrpcXdsClient;
const backends: Awaited<ReturnType<typeof grpcBackend>>[] = [];
const nacks: NackEvent[] = [];
const ask = (): Promise<string> => client.ask(PATH);

beforeAll(async () => {
  const started = await startServer({ onNack: (event) => nacks.push(event) });
  server = started.server;
  edge = fleet(server);
  for (const text of ["one", "two"]) backends.push(await grpcBackend(text, [PATH]));
  client = connectGrpc("svc", started.address);
});

afterAll(async () => {
  client.close();
  for (const { close } of backends) close();
  await server.close();
});

const patience = { timeout: 15_000, interval: 50 };

it("obligation 2: loads, follows endpoints and moves to a new cluster without a failed call", async () => {
  const one = cluster("one");
  const web = apiListener("svc", "web");
  const toOne = route("one");
  edge.set(one, endpoints("one", backends[0]!.port), web, toOne);
  await expect.poll(ask, patience).toBe("one");
  await expect.poll(() => server.nodes("edge")[0]?.ackedRevision).toBe(1);
  expect(server.nodes("edge")[0]!.userAgent).toMatch(/^gRPC Node/);
  edge.set(one, endpoints("one", backends[1]!.port), web, toOne);
  await expect.poll(ask, patience).toBe("two");
  edge.set(cluster("new"), endpoints("new", backends[0]!.port), web, route("new"));
  const answers = new Set<string>();
  for (let last = ""; last !== "one"; answers.add(last)) last = await ask();
  expect([...answers].sort()).toEqual(["one", "two"]);
  await expect.poll(() => server.nodes("edge")[0]?.ackedRevision, patience).toBe(3);
  expect(nacks).toEqual([]);
});
