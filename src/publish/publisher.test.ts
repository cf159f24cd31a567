/** The publisher with the real targets and the real xDS server, except where a target must fail. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FleetIr } from "../ir/index.ts";
import { applyChanges, type Change, emptySnapshot, type Snapshot, validateConfig } from "../model/index.ts";
import { createPipeline, type Pipeline } from "../pipeline/index.ts";
import { loadTargets } from "../targets/registry.ts";
import type { Pace } from "../util/slices.ts";
import { finish } from "../util/steps.ts";
import type { XdsServer } from "../xds/index.ts";
import { CLUSTER, connect, startServer, subscriber, type TestClient, type TestStream } from "../xds/testing.ts";
import { type Admission, type Admitter, createPublisher, type FleetFiles, type PublisherWithInput } from "./index.ts";
import { ALL_FLEETS } from "./publisher.ts";

/** Files are rendered 100 ms after things went quiet; listeners hear nothing more after this. */
const SETTLED_MS = 250;
/** On a busy machine a rendering may take a while. */
const HEARD_MS = 10_000;
/** A clock that stands: a commit is done when it returns, however slow the machine is. */
const STILL: Pace = { now: () => 0, turn: () => new Promise((resume) => setImmediate(resume)) };

let xds: XdsServer;
let client: TestClient;
let publisher: PublisherWithInput;
let failures: string[];
/** What was told of outputs: `fleet revision effect`. */
let published: string[];
/** Fleets whose rendering throws. */
let broken: Set<string>;
let revision: number;
let admitter: Admitter;
/** The model that was committed last. */
let committed: Snapshot;

beforeEach(async () => {
  broken = new Set();
  failures = [];
  published = [];
  revision = 0;
  const { server, address } = await startServer();
  xds = server;
  client = connect(address);
  publisher = createPublisher({
    pipeline: breakable(),
    xds,
    pace: STILL,
    onPublished: ({ fleet, revision, effect }) => published.push(`${fleet} ${revision} ${effect}`),
    onFailure: (fleet, error) => failures.push(`${fleet}: ${(error as Error).message}`),
  });
  admitter = publisher.createAdmitter();
  committed = emptySnapshot;
});

afterEach(async () => {
  publisher.close();
  client.close();
  await xds.close();
});

const targets = await loadTargets();

function breakable(): Pipeline {
  const pipeline = createPipeline(targets);
  const render: Pipeline["render"] = (ir: FleetIr, kind) => {
    if (broken.has(ir.name)) throw new Error("cannot render");
    return pipeline.render(ir, kind);
  };
  return { ...pipeline, render };
}

interface Shape {
  /** Name -> proxy. */
  readonly fleets?: Readonly<Record<string, string>>;
  /** Name -> port of its endpoint. */
  readonly clusters?: Readonly<Record<string, number>>;
  /** Name -> its `xds.allow`. */
  readonly allow?: Readonly<Record<string, readonly string[]>>;
  readonly more?: object;
}

function snapshotOf({ fleets = {}, clusters = { blue: 1 }, allow = {}, more = {} }: Shape): Snapshot {
  const document = {
    fleets: Object.entries(fleets).map(([name, proxy]) => {
      return { name, proxy, ...(allow[name] === undefined ? {} : { xds: { allow: allow[name] } }) };
    }),
    listeners:
      Object.keys(fleets).length === 0
        ? []
        : [{ name: "web", fleets: Object.keys(fleets), port: 8080, protocol: "HTTP" }],
    clusters: Object.entries(clusters).map(([name, port]) => ({ name, endpoints: [{ address: "10.0.0.1", port }] })),
    routes:
      Object.keys(fleets).length === 0
        ? []
        : Object.keys(clusters).map((cluster) => ({
            name: cluster,
            listeners: ["web"],
            hostnames: [`${cluster}.example`],
            rules: [{ split: [{ cluster }] }],
          })),
    ...more,
  };
  const { resources, diagnostics } = validateConfig(document);
  expect(diagnostics).toEqual([]);
  return applyChanges(
    emptySnapshot,
    resources.map((resource) => ({ kind: resource.kind, name: resource.name, resource }) as Change),
  );
}

