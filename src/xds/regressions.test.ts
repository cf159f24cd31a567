/** Bugs that other servers had, one test each (the table "Regression tests" of the design notes). */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NackEvent, XdsServer } from "./index.ts";
import {
  CLUSTER,
  connect,
  ENDPOINT,
  fleet,
  LISTENER,
  NODE,
  ROUTE,
  resource,
  startServer,
  subscriber,
  type TestClient,
  type TestStream,
} from "./testing.ts";
import { manualServer } from "./testingTransport.ts";

let server: XdsServer;
let client: TestClient;
let nacks: NackEvent[];
let edge: ReturnType<typeof fleet>;

beforeEach(async () => {
  nacks = [];
  const started = await startServer({ onNack: (event) => nacks.push(event) });
  server = started.server;
  edge = fleet(server);
  client = connect(started.address);
});
afterEach(async () => {
  client.close();
  await server.close();
});

const ads = (delta: boolean): TestStream => client.stream({ delta, ads: true });
const BOTH = [{ delta: false }, { delta: true }];

describe("state of the world", () => {
  it("keeps silent when an unwatched type is answered with the old version and no error", async () => {
    edge.set(resource(ENDPOINT, "a"));
    const stream = ads(false);
    stream.send({ node: NODE, typeUrl: ENDPOINT, resourceNames: ["a"] });
    const first = await stream.next();
    stream.send({ typeUrl: ENDPOINT, versionInfo: first.version, responseNonce: first.nonce, resourceNames: ["a"] });
    edge.set(resource(ENDPOINT, "a", "2"));
    const second = await stream.next();
    stream.send({ typeUrl: ENDPOINT, versionInfo: first.version, responseNonce: second.nonce });
    await stream.silence(1_000);
    edge.set(resource(ENDPOINT, "a", "3"));
    await stream.silence();
  });

  it("does not dump endpoints on an empty first request with a version", async () => {
    edge.set(resource(ENDPOINT, "a"), resource(ROUTE, "r"));
    const stream = ads(false);
    stream.send({ node: NODE, typeUrl: ENDPOINT, versionInfo: "old" });
    stream.send({ typeUrl: ROUTE, versionInfo: "old" });
    await stream.silence(300);
  });

  it("serves a name that is added while updates come at round-trip pace", async () => {
    edge.set(resource(ENDPOINT, "a", "0"), resource(ENDPOINT, "late"));
    const stream = ads(false);
    const sub = subscriber(stream, ENDPOINT);
    sub.want("a");
    sub.ack(await stream.next());
    for (let turn = 1; turn <= 5; turn++) {
      edge.set(resource(ENDPOINT, "a", `${turn}`), resource(ENDPOINT, "late"));
      sub.ack(await stream.next());
    }
    edge.set(resource(ENDPOINT, "a", "6"), resource(ENDPOINT, "late"));
    await stream.next();
    // The nonce of this request is stale: the answer to update 6 is still to come.
    sub.want("a", "late");
    edge.set(resource(ENDPOINT, "a", "7"), resource(ENDPOINT, "late"));
    const names = (await stream.next()).names;
    expect(names).toContain("late");
  });

  it("takes a nonce of another type for no answer at all", async () => {
    edge.set(resource(CLUSTER, "c"), resource(LISTENER, "l"));
    const stream = ads(false);
    stream.send({ node: NODE, typeUrl: CLUSTER });
    const clusters = await stream.next();
    stream.send({ typeUrl: LISTENER });
    const listeners = await stream.next();
    expect(listeners.nonce).not.toBe(clusters.nonce);
    stream.send({ typeUrl: CLUSTER, versionInfo: listeners.version, responseNonce: listeners.nonce });
    await stream.silence(300);
    expect(server.metrics().staleNonces).toBe(1);
    edge.set(resource(CLUSTER, "c", "2"), resource(LISTENER, "l", "2"));
    expect((await stream.next()).typeUrl).toBe(CLUSTER);
    expect((await stream.next()).typeUrl).toBe(LISTENER);
  });

  it("answers a first wildcard request although there is nothing, and deletes all with an empty response", async () => {
    edge.set(resource(LISTENER, "l"));
    const stream = ads(false);
    subscriber(stream, CLUSTER).wantAll();
    expect((await stream.next()).names).toEqual([]);
    const sub = subscriber(stream, LISTENER, null);
    sub.wantAll();
    sub.ack(await stream.next());
    edge.set(resource(CLUSTER, "c"));
    expect((await stream.next()).typeUrl).toBe(CLUSTER);
    expect(await stream.next()).toMatchObject({ typeUrl: LISTENER, names: [] });
  });
});

