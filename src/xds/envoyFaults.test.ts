/** The real Envoy when something goes wrong: its server away, a resource refused, a port taken. Delta and state of the world. */
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readRefusal } from "../targets/envoy/index.ts";
import { freePort, listen, type RunningEnvoy } from "../targets/envoy/testing.ts";
import type { NackEvent, XdsResource, XdsServer } from "./index.ts";
import { fleet, LISTENER, startServer } from "./testing.ts";
import * as envoyTesting from "./testingEnvoy.ts";
import { ask, cluster, endpoints, listener, load, route, startEnvoy, tcpListener } from "./testingEnvoy.ts";
import { within } from "./testingTimes.ts";

const patience = { timeout: 15_000, interval: 20 };

describe.each([{ delta: true }, { delta: false }])("Envoy (delta: $delta)", ({ delta }) => {
  let one: Awaited<ReturnType<typeof envoyTesting.backend>>;
  let two: typeof one;
  let way: envoyTesting.Way;
  let server: XdsServer;
  let address: string;
  let edge: ReturnType<typeof fleet>;
  let envoy: RunningEnvoy;
  let port: number;
  let nacks: NackEvent[];

  const options = { readRefusal, onNack: (event: NackEvent) => void nacks.push(event) };
  const acked = (): number | null | undefined => server.nodes("edge")[0]?.ackedRevision;
  const settled = () => expect.poll(acked, patience).toBe(edge.revision);
  const stat = async (name: string): Promise<number> =>
    Number((await envoy.admin(`/stats?filter=^${name.replaceAll(".", "\\.")}$`)).split(": ")[1]);
  const clusterNames = async (): Promise<Set<string>> => {
    const { cluster_statuses: list } = JSON.parse(await envoy.admin("/clusters?format=json"));
    return new Set(list.map(({ name }: { name: string }) => name));
  };

  beforeAll(async () => {
    one = await envoyTesting.backend("one");
    two = await envoyTesting.backend("two");
  });
  afterAll(() => {
    one.close();
    two.close();
  });

  const web = (): XdsResource => listener("web", port);
  const all = (name: string, to = one): XdsResource[] => [cluster(name), endpoints(name, to.port)];

  beforeEach(async () => {
    nacks = [];
    way = await envoyTesting.openWay();
    ({ server, address } = await startServer(options));
    edge = fleet(server);
    port = await freePort();
    edge.set(...all("one"), web(), route("one"));
    way.join(address);
    envoy = await startEnvoy(way.port, delta);
    await expect.poll(() => ask(port), patience).toBe("one");
    await settled();
  });
  afterEach(async () => {
    await envoy.stop();
    way.close();
    await server.close();
  });

  /** Another server, which knows the views given, the last of them the newest. */
  async function restart(...views: XdsResource[][]): Promise<void> {
    await server.close();
    ({ server, address } = await startServer(options));
    edge = fleet(server);
    for (const view of views) edge.set(...view);
    way.join(address);
  }

  it("warms clusters at once that changed while its server was away", async () => {
    const names = Array.from({ length: 50 }, (_, index) => `c${index}`);
    const view = (timeout: number): XdsResource[] => [
      ...["one", ...names].flatMap((name) => [cluster(name, timeout), endpoints(name, one.port)]),
      web(),
      route("one"),
    ];
    edge.set(...view(1));
    await settled();
    const updates = await stat("cluster_manager.cluster_modified");
    way.cut();
    await restart(view(2));
    await expect.poll(() => stat("cluster_manager.cluster_modified"), patience).toBe(updates + names.length + 1);
    const since = performance.now();
    await expect.poll(() => stat("cluster_manager.warming_clusters"), patience).toBe(0);
    expect(performance.now() - since).toBeLessThan(within(1_000));
    await settled();
    expect(await ask(port)).toBe("one");
  });

  it.each([
    { restarted: false, how: "was out of reach" },
    { restarted: true, how: "was restarted" },
  ])("loses no request in 12 swaps made while its server $how", async ({ restarted }) => {
    const stop = load(port);
    let view = [...all("one"), web(), route("one")];
    for (let turn = 0; turn < 12; turn++) {
      way.cut();
      await expect.poll(() => server.nodes(), patience).toEqual([]);
      const before = view;
      const name = `swap-${turn}`;
      view = [...all(name, turn % 2 === 0 ? two : one), web(), route(name)];
      if (restarted) await restart(before, view);
      else {
        edge.set(...view);
        way.join(address);
      }
      await settled();
      expect(await ask(port)).toBe(turn % 2 === 0 ? "two" : "one");
    }
    const answers = await stop();
    expect([...answers.keys()].sort()).toEqual(["one", "two"]);
    expect(await clusterNames()).toEqual(new Set(["xds_cluster", "swap-11"]));
  });

  it("takes away within two seconds what a refused listener does not name", async () => {
    edge.set(...all("one"), ...all("two"), ...all("three"), web(), route("one"));
    await settled();
    // No such address on this machine, and no wish to have it later.
    const bad = listener("bad", port, { host: "not an address" });
    edge.set(...all("one"), ...all("two"), ...all("three"), web(), bad, route("one"));
    await expect.poll(() => nacks.length, patience).toBe(1);
    const since = performance.now();
    edge.set(...all("one"), web(), bad, route("one"));
    await expect.poll(clusterNames, patience).toEqual(new Set(["xds_cluster", "one"]));
    expect(performance.now() - since).toBeLessThan(within(2_000));
    edge.set(...all("one"), ...all("four"), web(), bad, route("four"));
    edge.set(...all("four"), web(), bad, route("four"));
    await expect.poll(clusterNames, patience).toEqual(new Set(["xds_cluster", "four"]));
    expect(await ask(port)).toBe("one");
    expect(nacks).toHaveLength(1);
  });

  it("moves a listener to another port without a time at which neither is served", async () => {
    const next = await freePort();
    const both = [...all("one"), ...all("two", two)];
    let gaps = 0;
    let stop = false;
    const watch = (async () => {
      while (!stop) {
        const old = await ask(port);
        const moved = await ask(next);
        if (old !== "one" && moved !== "two") gaps += 1;
      }
    })();
    edge.set(...both, listener("web-next", next, { route: "next" }), route("two", "next"));
    await settled();
    await expect.poll(() => ask(port), patience).toBe("ECONNREFUSED");
    expect(await ask(next)).toBe("two");
    stop = true;
    await watch;
    expect(gaps).toBe(0);
  });

  it("keeps the old port while the new one is taken, and moves when it is free", async () => {
    const holder = createServer();
    const taken = await listen(holder);
    const stop = load(port);
    edge.set(...all("two", two), listener("web-moved", taken, { route: "moved" }), route("two", "moved"));
    await expect.poll(() => nacks.length, patience).toBe(1);
    expect(nacks[0]).toMatchObject({ resources: ["web-moved"], message: expect.stringContaining("already in use") });
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect([...(await stop()).keys()]).toEqual(["one"]);
    const status = server.nodes()[0]!.types.find(({ typeUrl }) => typeUrl === LISTENER)!;
    expect(status.nacked).toMatchObject({ resources: ["web-moved"] });
    expect(acked()).toBeLessThan(edge.revision);
    await new Promise((resolve) => holder.close(resolve));
    await settled();
    expect(await ask(taken)).toBe("two");
    await expect.poll(() => ask(port), patience).toBe("ECONNREFUSED");
    expect(await clusterNames()).toEqual(new Set(["xds_cluster", "two"]));
  });

  it("turns a listener of HTTP into one of TCP on the same port", async () => {
    edge.set(...all("two", two), tcpListener("tcp", port, "two"));
    await expect.poll(() => ask(port), patience).toBe("two");
    await settled();
    edge.set(...all("one"), web(), route("one"));
    await expect.poll(() => ask(port), patience).toBe("one");
    await settled();
  });

  it("takes a listener of all addresses for one of loopback on the same port", async () => {
    edge.set(...all("one"), listener("wide", port, { host: "0.0.0.0" }), route("one"));
    await settled();
    expect(await ask(port)).toBe("one");
  });

  it.each([
    { bad: -1, says: "a refusal that names none" },
    { bad: 0, says: "a refusal that names it" },
  ])("serves 199 of 200 new clusters within three seconds when one of them is bad: $says", async ({ bad }) => {
    const names = Array.from({ length: 200 }, (_, index) => `c${index}`);
    const view = (time: number): XdsResource[] => [
      ...all("one"),
      ...names.map((name) => cluster(name, name === "c137" ? time : 1)),
      ...names.map((name) => endpoints(name, two.port)),
      web(),
    ];
    const since = performance.now();
    edge.set(...view(bad), route("c42"));
    await expect.poll(() => ask(port), patience).toBe("two");
    const left = new Set(["xds_cluster", "one", ...names.filter((name) => name !== "c137")]);
    await expect.poll(clusterNames, patience).toEqual(left);
    await expect.poll(() => stat("cluster_manager.warming_clusters"), patience).toBe(0);
    expect(performance.now() - since).toBeLessThan(within(3_000));
    const refused = () => server.nodes()[0]!.types[0]!.nacked?.resources;
    await expect.poll(refused, patience).toEqual(["c137"]);
    // What was accepted before stays when a change of it is bad.
    edge.set(...view(3), route("c137"));
    await settled();
    expect(await ask(port)).toBe("two");
    edge.set(...view(bad), route("c137"));
    await expect.poll(refused, patience).toEqual(["c137"]);
    expect(await ask(port)).toBe("two");
  });
});