function commit(shape: Shape): Snapshot {
  revision += 1;
  const snapshot = snapshotOf(shape);
  publisher.commit({ revision, snapshot });
  committed = snapshot;
  return snapshot;
}

function admit(snapshot: Snapshot): Admission {
  return finish(admitter(snapshot, committed));
}

/** A stream of a node of a fleet that has everything of a type. */
async function follow(fleet: string): Promise<{ stream: TestStream; names: string[]; ack: () => void }> {
  const stream = client.stream({ delta: true, ads: true });
  const sub = subscriber(stream, CLUSTER, { id: "n1", cluster: fleet });
  sub.wantAll();
  const seen = await stream.next();
  sub.ack(seen);
  await stream.silence();
  return { stream, names: [...seen.names].sort(), ack: () => sub.ack(stream.received.at(-1) as typeof seen) };
}

describe("a commit in slices", () => {
  /** Every look at the clock finds the slice used up; `turns` counts the pauses. */
  function slicing(): { publisher: PublisherWithInput; turns: () => number } {
    let [clock, turns] = [0, 0];
    const turn = (): Promise<void> => {
      turns += 1;
      return new Promise((resume) => setImmediate(resume));
    };
    const pace = { now: () => (clock += 1000), turn };
    const onFailure = (fleet: string): unknown => failures.push(fleet);
    return { publisher: createPublisher({ pipeline: breakable(), xds, onFailure, pace }), turns: () => turns };
  }

  test("serves the revision before until all of the next one is made", async () => {
    const { publisher: sliced, turns } = slicing();
    const fleets = { edge: "envoy" };
    await sliced.commit({ revision: 1, snapshot: snapshotOf({ fleets }) });
    const done = sliced.commit({ revision: 2, snapshot: snapshotOf({ fleets, clusters: { green: 1 } }) });
    expect(done).toBeInstanceOf(Promise);
    expect(sliced.publishedRevision()).toBe(1);
    const ask = { fleet: "edge", method: "GET", path: "/", headers: [], host: "green.example" };
    expect(finish(sliced.explain(ask))?.outcome.kind).toBe("error");
    await done;
    expect(sliced.publishedRevision()).toBe(2);
    expect(finish(sliced.explain(ask))?.outcome.kind).toBe("forward");
    expect((await follow("edge")).names).toEqual(["green"]);
    expect(turns()).toBeGreaterThan(5);
    expect(failures).toEqual([]);
    sliced.close();
  });

  test("of what is committed meanwhile hands the newest on, for which nobody waits but for changes of fleets", async () => {
    const { publisher: sliced } = slicing();
    const fleets = { edge: "envoy" };
    const first = snapshotOf({ fleets });
    const moved = (port: number): Snapshot => ({
      ...snapshotOf({ fleets, clusters: { blue: port } }),
      fleet: first.fleet,
    });
    const done = sliced.commit({ revision: 1, snapshot: first });
    expect(sliced.commit({ revision: 2, snapshot: moved(2) })).toBeUndefined();
    expect(sliced.commit({ revision: 3, snapshot: moved(3) })).toBeUndefined();
    expect(sliced.status("edge")).toMatchObject({ state: "behind", revision: 3, publishedRevision: null });
    const allowed = sliced.commit({ revision: 4, snapshot: snapshotOf({ fleets: { ...fleets, web: "nginx" } }) });
    const files = sliced.files("web");
    const caughtUp = sliced.caughtUp().then(() => sliced.publishedRevision());
    await done;
    expect(sliced.publishedRevision()).toBe(1);
    await allowed;
    expect([sliced.publishedRevision(), await caughtUp]).toEqual([4, 4]);
    expect((await files)?.revision).toBe(4);
    expect(sliced.status("edge")).toMatchObject({ state: "current", publishedRevision: 4 });
    expect(failures).toEqual([]);
    sliced.close();
  });

  test("publishes nothing when it is closed on the way", async () => {
    const { publisher: sliced } = slicing();
    const done = sliced.commit({ revision: 1, snapshot: snapshotOf({ fleets: { edge: "envoy" } }) });
    sliced.close();
    await done;
    expect(sliced.publishedRevision()).toBe(0);
    expect(xds.nodes("edge")).toEqual([]);
    expect(sliced.outputs("edge")).toEqual([]);
  });

  test("of a fleet whose rendering fails keeps the last good output, and goes on", async () => {
    const { publisher: sliced } = slicing();
    broken.add("edge");
    await sliced.commit({ revision: 1, snapshot: snapshotOf({ fleets: { edge: "envoy", other: "envoy" } }) });
    expect(failures).toEqual(["edge"]);
    expect((await follow("other")).names).toEqual(["blue"]);
    expect(sliced.publishedRevision()).toBe(1);
    sliced.close();
  });
});