describe("delta", () => {
  it("sends a name as often as it is subscribed", async () => {
    edge.set(resource(ENDPOINT, "a"));
    const stream = ads(true);
    for (let turn = 0; turn < 2; turn++) {
      stream.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: ["a"] });
      expect((await stream.next()).names).toEqual(["a"]);
    }
  });

  it("tells again of a name that is unsubscribed under a wildcard", async () => {
    edge.set(resource(CLUSTER, "x"), resource(CLUSTER, "y"));
    const stream = ads(true);
    stream.send({ node: NODE, typeUrl: CLUSTER, resourceNamesSubscribe: ["*", "x", "gone"] });
    expect(await stream.next()).toMatchObject({ names: expect.arrayContaining(["x", "y"]), removed: ["gone"] });
    stream.send({ typeUrl: CLUSTER, resourceNamesUnsubscribe: ["x"] });
    expect(await stream.next()).toMatchObject({ names: ["x"], removed: [] });
    stream.send({ typeUrl: CLUSTER, resourceNamesUnsubscribe: ["gone"] });
    expect(await stream.next()).toMatchObject({ names: [], removed: ["gone"] });
  });

  it("names a missing resource at once, and pushes it when it is made", async () => {
    edge.set(resource(ENDPOINT, "a"));
    const stream = ads(true);
    stream.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: ["zz"] });
    expect(await stream.next()).toMatchObject({ names: [], removed: ["zz"] });
    edge.set(resource(ENDPOINT, "a"), resource(ENDPOINT, "zz"));
    expect(await stream.next()).toMatchObject({ names: ["zz"], removed: [] });
  });

  it("answers unknown types with removals and lives on", async () => {
    edge.set(resource(CLUSTER, "a"));
    const stream = ads(true);
    stream.send({ node: NODE, typeUrl: "type.googleapis.com/example.v1.Thing", resourceNamesSubscribe: ["t"] });
    expect(await stream.next()).toMatchObject({ names: [], removed: ["t"] });
    stream.send({ typeUrl: CLUSTER });
    expect((await stream.next()).names).toEqual(["a"]);
  });

  it("tells a reconnecting node what was deleted meanwhile, and nothing else", async () => {
    edge.set(resource(CLUSTER, "a"), resource(ENDPOINT, "a"));
    const stream = ads(true);
    stream.send({ node: NODE, typeUrl: CLUSTER, initialResourceVersions: { a: "1", b: "1" } });
    expect(await stream.next()).toMatchObject({ typeUrl: CLUSTER, names: [], removed: ["b"] });
    const initialResourceVersions = { a: "1", b: "1" };
    stream.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["a", "b"], initialResourceVersions });
    expect(await stream.next()).toMatchObject({ typeUrl: ENDPOINT, names: [], removed: ["b"] });
    await stream.silence();
  });

  it("sends a reconnecting node what changed, and the endpoints of changed clusters", async () => {
    edge.set(resource(CLUSTER, "a", "2"), resource(CLUSTER, "b"), resource(ENDPOINT, "a"), resource(ENDPOINT, "b"));
    const stream = ads(true);
    const versions = { a: "1", b: "1" };
    stream.send({
      node: NODE,
      typeUrl: ENDPOINT,
      resourceNamesSubscribe: ["a", "b"],
      initialResourceVersions: versions,
    });
    stream.send({ typeUrl: CLUSTER, initialResourceVersions: versions });
    expect(await stream.next()).toMatchObject({ typeUrl: CLUSTER, names: ["a"] });
    expect(await stream.next()).toMatchObject({ typeUrl: ENDPOINT, names: ["a"] });
    await stream.silence();
  });

  it("never names a resource twice in one response", async () => {
    edge.set(resource(CLUSTER, "a"), resource(CLUSTER, "b"));
    const stream = ads(true);
    stream.send({ node: NODE, typeUrl: CLUSTER, resourceNamesSubscribe: ["*", "a", "a", "zz"] });
    const first = await stream.next();
    expect([...first.names, ...first.removed].sort()).toEqual(["a", "b", "zz"]);
    stream.send({ typeUrl: CLUSTER, responseNonce: first.nonce });
    edge.set(resource(CLUSTER, "b", "2"), resource(CLUSTER, "zz"));
    edge.set(resource(CLUSTER, "b", "3"));
    expect(await stream.next()).toMatchObject({ names: ["b"], removed: ["a"] });
    await stream.silence();
  });

  it("lets a deletion win when a name is in both lists", async () => {
    edge.set(resource(ENDPOINT, "a"));
    const stream = ads(true);
    stream.send({
      node: NODE,
      typeUrl: ENDPOINT,
      resourceNamesSubscribe: ["a"],
      resourceNamesUnsubscribe: ["a", "no"],
    });
    await stream.silence();
  });
});

