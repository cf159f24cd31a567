/** Nodes that come back: what they are sent although they may have it, and what they lose only when nothing names it any more. */
import { describe, expect, it } from "vitest";
import { CLUSTER, ENDPOINT, fleet, LISTENER, NODE, naming, ROUTE, resource } from "./testing.ts";
import { cpuOf } from "./testingTimes.ts";
import { type ManualServer, type ManualStream, type Message, manualServer } from "./testingTransport.ts";
import type { XdsResource } from "./types.ts";

const SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

/** Takes what is written now. */
function takeAll(stream: ManualStream): Message[] {
  const all: Message[] = [];
  for (let message = stream.take(); message !== null; message = stream.take()) all.push(message);
  return all;
}

describe("endpoints after a delta reconnect", () => {
  const versions = { a: "1", b: "1" };

  async function reconnected(...clusters: XdsResource[]): Promise<ManualServer & { stream: ManualStream }> {
    const manual = await manualServer();
    fleet(manual.server).set(...clusters, resource(ENDPOINT, "a"), resource(ENDPOINT, "b"), resource(SECRET, "s"));
    const stream = manual.open(true);
    stream.send({ node: NODE, typeUrl: CLUSTER, initialResourceVersions: versions });
    return { ...manual, stream };
  }

  it("follow every cluster that changed meanwhile, whatever version the node names", async () => {
    const { stream } = await reconnected(resource(CLUSTER, "a", "2"), resource(CLUSTER, "b"));
    expect(takeAll(stream)).toMatchObject([{ typeUrl: CLUSTER, names: ["a"] }]);
    stream.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["a", "b"], initialResourceVersions: versions });
    expect(takeAll(stream)).toMatchObject([{ typeUrl: ENDPOINT, names: ["a"] }]);
  });

  it("follow all clusters when all changed, and none when none did", async () => {
    const upgraded = await reconnected(resource(CLUSTER, "a", "2"), resource(CLUSTER, "b", "2"));
    expect(takeAll(upgraded.stream)).toMatchObject([{ names: ["a", "b"] }]);
    const request = { typeUrl: ENDPOINT, resourceNamesSubscribe: ["a", "b"], initialResourceVersions: versions };
    upgraded.stream.send(request);
    expect(takeAll(upgraded.stream)).toMatchObject([{ typeUrl: ENDPOINT, names: ["a", "b"] }]);
    const same = await reconnected(resource(CLUSTER, "a"), resource(CLUSTER, "b"));
    same.stream.send(request);
    expect(takeAll(same.stream)).toEqual([]);
  });

  it("follow clusters that change between the two requests, with more changes than are remembered", async () => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    const rest = [resource(CLUSTER, "b"), resource(ENDPOINT, "a"), resource(ENDPOINT, "b")];
    edge.set(resource(CLUSTER, "a"), ...rest);
    const stream = manual.open(true);
    stream.send({ node: NODE, typeUrl: CLUSTER, initialResourceVersions: versions });
    for (let turn = 2; turn < 50; turn++) {
      edge.set(resource(CLUSTER, "a", `${turn}`), ...rest);
      await Promise.resolve();
      const { nonce } = stream.take()!;
      stream.send({ typeUrl: CLUSTER, responseNonce: nonce });
    }
    stream.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["a", "b"], initialResourceVersions: versions });
    expect(takeAll(stream)[0]!.names).toContain("a");
  });

  it("follow clusters that the node took from a stream that broke before they came", async () => {
    const view = (version: string): XdsResource[] => [
      resource(CLUSTER, "a", version),
      resource(CLUSTER, "b"),
      resource(ENDPOINT, "a"),
      resource(ENDPOINT, "b"),
    ];
    const manual = await manualServer();
    const edge = fleet(manual.server);
    edge.set(...view("1"));
    const first = manual.open(true);
    first.send({ node: NODE, typeUrl: CLUSTER, initialResourceVersions: versions });
    first.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["a", "b"], initialResourceVersions: versions });
    edge.set(...view("2"));
    await Promise.resolve();
    expect(first.take()).toMatchObject({ typeUrl: CLUSTER, names: ["a"] });
    first.close();
    const known = { a: "2", b: "1" };
    const request = { typeUrl: ENDPOINT, resourceNamesSubscribe: ["a", "b"], initialResourceVersions: versions };
    for (const { wait, again } of [
      { wait: 1_000, again: [{ typeUrl: ENDPOINT, names: ["a"] }] },
      // Envoy waits no longer than that.
      { wait: 15_000, again: [] },
    ]) {
      manual.clock.advance(wait);
      const second = manual.open(true);
      second.send({ node: NODE, typeUrl: CLUSTER, initialResourceVersions: known });
      second.send(request);
      const seen = takeAll(second);
      expect(seen).toMatchObject(again);
      expect(seen).toHaveLength(again.length);
    }
  });

  it("and secrets follow what names them", async () => {
    const tls = { ...resource(CLUSTER, "a", "2"), refs: [[SECRET, "s"] as const] };
    const { stream } = await reconnected(tls, resource(CLUSTER, "b"));
    expect(takeAll(stream)).toMatchObject([{ names: ["a"] }]);
    stream.send({ typeUrl: SECRET, resourceNamesSubscribe: ["s"], initialResourceVersions: { s: "1" } });
    expect(takeAll(stream)).toMatchObject([{ typeUrl: SECRET, names: ["s"] }]);
  });

  it("are not sent again to gRPC clients, which do not warm", async () => {
    const manual = await manualServer();
    fleet(manual.server).set(resource(CLUSTER, "a", "2"), resource(ENDPOINT, "a"));
    const stream = manual.open(true);
    const node = { ...NODE, userAgentName: "gRPC Go" };
    stream.send({ node, typeUrl: CLUSTER, initialResourceVersions: versions });
    takeAll(stream);
    stream.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["a"], initialResourceVersions: versions });
    expect(takeAll(stream)).toEqual([]);
  });
});