describe("Envoy fleets", () => {
  test("get a revision at once; equal output is not sent again, but counts as acknowledged", async () => {
    commit({ fleets: { edge: "envoy" } });
    const { stream, names } = await follow("edge");
    expect(names).toEqual(["blue"]);
    commit({ fleets: { edge: "envoy", other: "nginx" } });
    commit({ fleets: { edge: "envoy" } });
    await stream.silence();
    expect(publisher.publishedRevision()).toBe(3);
    expect(publisher.proxies("edge")).toEqual([expect.objectContaining({ nodeId: "n1", ackedRevision: 3 })]);
    commit({ fleets: { edge: "envoy" }, clusters: { blue: 1, green: 2 } });
    const seen = await stream.next();
    expect([seen.names, seen.removed]).toEqual([["green"], []]);
  });

  test("are remembered as they were before the start: a proxy of that time keeps what it uses", async () => {
    const fleets = { edge: "envoy" };
    const earlier = snapshotOf({ fleets: { ...fleets, gone: "envoy" } });
    await publisher.recall({ revision: 1, snapshot: earlier });
    expect([publisher.publishedRevision(), published]).toEqual([0, []]);
    const sotw = { delta: false, ads: true };
    const before = client.stream(sotw);
    subscriber(before, CLUSTER).wantAll();
    const { version } = await before.next();
    before.cancel();
    await publisher.commit({ revision: 2, snapshot: snapshotOf({ fleets, clusters: { green: 1 } }) });
    const after = client.stream(sotw);
    subscriber(after, CLUSTER).wantAll({ version });
    expect((await after.next()).resources).toHaveLength(2);
    // No route and no listener is asked for: nothing can name the old one.
    expect((await after.next()).resources).toHaveLength(1);
    expect(xds.nodes("gone")).toEqual([]);
    const lost = client.stream(sotw);
    lost.send({ node: { id: "n2", cluster: "gone" }, typeUrl: CLUSTER });
    expect((await lost.ended()).code).toBe(5);
  });

  test("a deleted fleet's streams end with NOT_FOUND and nothing is taken away", async () => {
    commit({ fleets: { edge: "envoy", spare: "envoy" } });
    const { stream } = await follow("edge");
    const other = await follow("spare");
    commit({ fleets: { spare: "envoy" } });
    expect((await stream.ended()).code).toBe(5);
    expect(stream.received.length).toBe(1);
    await other.stream.silence();
    expect(publisher.proxies("edge")).toBeNull();
    commit({ fleets: { spare: "envoy", edge: "envoy" } });
    expect((await follow("edge")).names).toEqual(["blue"]);
  });

  test("of a whole model deleted by mistake no proxy is emptied", async () => {
    commit({ fleets: { edge: "envoy" } });
    const { stream } = await follow("edge");
    commit({});
    expect((await stream.ended()).code).toBe(5);
    expect(stream.received.length).toBe(1);
  });

  test("whose proxy becomes nginx: the group goes, files appear; and back", async () => {
    commit({ fleets: { edge: "envoy" } });
    const { stream } = await follow("edge");
    expect(await publisher.files("edge")).toBeNull();
    commit({ fleets: { edge: "nginx" } });
    expect((await stream.ended()).code).toBe(5);
    expect((await publisher.files("edge"))?.files.map(({ path }) => path)).toContain("nginx.conf");
    commit({ fleets: { edge: "envoy" } });
    expect(await publisher.files("edge")).toBeNull();
    expect((await follow("edge")).names).toEqual(["blue"]);
  });

  test("whose output cannot be made keeps the last good one, others go on, and it recovers", async () => {
    commit({ fleets: { edge: "envoy", spare: "envoy" } });
    const edge = await follow("edge");
    const spare = await follow("spare");
    broken.add("edge");
    commit({ fleets: { edge: "envoy", spare: "envoy" }, clusters: { blue: 1, green: 2 } });
    expect(failures).toEqual(["edge: cannot render"]);
    expect((await spare.stream.next()).names).toEqual(["green"]);
    await edge.stream.silence();
    broken.clear();
    commit({ fleets: { edge: "envoy", spare: "envoy" }, clusters: { blue: 1, green: 2, red: 3 } });
    expect([...(await edge.stream.next()).names].sort()).toEqual(["green", "red"]);
    expect(failures.length).toBe(1);
  });

  test("says so, with the revision and the error, until it recovers; of files also while there are none", async () => {
    broken.add("legacy");
    commit({ fleets: { edge: "envoy", legacy: "nginx" } });
    expect(publisher.status("edge")).toMatchObject({ state: "current", publishedRevision: 1, error: null });
    expect(publisher.status("legacy")).toMatchObject({ state: "behind", publishedRevision: null, error: null });
    await expect(publisher.files("legacy")).rejects.toThrow("its status says why");
    const error = { code: "FLEET-NOT-RENDERED", message: "cannot render", revision: 1 };
    expect(publisher.status("legacy")).toMatchObject({ state: "failed", publishedRevision: null, error });
    publisher.listenerStatus.report("edge", "edge-1", [{ listener: "web", state: "waiting", reason: "port taken" }]);
    broken = new Set(["edge"]);
    commit({ fleets: { edge: "envoy", legacy: "nginx" }, clusters: { blue: 1, green: 2 } });
    expect(publisher.status("edge")).toMatchObject({
      state: "failed",
      revision: 2,
      publishedRevision: 1,
      error: { revision: 2 },
      listeners: [{ listener: "web", state: "waiting" }],
    });
    expect((await publisher.files("legacy"))?.revision).toBe(2);
    expect(publisher.statuses().map(({ fleet, state }) => `${fleet} ${state}`)).toEqual([
      "edge failed",
      "legacy current",
    ]);
    broken.clear();
    commit({ fleets: { edge: "envoy" }, clusters: { blue: 1, green: 3 } });
    expect(publisher.status("edge")).toMatchObject({ state: "current", error: null });
    expect(publisher.status("legacy")).toBeNull();
  });

  test("a model that cannot be compiled changes nothing; the next good one is published", async () => {
    commit({ fleets: { edge: "envoy" } });
    const { stream } = await follow("edge");
    const holed = snapshotOf({ fleets: { edge: "envoy", late: "envoy" } });
    publisher.commit({ revision: 9, snapshot: { ...holed, cluster: new Map() } });
    expect(failures).toEqual([expect.stringMatching(`^\\${ALL_FLEETS}: cluster blue is referred to but missing`)]);
    expect(publisher.publishedRevision()).toBe(1);
    // Its fleets are there all the same, with whoever is connected; their status says what is wrong.
    expect([publisher.proxies("edge")?.length, publisher.proxies("late"), publisher.proxies("none")]).toEqual([
      1,
      [],
      null,
    ]);
    expect(publisher.status("late")).toMatchObject({ publishedRevision: null });
    await stream.silence();
    commit({ fleets: { edge: "envoy" }, clusters: { blue: 1, green: 2 } });
    expect((await stream.next()).names).toEqual(["green"]);
  });
});