describe.each(BOTH)("both (delta: $delta)", ({ delta }) => {
  it("resends the endpoints of a cluster that changed, after it, although they did not", async () => {
    const endpoints = [resource(ENDPOINT, "c"), resource(ENDPOINT, "d")];
    edge.set(resource(CLUSTER, "c"), resource(CLUSTER, "d"), ...endpoints);
    const stream = ads(delta);
    const clusters = subscriber(stream, CLUSTER);
    clusters.wantAll();
    clusters.ack(await stream.next());
    const eds = subscriber(stream, ENDPOINT, null);
    eds.want("c", "d");
    eds.ack(await stream.next());
    edge.set(resource(CLUSTER, "c", "2"), resource(CLUSTER, "d"), ...endpoints);
    expect((await stream.next()).typeUrl).toBe(CLUSTER);
    expect(await stream.next()).toMatchObject({ typeUrl: ENDPOINT, names: ["c"] });
    await stream.silence();
  });

  it("counts a repeated error once, and serves the name that comes with it", async () => {
    edge.set(resource(ENDPOINT, "a"), resource(ENDPOINT, "b"));
    const stream = ads(delta);
    subscriber(stream, ENDPOINT).want("a");
    const { nonce } = await stream.next();
    const sticky = { typeUrl: ENDPOINT, responseNonce: nonce, errorDetail: { code: 3, message: "bad" } };
    stream.send({ ...sticky, ...(delta ? {} : { resourceNames: ["a"] }) });
    stream.send({ ...sticky, ...(delta ? { resourceNamesSubscribe: ["b"] } : { resourceNames: ["a", "b"] }) });
    expect((await stream.next()).names).toEqual(["b"]);
    expect(nacks).toHaveLength(1);
    await stream.silence();
  });

  it("serves a name that comes inside a NACK, without what was refused", async () => {
    edge.set(resource(ENDPOINT, "a"), resource(ENDPOINT, "b"));
    const stream = ads(delta);
    subscriber(stream, ENDPOINT).want("a");
    const { nonce } = await stream.next();
    const names = delta ? { resourceNamesSubscribe: ["b"] } : { resourceNames: ["a", "b"] };
    stream.send({ typeUrl: ENDPOINT, responseNonce: nonce, errorDetail: { code: 3, message: "bad" }, ...names });
    expect((await stream.next()).names).toEqual(["b"]);
    await stream.silence();
  });

  it("needs a type_url on an aggregated stream", async () => {
    edge.set(resource(CLUSTER, "a"));
    const stream = ads(delta);
    stream.send({ node: NODE });
    expect(await stream.ended()).toMatchObject({ code: 3, details: expect.stringContaining("type_url") });
  });

  it("splits a response that may be split, and sends a large resource whole", async () => {
    const many = Array.from({ length: 30 }, (_, index) => resource(ENDPOINT, `e${index}`, "x".repeat(100_000)));
    edge.set(...many, resource(ROUTE, "r", "y".repeat(3_000_000)));
    const stream = ads(delta);
    subscriber(stream, ENDPOINT).want(...many.map((entry) => entry.name));
    const parts = [await stream.next(), await stream.next(), await stream.next()];
    expect(parts.flatMap((part) => part.names)).toEqual(many.map((entry) => entry.name));
    expect(Math.max(...parts.map((part) => part.size))).toBeLessThan(1_100_000);
    expect(new Set(parts.map((part) => part.nonce)).size).toBe(3);
    subscriber(stream, ROUTE, null).want("r");
    const large = await stream.next();
    expect(large.resources[0]!.bytes.equals(Buffer.from(`r|${"y".repeat(3_000_000)}`))).toBe(true);
    await stream.silence();
  });

  it("sends nothing that is unsubscribed before it could be written", async () => {
    const manual = await manualServer();
    const view = fleet(manual.server);
    view.set(resource(ENDPOINT, "a"), resource(ENDPOINT, "b"));
    const stream = manual.open(delta);
    const names = delta ? { resourceNamesSubscribe: ["a", "b"] } : { resourceNames: ["a", "b"] };
    stream.send({ node: NODE, typeUrl: ENDPOINT, ...names });
    // The first response is still in the writer.
    view.set(resource(ENDPOINT, "a"), resource(ENDPOINT, "b", "2"));
    await Promise.resolve();
    stream.send({ typeUrl: ENDPOINT, ...(delta ? { resourceNamesUnsubscribe: ["b"] } : { resourceNames: ["a"] }) });
    expect(stream.take()!.names).toEqual(["a", "b"]);
    manual.clock.advance(2_000);
    expect(stream.take()).toBeNull();
  });

  it("regression 12: keeps nothing for a stalled reader of 50 types and 10 000 updates, and resumes at the newest", async () => {
    const manual = await manualServer();
    const types = Array.from({ length: 50 }, (_, index) => `type.googleapis.com/example.v1.T${index}`);
    const view = fleet(manual.server);
    view.set(...types.map((typeUrl) => resource(typeUrl, "r", "0")));
    const stream = manual.open(delta);
    for (const typeUrl of types) {
      stream.send({ node: NODE, typeUrl, ...(delta ? { resourceNamesSubscribe: ["r"] } : { resourceNames: ["r"] }) });
    }
    expect(stream.take()!.texts).toEqual(["r|0"]);
    for (let update = 1; update <= 10_000; update++) {
      const typeUrl = types[update % 50]!;
      view.set(...types.map((other) => resource(other, "r", other === typeUrl ? `${update}` : "0")));
      if (update % 100 === 0) await Promise.resolve();
    }
    view.set(...types.map((typeUrl) => resource(typeUrl, "r", "last")));
    await Promise.resolve();
    manual.clock.advance(1_000);
    const seen: string[] = [];
    for (let message = stream.take(); message !== null; message = stream.take()) seen.push(...message.texts);
    // Two responses were in the writer; each of the others goes straight to the end.
    expect(seen.filter((text) => text === "r|last")).toHaveLength(50);
    expect(seen.length).toBeLessThanOrEqual(52);
  });
});

