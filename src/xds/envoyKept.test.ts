/** The real Envoy keeps what its old connections use, and comes back with it to a server that does not know the state it names. */
import { Agent } from "node:http";
import { expect, it, onTestFinished } from "vitest";
import { readRefusal } from "../targets/envoy/index.ts";
import { freePort } from "../targets/envoy/testing.ts";
import type { XdsResource } from "./index.ts";
import { fleet, startServer } from "./testing.ts";
import * as envoyTesting from "./testingEnvoy.ts";
import { ask, cluster, endpoints, listener, load, route, startEnvoy } from "./testingEnvoy.ts";
import { within } from "./testingTimes.ts";

const patience = { timeout: 15_000, interval: 20 };

it.each([{ delta: true }, { delta: false }])(
  "serves old connections from a cluster that changed and went while its server was away (delta: $delta)",
  async ({ delta }) => {
    const [one, two] = [await envoyTesting.backend("one"), await envoyTesting.backend("two")];
    const way = await envoyTesting.openWay();
    const port = await freePort();
    let { server, address } = await startServer({ readRefusal });
    let edge = fleet(server);
    const acked = (): number | null | undefined => server.nodes("edge")[0]?.ackedRevision;
    const settled = () => expect.poll(acked, patience).toBe(edge.revision);
    const old = (timeout: number): XdsResource[] => [
      cluster("old", timeout),
      endpoints("old", one.port),
      listener("web", port, { route: "before" }),
      route("old", "before"),
    ];
    edge.set(...old(1), cluster("extra"), endpoints("extra", one.port));
    way.join(address);
    const envoy = await startEnvoy(way.port, delta);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(async () => {
      agent.destroy();
      await envoy.stop();
      way.close();
      await server.close();
      for (const { close } of [one, two]) close();
    });
    const stat = async (name: string): Promise<number> =>
      Number((await envoy.admin(`/stats?filter=^cluster_manager.${name}$`)).split(": ")[1]);
    await expect.poll(() => ask(port, { agent }), patience).toBe("one");
    await settled();
    const stop = load(port, () => ask(port, { agent }));
    way.cut();
    await server.close();
    // It knows the routes of that time, and not the clusters.
    ({ server, address } = await startServer({ readRefusal }));
    edge = fleet(server);
    edge.set(...old(2));
    const now = listener("web", port, { route: "after", statPrefix: "after" });
    edge.set(cluster("new"), endpoints("new", two.port), now, route("new", "after"));
    way.join(address);
    const since = performance.now();
    await settled();
    await expect.poll(() => ask(port), patience).toBe("two");
    // Without the endpoints it would wait for 15 seconds, and then have none.
    expect(performance.now() - since).toBeLessThan(within(3_000));
    await expect.poll(() => stat("warming_clusters"), patience).toBe(0);
    const answers = await stop();
    expect([...answers.keys()].filter((answer) => answer !== "one" && answer !== "two")).toEqual([]);
    const { cluster_statuses: list } = JSON.parse(await envoy.admin("/clusters?format=json"));
    const hosts = list.map(({ name, host_statuses: has }: { name: string; host_statuses?: object[] }) => [
      name,
      has?.length,
    ]);
    expect(Object.fromEntries(hosts)).toMatchObject({ new: 1, old: 1 });
  },
);
