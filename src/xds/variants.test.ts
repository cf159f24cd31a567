import { describe, it } from "vitest";
import type { NackEvent, XdsServer } from "./index.ts";
import {
  CLUSTER,
  connect,
  ENDPOINT,
  FULL_STATE_TYPES,
  fleet,
  LISTENER,
  NODE,
  ROUTE,
  resource,
  startServer,
  subscriber,
  type TestClient,
  VARIANTS,
} from "./testing.ts";

interface Setup {
  server: XdsServer;
  client: TestClient;
  nacks: NackEvent[];
  edge: ReturnType<typeof fleet>;
}

/** Each test has its own server, so that all can run at the same time. */
async function setUp(onTestFinished: (undo: () => Promise<void>) => void): Promise<Setup> {
  const nacks: NackEvent[] = [];
  const { server, address } = await startServer({ onNack: (event) => nacks.push(event) });
  const client = connect(address);
  onTestFinished(async () => {
    client.close();
    await server.close();
  });
  return { server, client, nacks, edge: fleet(server) };
}

const CASES = VARIANTS.flatMap((variant) =>
  [CLUSTER, ENDPOINT, LISTENER, ROUTE].map((typeUrl) => ({
    variant,
    typeUrl,
    full: !variant.delta && FULL_STATE_TYPES.has(typeUrl),
    title: `${variant.delta ? "delta" : "sotw"} ${variant.ads ? "ads" : "per-type"} ${typeUrl.split(".").at(-1)}`,
  })),
);