describe("who may pull a fleet", () => {
  const EDGE = "spiffe://td/edge";
  const allowed = (...allow: string[]): Shape => ({ fleets: { edge: "envoy" }, allow: { edge: allow } });
  let told: string[];

  beforeEach(() => {
    told = [];
    const { setAccess, setView, deleteGroup } = xds;
    xds.setAccess = (group, rules) => {
      told.push(`${group} ${JSON.stringify(rules)}`);
      setAccess(group, rules);
    };
    xds.setView = (...view) => {
      told.push(`${view[0]} view`);
      setView(...view);
    };
    xds.deleteGroup = (group) => {
      told.push(`${group} gone`);
      deleteGroup(group);
    };
  });

  test("is told right before the view of the same revision, and of a fleet without rules that nobody may", () => {
    commit(allowed(EDGE));
    commit(allowed("*.example.org", EDGE));
    commit({ fleets: { edge: "envoy" } });
    commit({});
    expect(told).toEqual([
      ...[`edge ["${EDGE}"]`, "edge view"],
      ...[`edge ["*.example.org","${EDGE}"]`, "edge view"],
      ...["edge null", "edge view", "edge gone"],
    ]);
  });

  test("is told also when the output, or the whole model, cannot be made", () => {
    commit(allowed(EDGE));
    told.length = 0;
    broken.add("edge");
    commit(allowed("other.example.org"));
    publisher.commit({ revision: 9, snapshot: { ...snapshotOf(allowed("third.example.org")), cluster: new Map() } });
    expect(told).toEqual(['edge ["other.example.org"]', 'edge ["third.example.org"]']);
    expect(failures).toHaveLength(2);
  });
});

