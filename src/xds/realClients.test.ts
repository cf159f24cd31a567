/**
 * Real clients under load, while what they serve changes at random, their server is killed, and resources are bad: no request may fail.
 * `TRIMTAB_CHANGES` for more changes than the suite has time for, `TRIMTAB_SEED` to repeat a run.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { XdsResource } from "./index.ts";
import { badRoutes } from "./testingEnvoy.ts";
import { type Child, startChild } from "./testingProcess.ts";
import { createRandom, type Random } from "./testingRandom.ts";
import { CLIENT_KINDS, freePort, type RealClient } from "./testingRealClients.ts";
import type { ServerProcess } from "./testingServerProcess.ts";
import { within } from "./testingTimes.ts";
import { createTraffic, paths, type Traffic } from "./testingTraffic.ts";

const CHANGES = 120;
const SEED = Number(process.env.TRIMTAB_SEED ?? Date.now() % 2 ** 31);
/** Between two looks at whether everything is as it should be. */
const ROUND = 40;
/** What a change may take, at worst. */
const CHANGE_MS = 4_000;
/** Longest pause between two changes. */
const PAUSE_MS = 30;
const LOOPS = 4;
/** So much fewer changes where each takes seconds, unless their number is given. */
const PACED = 20;
/** How often the server is killed: each time it takes a second or more until it is there again. */
const KILLS = process.env.TRIMTAB_CHANGES === undefined ? 1 : 3;
/** So many failures are shown. */
const SHOWN = 10;
/** After it is there again, a server is found and obeyed within this time. Clients try about once a second, more seldom after a while. */
const RECOVERY_MS = 5_000;
const patience = { timeout: 15_000, interval: 20 };

/** Asks for all paths in turn until told to stop, or until the test ends. */
function load(client: RealClient, isAnswer: (text: string) => boolean) {
  const failures: string[] = [];
  const since = performance.now();
  let requests = 0;
  let stopped = false;
  async function run(): Promise<void> {
    while (!stopped) {
      const path = paths[requests % paths.length]!;
      requests += 1;
      const answer = await client.ask(path);
      if (!isAnswer(answer)) failures.push(`${Math.round(performance.now() - since)} ms ${path} ${answer}`);
      await sleep(1);
    }
  }
  const runs = Array.from({ length: LOOPS }, run);
  async function stop(): Promise<{ requests: number; failed: number; shown: string[] }> {
    stopped = true;
    await Promise.all(runs);
    return { requests, failed: failures.length, shown: failures.slice(0, SHOWN) };
  }
  onTestFinished(async () => void (await stop()));
  return { failures, since, stop };
}

describe.each(CLIENT_KINDS)(`$name (seed ${SEED})`, (kind) => {
  const backends = new Map<string, { port: number; close: () => void }>();
  const random: Random = createRandom(SEED);
  let traffic: Traffic;
  let port: number;
  let child: Child<ServerProcess>;
  let address: string;
  let client: RealClient;

  const view = (): XdsResource[] => kind.resources(traffic, port);
  const portNumber = (): number => Number(address.split(":")[1]);
  const isAnswer = (text: string): boolean => backends.has(text);

  async function start(at: number, views: XdsResource[][]): Promise<void> {
    child = startChild<ServerProcess>("testingServerProcess.ts");
    address = await child.ask("listen", { port: at, views });
  }

  beforeAll(async () => {
    for (const text of ["one", "two", "three", "four"]) backends.set(text, await kind.backend(text));
    traffic = createTraffic(
      [...backends.values()].map((backend) => backend.port),
      random,
    );
    port = await freePort();
    await start(0, [view()]);
    client = await kind.start(address, port);
  });
  afterAll(async () => {
    await client?.stop();
    await child?.stop();
    for (const { close } of backends.values()) close();
  });

  /** Everything is accepted, and each path is served by whom it should be. */
  async function expectServed(): Promise<void> {
    await expect.poll(() => child.ask("isSettled"), patience).toBe(true);
    for (const path of paths) {
      const wanted = traffic.portsOf(path);
      // The threads that serve hear of a change a moment after it was accepted.
      await expect
        .poll(async () => wanted.includes(backends.get(await client.ask(path))?.port ?? 0), patience)
        .toBe(true);
    }
  }

  it("starts with what there is", expectServed);

  const wanted = Number(process.env.TRIMTAB_CHANGES ?? (kind.isPaced ? CHANGES / PACED : CHANGES));
  it(`loses no request in ${wanted} changes`, { timeout: 60_000 + wanted * CHANGE_MS }, async () => {
    const running = load(client, isAnswer);
    const history: string[] = [];
    for (let turn = 1; turn <= wanted; turn++) {
      const { text, isDeep } = traffic.change();
      history.push(`${Math.round(performance.now() - running.since)} ms ${text}`);
      await child.ask("set", view());
      if (turn % ROUND === 0 || (isDeep && kind.isPaced)) await expectServed();
      else if (random(4) > 0) await sleep(random(PAUSE_MS));
      if (running.failures.length > 0) break;
    }
    await expectServed();
    const { requests, ...lost } = await running.stop();
    // A long run is made for its numbers.
    if (process.env.TRIMTAB_CHANGES !== undefined) {
      console.info(`${kind.name}: ${history.length} changes, ${requests} requests`);
    }
    expect(lost, history.slice(-SHOWN).join("\n")).toEqual({ failed: 0, shown: [] });
    expect(requests).toBeGreaterThan(history.length);
  });

  it("loses no request when its server is killed and comes back with other resources", async () => {
    const running = load(client, isAnswer);
    for (let turn = 0; turn < KILLS; turn++) {
      const views = [view()];
      await child.kill();
      for (let change = 0; change < 3; change++) {
        traffic.change();
        views.push(view());
      }
      await start(portNumber(), views);
      const since = performance.now();
      await expectServed();
      expect(performance.now() - since).toBeLessThan(within(RECOVERY_MS));
    }
    const { requests, ...lost } = await running.stop();
    expect(lost).toEqual({ failed: 0, shown: [] });
    expect(requests).toBeGreaterThan(0);
  });

  it("serves what it had while it refuses what is bad, and takes the next good one", async () => {
    const running = load(client, isAnswer);
    const badOnes = [
      () => kind.badCluster(traffic.routes.get("/")!),
      () => badRoutes(traffic.routes.get("/")!, traffic.routeName),
    ];
    for (const bad of badOnes) {
      const resource = bad();
      const { typeUrl } = resource;
      const rest = view().filter((entry) => entry.typeUrl !== typeUrl || entry.name !== resource.name);
      await child.ask("set", [...rest, resource]);
      const refused = async () =>
        (await child.ask("nodes")).flatMap(({ types }) =>
          types.flatMap((type) => (type.typeUrl === typeUrl ? (type.nacked?.resources ?? []) : [])),
        );
      await expect.poll(refused, patience).toEqual([resource.name]);
      expect(await child.ask("isSettled")).toBe(false);
      expect(isAnswer(await client.ask(paths[0]!))).toBe(true);
      traffic.change();
      await child.ask("set", view());
      await expectServed();
      expect(await refused()).toEqual([]);
    }
    const { requests, ...lost } = await running.stop();
    expect(lost).toEqual({ failed: 0, shown: [] });
    expect(requests).toBeGreaterThan(0);
  });
});
