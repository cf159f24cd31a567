/** The real Envoy as client: delta ADS, every change under requests. */
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ListenerSchema } from "../gen/proto/envoy/config/listener/v3/listener_pb.js";
import { readRefusal } from "../targets/envoy/index.ts";
import { freePort, listen, type RunningEnvoy } from "../targets/envoy/testing.ts";
import type { NackEvent, XdsServer } from "./index.ts";
import { CLUSTER, ENDPOINT, fleet, LISTENER, ROUTE, startServer } from "./testing.ts";
import { ask, backend, cluster, encode, endpoints, listener, load, route, startEnvoy } from "./testingEnvoy.ts";

let server: XdsServer;
let edge: ReturnType<typeof fleet>;
let starting: Promise<RunningEnvoy>;
let envoy: RunningEnvoy;
let port: number;
const nacks: NackEvent[] = [];
const backends: Awaited<ReturnType<typeof backend>>[] = [];

beforeAll(async () => {
  const started = await startServer({ readRefusal, onNack: (event) => nacks.push(event) });
  server = started.server;
  edge = fleet(server);
  for (const text of ["one", "two"]) backends.push(await backend(text));
  port = await freePort();
  // It is ready when it has got its fleet, which is set later.
  starting = startEnvoy(Number(started.address.split(":")[1]), true);
});

afterAll(async () => {
  await (await starting).stop();
  await server.close();
  for (const { close } of backends) close();
});

const acked = (): number | null | undefined => server.nodes("edge")[0]?.ackedRevision;
const patience = { timeout: 15_000, interval: 20 };

it("waits for its fleet to exist, then loads everything", async () => {
  // Envoy is there before the fleet: it is refused and tries again.
  await expect.poll(() => server.metrics().refusedStreams, patience).toBeGreaterThan(0);
  edge.set(cluster("one"), endpoints("one", backends[0]!.port), listener("web", port), route("one"));
  envoy = await starting;
  await expect.poll(() => ask(port), patience).toBe("one");
  await expect.poll(acked, patience).toBe(1);
  const [node] = server.nodes();
  expect(node).toMatchObject({ nodeId: "envoy-1", group: "edge", userAgent: expect.stringMatching(/^envoy\/1\.\d+/) });
  expect(node!.types.map((type) => type.typeUrl)).toEqual([CLUSTER, ENDPOINT, LISTENER, ROUTE]);
  for (const type of node!.types) expect(type).toMatchObject({ sent: type.acked, nacked: null });
  expect(nacks).toEqual([]);
});

it("follows changed endpoints", async () => {
  edge.set(cluster("one"), endpoints("one", backends[1]!.port), listener("web", port), route("one"));
  await expect.poll(() => ask(port), patience).toBe("two");
  await expect.poll(acked).toBe(2);
});

it("gets the endpoints of a changed cluster at once, not after its warming time-out", async () => {
  edge.set(cluster("one", 2), endpoints("one", backends[1]!.port), listener("web", port), route("one"));
  const forced = server.metrics().types.get("ClusterLoadAssignment")!.responses + 1;
  await expect.poll(() => server.metrics().types.get("ClusterLoadAssignment")!.responses).toBe(forced);
  await expect.poll(acked).toBe(3);
  expect(await ask(port)).toBe("two");
});

it("loses no request while cluster and route change together", async () => {
  const stop = load(port);
  for (let turn = 0; turn < 25; turn++) {
    const name = `turn-${turn}`;
    edge.set(cluster(name), endpoints(name, backends[turn % 2]!.port), listener("web", port), route(name));
    await expect.poll(acked, { timeout: 5_000, interval: 2 }).toBe(edge.revision);
  }
  const answers = await stop();
  expect([...answers.keys()].sort()).toEqual(["one", "two"]);
  expect(answers.get("one")! + answers.get("two")!).toBeGreaterThan(50);
});

it("reports a refused listener once and keeps serving", async () => {
  const good = [cluster("one"), endpoints("one", backends[0]!.port), listener("web", port), route("one")];
  // No address: Envoy refuses it.
  edge.set(...good, encode(ListenerSchema, { name: "bad" }, { typeUrl: LISTENER, name: "bad" }));
  await expect.poll(() => nacks.length).toBe(1);
  expect(nacks[0]).toMatchObject({ nodeId: "envoy-1", typeUrl: LISTENER, resources: ["bad"] });
  await expect.poll(() => ask(port)).toBe("one");
  expect(acked()).toBeLessThan(edge.revision);
  edge.set(...good);
  await expect.poll(acked, patience).toBe(edge.revision);
  expect(nacks).toHaveLength(1);
});

it("takes a listener whose port was taken, once the port is free", async () => {
  const holder = createServer();
  const taken = await listen(holder);
  const before = nacks.length;
  edge.set(
    cluster("one"),
    endpoints("one", backends[0]!.port),
    listener("web", port),
    listener("late", taken),
    route("one"),
  );
  await expect.poll(() => nacks.length, patience).toBe(before + 1);
  expect(nacks.at(-1)?.message).toContain("Address already in use");
  await new Promise((resolve) => holder.close(resolve));
  await expect.poll(acked, patience).toBe(edge.revision);
  expect(await ask(taken)).toBe("one");
  edge.set(cluster("one"), endpoints("one", backends[0]!.port), listener("web", port), route("one"));
  await expect.poll(acked, patience).toBe(edge.revision);
});

it("keeps serving when its fleet is deleted, and gets nothing again when it comes back unchanged", async () => {
  const before = server.metrics().types.get("Cluster")!.resources;
  server.deleteGroup("edge");
  await expect.poll(() => server.nodes()).toEqual([]);
  expect(await ask(port)).toBe("one");
  edge.set(cluster("one"), endpoints("one", backends[0]!.port), listener("web", port), route("one"));
  await expect.poll(acked, patience).toBe(edge.revision);
  expect(server.metrics().types.get("Cluster")!.resources).toBe(before);
  expect(await ask(port)).toBe("one");
  expect(envoy.log()).not.toMatch(/\[critical\]/);
});