describe("what proxies do to take an output", () => {
  const effects = (): string[] => published.splice(0).sort();

  test("is told of each output that is made, with the revision", async () => {
    commit({ fleets: { edge: "envoy", web: "nginx" } });
    await publisher.files("web");
    expect(effects()).toEqual([expect.stringMatching(/^edge 1 /), expect.stringMatching(/^web 1 /)]);
    commit({ fleets: { edge: "envoy", web: "nginx" }, clusters: { blue: 1, green: 2 } });
    await publisher.files("web");
    expect(effects()).toEqual(["edge 2 runtime", "web 2 reload"]);
    commit({ fleets: { edge: "envoy", web: "nginx", hap: "haproxy" }, clusters: { blue: 1, green: 2 } });
    expect(effects()).toEqual(["edge 3 none"]);
  });

  test("counts from the last output that was made", async () => {
    commit({ fleets: { edge: "envoy" } });
    broken.add("edge");
    commit({ fleets: { edge: "envoy" }, clusters: { green: 1 } });
    broken.clear();
    commit({ fleets: { edge: "envoy" } });
    expect(published.slice(1)).toEqual(["edge 3 none"]);
  });

  test("of a fleet that was gone is that of a new one", async () => {
    commit({ fleets: { edge: "envoy" } });
    commit({});
    commit({ fleets: { edge: "envoy" } });
    const [first = "", again] = published;
    expect(again).toBe(first.replace("1", "3"));
  });

  test("which kind of output a fleet gets, of the published revision", () => {
    commit({ fleets: { edge: "envoy", web: "nginx" } });
    expect(["edge", "web", "nobody"].map(publisher.outputs)).toEqual([["resources"], ["files"], []]);
  });
});