describe.each(BOTH)("a port that is taken, delta: $delta", ({ delta }) => {
  const taken = "Error adding/updating listener(s) b: cannot bind '127.0.0.1:80': Address already in use";

  async function refused(message: string) {
    const manual = await manualServer({ readRefusal: (_type, text) => (text === taken ? "passing" : "final") });
    const view = fleet(manual.server);
    view.set(resource(LISTENER, "a"), resource(LISTENER, "b"));
    const stream = manual.open(delta);
    stream.send({ node: NODE, typeUrl: LISTENER });
    const answer = (error: string | null) => {
      const sent = stream.take();
      if (sent === null) throw new Error("nothing was sent");
      stream.send({
        typeUrl: LISTENER,
        responseNonce: sent.nonce,
        ...(error === null ? {} : { errorDetail: { code: 3, message: error } }),
      });
      return sent.names;
    };
    expect(answer(message)).toEqual(["a", "b"]);
    // The other one does not suffer from it.
    expect(answer(null)).toEqual(["a"]);
    return { ...manual, view, stream, answer };
  }

  it("is tried again, ever more seldom, until it is free", async () => {
    const { clock, stream, answer, server: own } = await refused(taken);
    for (const wait of [5, 10, 20, 20]) {
      clock.advance(wait * 1_000 - 1);
      expect(stream.take(), `before ${wait} s`).toBeNull();
      clock.advance(1);
      expect(answer(taken)).toEqual(delta ? ["b"] : ["a", "b"]);
    }
    clock.advance(20_000);
    expect(answer(null)).toEqual(delta ? ["b"] : ["a", "b"]);
    expect(own.nodes()[0]?.types[0]?.nacked).toBeNull();
    clock.advance(3_600_000);
    expect(stream.take()).toBeNull();
  });

  it("is not tried again once the listener is gone, nor is anything else that was refused", async () => {
    const gone = await refused(taken);
    gone.view.set();
    await Promise.resolve();
    for (let message = gone.stream.take(); message !== null; message = gone.stream.take()) {
      gone.stream.send({ typeUrl: LISTENER, responseNonce: message.nonce });
      gone.clock.advance(2_000);
    }
    gone.clock.advance(3_600_000);
    expect(gone.stream.take()).toBeNull();
    const other = await refused("b: no address");
    other.clock.advance(3_600_000);
    expect(other.stream.take()).toBeNull();
  });
});

it("stalls without growing and resumes at the newest over the real wire", async () => {
  const large = (version: number): ReturnType<typeof resource> =>
    resource(ENDPOINT, "a", `${version}`.padEnd(500_000, "."));
  edge.set(large(0));
  const stream = ads(true);
  const sub = subscriber(stream, ENDPOINT);
  sub.want("a");
  sub.ack(await stream.next());
  stream.pause();
  for (let version = 1; version <= 200; version++) {
    edge.set(large(version));
    await new Promise((resolve) => setImmediate(resolve));
  }
  stream.resume();
  let last = await stream.next();
  while (!last.resources[0]!.bytes.toString().startsWith("a|200.")) {
    sub.ack(last);
    last = await stream.next();
  }
  expect(stream.received.length).toBeLessThan(20);
});