/** A node that was sent `before` and comes back to `now`, having all four types; `restarted`: to another server. */
async function swapped(delta: boolean, restarted: "no" | "knows the version before" | "knows nothing") {
  const before = [resource(CLUSTER, "old"), resource(ENDPOINT, "old"), naming(resource(ROUTE, "r"), "old")];
  const now = [resource(CLUSTER, "new"), resource(ENDPOINT, "new"), naming(resource(ROUTE, "r", "2"), "new")];
  const listener = resource(LISTENER, "l");
  let manual = await manualServer();
  let edge = fleet(manual.server);
  edge.set(...before, listener);
  const first = manual.open(delta);
  const names = (list: string[]): object => (delta ? { resourceNamesSubscribe: list } : { resourceNames: list });
  const had = new Map<string, { version: string }>();
  for (const [typeUrl, list] of [
    [CLUSTER, []],
    [ENDPOINT, ["old"]],
    [LISTENER, []],
    [ROUTE, ["r"]],
  ] as const) {
    first.send({ node: NODE, typeUrl, ...names([...list]) });
    const message = first.take()!;
    had.set(typeUrl, message);
    first.send({ typeUrl, responseNonce: message.nonce, ...names(delta ? [] : [...list]) });
  }
  first.close();
  if (restarted !== "no") {
    manual = await manualServer();
    edge = fleet(manual.server);
    if (restarted === "knows the version before") edge.set(...before, listener);
  }
  edge.set(...now, listener);
  const stream = manual.open(delta);
  /** What Envoy says first of each type. */
  function open(typeUrl: string, list: string[], known: string[]): void {
    const initialResourceVersions = Object.fromEntries(known.map((name) => [name, "1"]));
    const version = { versionInfo: had.get(typeUrl)!.version };
    stream.send({ node: NODE, typeUrl, ...names(list), ...(delta ? { initialResourceVersions } : version) });
  }
  const lists: Record<string, string[]> = { [CLUSTER]: [], [ENDPOINT]: ["old"], [LISTENER]: [], [ROUTE]: ["r"] };
  function answer({ typeUrl, nonce }: Message): void {
    stream.send({ typeUrl, responseNonce: nonce, ...(delta ? {} : names(lists[typeUrl]!)) });
  }
  return { ...manual, edge, stream, open, answer, lists };
}