describe("file fleets", () => {
  const heard: [string, string | null][] = [];
  const hear = (fleet: string, files: FleetFiles | null): void => {
    heard.push([fleet, files === null ? null : `${files.proxy} ${files.revision}`]);
  };
  beforeEach(() => {
    heard.length = 0;
  });

  test("files() is of the newest revision, at once, without a listener", async () => {
    commit({ fleets: { web: "nginx", hap: "haproxy" } });
    const first = await publisher.files("web");
    expect(first).toMatchObject({ fleet: "web", proxy: "nginx", revision: 1 });
    expect(first?.generation).toMatch(/^[0-9a-f]{16}$/);
    commit({ fleets: { web: "nginx", hap: "haproxy" }, clusters: { blue: 1, green: 2 } });
    const second = await publisher.files("web");
    expect(second?.revision).toBe(2);
    expect(second?.generation).not.toBe(first?.generation);
    expect(second?.files.find(({ path }) => path === "nginx.conf")?.text).toContain("green");
    commit({ fleets: { web: "nginx", hap: "haproxy", edge: "envoy" }, clusters: { blue: 1, green: 2 } });
    expect(await publisher.files("web")).toMatchObject({ revision: 3, generation: second?.generation });
    expect(await publisher.files("nobody")).toBeNull();
  });

  /** Waits until so much was heard, and then for what must not come. */
  async function settled(count: number): Promise<void> {
    for (const end = Date.now() + HEARD_MS; heard.length < count && Date.now() < end; ) await sleep(10);
    await sleep(SETTLED_MS);
  }

  test("listeners hear each generation once, a burst as one, and null when the fleet goes", async () => {
    const stop = publisher.onFiles(hear);
    for (const port of [1, 2, 3, 4]) commit({ fleets: { web: "nginx", edge: "envoy" }, clusters: { blue: port } });
    await settled(1);
    expect(heard).toEqual([["web", "nginx 4"]]);
    await publisher.files("web");
    commit({ fleets: { web: "nginx" }, clusters: { blue: 4 } });
    await sleep(SETTLED_MS);
    expect(heard.length).toBe(1);
    commit({ fleets: { web: "haproxy" }, clusters: { blue: 4 } });
    await settled(2);
    expect(heard.slice(1)).toEqual([["web", "haproxy 6"]]);
    commit({ fleets: { web: "envoy" }, clusters: { blue: 4 } });
    expect(heard.slice(2)).toEqual([["web", null]]);
    stop();
    commit({ fleets: { web: "nginx" }, clusters: { blue: 5 } });
    await sleep(SETTLED_MS);
    expect(heard.length).toBe(3);
  });

  test("a rendering that throws leaves the last good files and is told; other fleets are rendered", async () => {
    commit({ fleets: { web: "nginx", hap: "haproxy" } });
    const good = await publisher.files("web");
    broken.add("web");
    commit({ fleets: { web: "nginx", hap: "haproxy" }, clusters: { blue: 2 } });
    expect((await publisher.files("web"))?.generation).toBe(good?.generation);
    expect(failures).toEqual(["web: cannot render"]);
    expect((await publisher.files("hap"))?.revision).toBe(2);
    // The same model would fail the same way: it is not tried, nor told, again. The next one is.
    expect((await publisher.files("web"))?.revision).toBe(good?.revision);
    expect(failures).toHaveLength(1);
    broken.clear();
    commit({ fleets: { web: "nginx", hap: "haproxy" }, clusters: { blue: 3 } });
    expect((await publisher.files("web"))?.generation).not.toBe(good?.generation);
    expect((await publisher.files("web"))?.revision).toBe(3);
    broken.add("new");
    commit({ fleets: { new: "nginx" } });
    await expect(publisher.files("new")).rejects.toThrow("the files of fleet new cannot be made");
  });

  test("nothing is published after close", async () => {
    publisher.onFiles(hear);
    commit({ fleets: { web: "nginx" } });
    publisher.close();
    await sleep(SETTLED_MS);
    expect(heard).toEqual([]);
  });
});

describe("admission", () => {
  const more = {
    healthChecks: [{ name: "up", type: "tcp" }],
    clusters: [{ name: "blue", endpoints: [], healthCheck: "up" }],
  };

  test("tells each refusal with resource, pointer, fleet and proxy, and publishes nothing", () => {
    const { diagnostics } = admit(snapshotOf({ fleets: { web: "nginx", edge: "envoy" }, more }));
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([
      {
        code: "HC-ACTIVE-NGINX",
        severity: "error",
        message: expect.stringMatching(/^fleet "web": cannot be done: nginx has no active health checks/),
        resource: { kind: "cluster", name: "blue" },
        pointer: "/healthCheck",
        fleet: "web",
        proxy: "nginx",
      },
    ]);
    expect(publisher.publishedRevision()).toBe(0);
    expect(publisher.proxies("edge")).toBeNull();
  });

  test("does not depend on what was admitted before", () => {
    const good = { fleets: { web: "nginx", edge: "envoy" } };
    const bad = snapshotOf({ ...good, more });
    const first = admit(bad).diagnostics;
    expect(admit(snapshotOf(good)).diagnostics).toEqual([]);
    expect(admit(bad).diagnostics).toEqual(first);
    commit(good);
    expect(admit(bad).diagnostics).toEqual(first);
    expect(publisher.publishedRevision()).toBe(1);
  });

  test("explain is about what is published, not about what was admitted", async () => {
    commit({ fleets: { edge: "envoy" } });
    admit(snapshotOf({ fleets: { edge: "envoy" }, clusters: { green: 1 } }));
    const ask = { fleet: "edge", method: "GET", path: "/", headers: [] };
    expect(finish(publisher.explain({ ...ask, host: "blue.example" }))?.outcome.kind).toBe("forward");
    expect(finish(publisher.explain({ ...ask, host: "green.example" }))?.outcome.kind).toBe("error");
    expect(finish(publisher.explain({ ...ask, fleet: "nobody", host: "x" }))).toBeNull();
  });
});