describe.each([{ delta: true }, { delta: false }])("Envoy with a stream for each type (delta: $delta)", ({ delta }) => {
  it("loses no request while cluster and route change together", async () => {
    const backends = [await envoyTesting.backend("one"), await envoyTesting.backend("two")];
    const { server, address } = await startServer();
    const edge = fleet(server);
    const port = await freePort();
    const source = envoyTesting.ownStreams(delta);
    const view = (name: string, at: number): XdsResource[] => [
      cluster(name, 1, source),
      endpoints(name, backends[at]!.port),
      listener("web", port, { source }),
      route(name),
    ];
    edge.set(...view("first", 0));
    const envoy = await startEnvoy(Number(address.split(":")[1]), delta, false);
    await expect.poll(() => ask(port), patience).toBe("one");
    const stop = load(port);
    for (let turn = 1; turn <= 5; turn++) {
      edge.set(...view(`turn-${turn}`, turn % 2));
      await expect.poll(() => ask(port), patience).toBe(turn % 2 === 1 ? "two" : "one");
      const done = () => server.nodes().every(({ ackedRevision }) => ackedRevision === edge.revision);
      await expect.poll(done, patience).toBe(true);
    }
    expect([...(await stop()).keys()].sort()).toEqual(["one", "two"]);
    await envoy.stop();
    await server.close();
    for (const { close } of backends) close();
  });
});