describe.each([
  { delta: true, restarted: "no" },
  { delta: true, restarted: "knows nothing" },
  { delta: false, restarted: "no" },
  { delta: false, restarted: "knows the version before" },
] as const)("a cluster that is swapped while the node is away (delta: $delta, restarted: $restarted)", (kind) => {
  const { delta, restarted } = kind;
  const removal = delta ? { typeUrl: CLUSTER, removed: ["old"] } : { typeUrl: CLUSTER, names: ["new"] };

  it("stays until the route without it is accepted", async () => {
    const { stream, open, answer, lists } = await swapped(delta, restarted);
    open(CLUSTER, [], ["old"]);
    const clusters = stream.take()!;
    expect([...clusters.names].sort()).toEqual(delta ? ["new"] : ["new", "old"]);
    expect(clusters.removed).toEqual([]);
    open(ENDPOINT, ["old"], ["old"]);
    // A state of the world is sent all that it names, and this is kept with its cluster.
    const again = takeAll(stream);
    expect(again).toMatchObject(delta ? [] : [{ typeUrl: ENDPOINT, names: ["old"] }]);
    for (const message of again) answer(message);
    open(LISTENER, [], ["l"]);
    open(ROUTE, ["r"], ["r"]);
    // The route waits for the new cluster, and the old one for the route.
    expect(takeAll(stream)).toEqual([]);
    answer(clusters);
    lists[ENDPOINT] = ["old", "new"];
    stream.send({
      typeUrl: ENDPOINT,
      ...(delta ? { resourceNamesSubscribe: ["new"] } : { resourceNames: ["old", "new"] }),
    });
    const endpoints = stream.take()!;
    expect(endpoints).toMatchObject({ typeUrl: ENDPOINT, names: ["new"], removed: [] });
    expect(stream.take()).toBeNull();
    answer(endpoints);
    const route = stream.take()!;
    expect(route).toMatchObject({ typeUrl: ROUTE, texts: ["r|2"] });
    expect(stream.take()).toBeNull();
    answer(route);
    const gone = stream.take()!;
    expect(gone).toMatchObject(removal);
    answer(gone);
    expect(takeAll(stream)).toMatchObject(delta ? [{ typeUrl: ENDPOINT, removed: ["old"] }] : []);
  });

  it("goes after a second when the node asks for nothing else", async () => {
    const { stream, clock, open, answer } = await swapped(delta, restarted);
    open(CLUSTER, [], ["old"]);
    const clusters = stream.take()!;
    clock.advance(500);
    answer(clusters);
    expect(stream.take()).toBeNull();
    clock.advance(500);
    expect(stream.take()).toMatchObject(removal);
  });
});

it("a state of the world that knows nothing of the node's version loses the old cluster at once", async () => {
  const { stream, open } = await swapped(false, "knows nothing");
  open(CLUSTER, [], []);
  expect(stream.take()).toMatchObject({ typeUrl: CLUSTER, names: ["new"] });
});

it.each(["the same", "older"])(
  "a state of the world is sent what it names again, its version being %s",
  async (kind) => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    const view = [resource(ROUTE, "r"), resource(LISTENER, "l"), resource(ENDPOINT, "a")];
    edge.set(...view, resource(ROUTE, "other"));
    const before = manual.open(false);
    const requests = [
      { typeUrl: ENDPOINT, resourceNames: ["a"] },
      { typeUrl: LISTENER, resourceNames: ["l"] },
      { typeUrl: ROUTE, resourceNames: ["r"] },
    ];
    for (const request of requests) before.send({ node: NODE, ...request });
    const versions = takeAll(before).map(({ version }) => version);
    before.close();
    if (kind === "older")
      edge.set(...view, resource(ROUTE, "other", "2"), resource(LISTENER, "m"), resource(ENDPOINT, "b"));
    const after = manual.open(false);
    for (const [index, request] of requests.entries()) {
      after.send({ node: NODE, ...request, versionInfo: versions[index]! });
    }
    expect(takeAll(after).map(({ names }) => names)).toEqual([["a"], ["l"], ["r"]]);
  },
);