describe.concurrent.each(CASES)("$title", ({ variant, typeUrl, full }) => {
  const make = (name: string, content?: string): ReturnType<typeof resource> => resource(typeUrl, name, content);

  it("sends the named resources with their bytes, type, nonce and identifier", async ({ expect, onTestFinished }) => {
    const { client, edge } = await setUp(onTestFinished);
    edge.set(make("a"), make("b"), make("c"));
    const stream = client.stream(variant, typeUrl);
    subscriber(stream, typeUrl).want("a", "b");
    const seen = await stream.next();
    expect(seen).toMatchObject({ typeUrl, names: ["a", "b"], removed: [], identifier: "trimtab/test" });
    expect(seen.nonce).not.toBe("");
    expect(seen.version).not.toBe("");
    expect(seen.resources[0]!.bytes.toString()).toBe("a|1");
    if (variant.delta) expect(seen.resources.map((entry) => entry.version)).toEqual(["1", "1"]);
    await stream.silence();
  });

  it("pushes an update, and only that one where the protocol allows it", async ({ expect, onTestFinished }) => {
    const { client, edge } = await setUp(onTestFinished);
    const a = make("a");
    edge.set(a, make("b"));
    const stream = client.stream(variant, typeUrl);
    const sub = subscriber(stream, typeUrl);
    sub.want("a", "b");
    const first = await stream.next();
    sub.ack(first);
    edge.set(a, make("b", "2"));
    const second = await stream.next();
    expect(second.names).toEqual(full ? ["a", "b"] : ["b"]);
    expect(second.version).not.toBe(first.version);
    expect(second.nonce).not.toBe(first.nonce);
    sub.ack(second);
    await stream.silence();
  });

  it("says nothing about resources that are not subscribed", async ({ onTestFinished }) => {
    const { client, edge } = await setUp(onTestFinished);
    edge.set(make("a"));
    const stream = client.stream(variant, typeUrl);
    const sub = subscriber(stream, typeUrl);
    sub.want("a");
    sub.ack(await stream.next());
    edge.set(make("a"), make("other"));
    await stream.silence();
  });

  it("tells of a removal, and pushes the resource when it comes back", async ({ expect, onTestFinished }) => {
    const { server, client, edge } = await setUp(onTestFinished);
    const a = make("a");
    edge.set(a, make("b"));
    const stream = client.stream(variant, typeUrl);
    const sub = subscriber(stream, typeUrl);
    sub.want("a", "b");
    sub.ack(await stream.next());
    const acked = (): unknown => server.nodes()[0]?.ackedRevision;
    await expect.poll(acked).toBe(1);
    edge.set(a);
    if (full) {
      const seen = await stream.next();
      expect(seen.names).toEqual(["a"]);
      sub.ack(seen);
    } else if (variant.delta) {
      const seen = await stream.next();
      expect(seen).toMatchObject({ names: [], removed: ["b"] });
      sub.ack(seen);
    } else {
      await stream.silence();
    }
    // Were the removal still on its way, it and the return would cancel out.
    await expect.poll(acked).toBe(2);
    edge.set(a, make("b", "1"));
    expect((await stream.next()).names).toContain("b");
  });

  it("sends a resource again when it is subscribed again at the same version", async ({ expect, onTestFinished }) => {
    const { client, edge } = await setUp(onTestFinished);
    edge.set(make("a"), make("b"));
    const stream = client.stream(variant, typeUrl);
    const sub = subscriber(stream, typeUrl);
    sub.want("a", "b");
    sub.ack(await stream.next());
    sub.want("a");
    await stream.silence();
    sub.want("a", "b");
    expect((await stream.next()).names).toEqual(full ? ["a", "b"] : ["b"]);
  });

  it("answers a NACK with one event and silence, for first and later versions", async ({ expect, onTestFinished }) => {
    const { server, client, nacks, edge } = await setUp(onTestFinished);
    edge.set(make("a"), make("b"));
    const stream = client.stream(variant, typeUrl);
    const sub = subscriber(stream, typeUrl);
    sub.want("a", "b");
    const first = await stream.next();
    sub.nack(first, "bad a");
    sub.nack(first, "bad a");
    // The other one is offered without it.
    const rest = await stream.next();
    expect(rest.names).toEqual(["b"]);
    sub.ack(rest);
    await stream.silence(1_000);
    edge.set(make("a", "2"), make("b"));
    const second = await stream.next();
    sub.nack(second, "bad again");
    await stream.silence(1_000);
    expect(nacks).toHaveLength(2);
    expect(nacks[1]).toMatchObject({ group: "edge", nodeId: "n1", typeUrl, nonce: second.nonce, message: "bad again" });
    expect(nacks[1]!.resources).toEqual(["a"]);
    const { nacked, acked } = server.nodes()[0]!.types[0]!;
    expect(nacked).toMatchObject({ version: second.version, message: "bad again", resources: ["a"] });
    expect(acked).toBe(full ? rest.version : null);
    // Back to the content that was refused at first: it differs from what was sent last, so it is sent.
    edge.set(make("a"), make("b"));
    sub.ack(await stream.next());
    await expect.poll(() => server.nodes()[0]!.types[0]!.nacked).toBe(null);
    await stream.silence();
  });

  it("sends nothing to a node that reconnects with what it has", async ({ expect, onTestFinished }) => {
    const { server, client, edge } = await setUp(onTestFinished);
    edge.set(make("a"), make("b"));
    const before = client.stream(variant, typeUrl);
    const wildcard = typeUrl === CLUSTER || typeUrl === LISTENER;
    const old = subscriber(before, typeUrl);
    if (wildcard) old.wantAll();
    else old.want("a", "b");
    const seen = await before.next();
    old.ack(seen);
    before.cancel();
    const stream = client.stream(variant, typeUrl);
    const versions = Object.fromEntries(seen.resources.map((entry) => [entry.name, entry.version]));
    if (wildcard) {
      subscriber(stream, typeUrl).wantAll({ versions, version: seen.version });
    } else if (variant.delta) {
      const names = Object.keys(versions);
      stream.send({ node: NODE, typeUrl, resourceNamesSubscribe: names, initialResourceVersions: versions });
    } else {
      // State of the world with names: nobody can know what the node has, so it is sent again.
      subscriber(stream, typeUrl).want("a", "b");
      expect((await stream.next()).names).toEqual(["a", "b"]);
      return;
    }
    await stream.silence(300);
    await expect.poll(() => server.nodes().map((node) => node.ackedRevision)).toEqual([1]);
    edge.set(make("a", "2"), make("b"));
    expect((await stream.next()).names).toEqual(full ? ["a", "b"] : ["a"]);
  });

  it("ends the stream of an unknown or deleted fleet with NOT_FOUND and sends nothing", async ({
    expect,
    onTestFinished,
  }) => {
    const { server, client, edge } = await setUp(onTestFinished);
    const lost = client.stream(variant, typeUrl);
    subscriber(lost, typeUrl).want("a");
    expect(await lost.ended()).toMatchObject({ code: 5, details: expect.stringContaining('no fleet "edge"') });
    edge.set(make("a"));
    const stream = client.stream(variant, typeUrl);
    const sub = subscriber(stream, typeUrl);
    sub.want("a");
    sub.ack(await stream.next());
    server.deleteGroup("edge");
    expect(await stream.ended()).toMatchObject({ code: 5 });
    expect(lost.received).toHaveLength(0);
    expect(stream.received).toHaveLength(1);
    expect(server.nodes()).toEqual([]);
  });

  it("refuses a first request without a node, and a half-closed stream ends well", async ({
    expect,
    onTestFinished,
  }) => {
    const { client, edge } = await setUp(onTestFinished);
    edge.set(make("a"));
    const nameless = client.stream(variant, typeUrl);
    subscriber(nameless, typeUrl, null).want("a");
    expect(await nameless.ended()).toMatchObject({ code: 3, details: expect.stringContaining("node") });
    const stream = client.stream(variant, typeUrl);
    subscriber(stream, typeUrl).want("a");
    await stream.next();
    stream.halfClose();
    expect(await stream.ended()).toMatchObject({ code: 0 });
    edge.set(make("a", "2"));
    await stream.silence();
  });
});