it("a state of the world of unknown version never leaves a listener out because its cluster is new", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(
    resource(CLUSTER, "c", "2"),
    resource(ENDPOINT, "c"),
    naming(resource(LISTENER, "tcp", "2"), "c"),
    resource(LISTENER, "web"),
  );
  const stream = manual.open(false);
  stream.send({ node: NODE, typeUrl: CLUSTER, versionInfo: "before" });
  const clusters = stream.take()!;
  stream.send({ typeUrl: LISTENER, versionInfo: "before" });
  expect(stream.take()).toBeNull();
  stream.send({ typeUrl: CLUSTER, responseNonce: clusters.nonce });
  stream.send({ typeUrl: ENDPOINT, resourceNames: ["c"] });
  const endpoints = stream.take()!;
  expect(stream.take()).toBeNull();
  stream.send({ typeUrl: ENDPOINT, resourceNames: ["c"], responseNonce: endpoints.nonce });
  expect(stream.take()).toMatchObject({ typeUrl: LISTENER, names: ["tcp", "web"] });
});

it("a node that comes back to a removal it was spared keeps it until its referrer is through", async () => {
  // The union of a full state has a version of its own; that is remembered too.
  const manual = await manualServer();
  const edge = fleet(manual.server);
  const a = resource(CLUSTER, "a");
  edge.set(a, resource(CLUSTER, "b"), naming(resource(ROUTE, "r"), "b"));
  const first = manual.open(false);
  first.send({ node: NODE, typeUrl: CLUSTER });
  const all = first.take()!;
  first.send({ typeUrl: CLUSTER, responseNonce: all.nonce });
  first.send({ typeUrl: ROUTE, resourceNames: ["r"] });
  first.send({ typeUrl: ROUTE, resourceNames: ["r"], responseNonce: first.take()!.nonce });
  edge.set(a, resource(CLUSTER, "c"), naming(resource(ROUTE, "r", "2"), "a"));
  await Promise.resolve();
  const union = first.take()!;
  expect(union.names).toEqual(["a", "c", "b"]);
  first.close();
  const second = manual.open(false);
  second.send({ node: NODE, typeUrl: CLUSTER, versionInfo: union.version });
  expect(second.take()).toBeNull();
  second.send({ typeUrl: LISTENER });
  second.send({ typeUrl: LISTENER, responseNonce: second.take()!.nonce });
  second.send({ typeUrl: ROUTE, resourceNames: ["r"], versionInfo: "old" });
  const route = second.take()!;
  expect(second.take()).toBeNull();
  second.send({ typeUrl: ROUTE, resourceNames: ["r"], responseNonce: route.nonce });
  expect(second.take()).toMatchObject({ typeUrl: CLUSTER, names: ["a", "c"] });
});

it("looks at removals that all wait once, and lets only so many wait", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(resource(CLUSTER, "a"));
  const stream = manual.open(true);
  const known = Array.from({ length: 50_000 }, (_, index) => `gone-${index}`);
  const initialResourceVersions = Object.fromEntries(known.map((name) => [name, "1"]));
  stream.send({ node: NODE, typeUrl: CLUSTER, initialResourceVersions });
  const first = takeAll(stream);
  expect(first.flatMap(({ removed }) => removed)).toHaveLength(40_000);
  const spent = cpuOf(() => {
    for (let turn = 0; turn < 1_000; turn++) stream.send({ typeUrl: CLUSTER, responseNonce: `stale-${turn}` });
  });
  // To look at each of them would take seconds.
  expect(spent).toBeLessThan(1_000);
  for (const { nonce } of first) stream.send({ typeUrl: CLUSTER, responseNonce: nonce });
  manual.clock.advance(1_000);
  expect(takeAll(stream).flatMap(({ removed }) => removed)).toHaveLength(10_000);
});
