/** What a server owes to traffic and to slow clients: order, holding back, flow. The numbers are those of docs/xds.md. */
import { describe, expect, it } from "vitest";
import { SECRET, VIRTUAL_HOST } from "./resourceTypes.ts";
import {
  CLUSTER,
  connect,
  ENDPOINT,
  fleet,
  LISTENER,
  NODE,
  naming,
  ROUTE,
  resource,
  startServer,
  subscriber,
} from "./testing.ts";
import { type Dialogue, type Room, room } from "./testingDialogue.ts";
import type { XdsResource } from "./types.ts";

const BOTH = [{ delta: false }, { delta: true }];

/** A client that has subscribed to all four types and accepted what there is. */
async function settled(delta: boolean, ...resources: XdsResource[]): Promise<Room & { client: Dialogue }> {
  const edge = await room();
  await edge.show(...resources);
  const client = edge.open(delta);
  client.on(CLUSTER).want("*");
  client.on(ENDPOINT).want("a", "b");
  client.on(LISTENER).want("*");
  client.on(ROUTE).want("r");
  client.settle();
  client.settle();
  return { ...edge, client };
}

const kinds = (all: ReturnType<Dialogue["settle"]>): string[] => all.map((seen) => seen.typeUrl);

describe.each(BOTH)("order (delta: $delta)", ({ delta }) => {
  it("obligation 49, regression 8: sends what is referred to before what refers to it", async () => {
    const types = [CLUSTER, ENDPOINT, SECRET, LISTENER, ROUTE, VIRTUAL_HOST];
    const edge = await room();
    await edge.show(...types.map((typeUrl) => resource(typeUrl, "a")));
    const client = edge.open(delta);
    for (const typeUrl of [...types].reverse()) client.on(typeUrl).want("a");
    client.settle();
    await edge.show(...types.map((typeUrl) => resource(typeUrl, "a", "2")));
    expect(kinds(client.settle())).toEqual(types);
  });

  it("obligation 50: holds a route until its new cluster and its endpoints are accepted", async () => {
    const before = [resource(CLUSTER, "a"), resource(ENDPOINT, "a")];
    const { client, show } = await settled(delta, ...before, naming(resource(ROUTE, "r"), "a"));
    await show(...before, resource(CLUSTER, "b"), resource(ENDPOINT, "b"), naming(resource(ROUTE, "r", "2"), "b"));
    const clusters = client.next()!;
    const endpoints = client.next()!;
    expect([clusters.typeUrl, endpoints.typeUrl]).toEqual([CLUSTER, ENDPOINT]);
    expect(client.next()).toBeNull();
    client.on(CLUSTER).ack(clusters);
    expect(client.next()).toBeNull();
    client.on(ENDPOINT).ack(endpoints);
    expect(client.next()).toMatchObject({ typeUrl: ROUTE, names: ["r"] });
  });

  it("obligation 51, regression 7: sends endpoints again after their cluster changed, and no others", async () => {
    const endpoints = [resource(ENDPOINT, "a"), resource(ENDPOINT, "b")];
    const { client, show } = await settled(delta, resource(CLUSTER, "a"), resource(CLUSTER, "b"), ...endpoints);
    await show(resource(CLUSTER, "a", "2"), resource(CLUSTER, "b"), ...endpoints);
    const all = client.settle();
    expect(kinds(all)).toEqual([CLUSTER, ENDPOINT]);
    expect(all[1]!.names).toEqual(["a"]);
    expect(client.settle()).toEqual([]);
  });

  it("obligation 52: does not send routes again after a listener", async () => {
    const { client, show } = await settled(delta, resource(LISTENER, "l"), resource(ROUTE, "r"));
    await show(resource(LISTENER, "l", "2"), resource(ROUTE, "r"));
    expect(kinds(client.settle())).toEqual([LISTENER]);
  });

  it("obligation 54: goes over the union of old and new, and removes when the new is accepted", async () => {
    const before = [resource(CLUSTER, "a"), resource(ENDPOINT, "a"), naming(resource(ROUTE, "r"), "a")];
    const { client, show } = await settled(delta, ...before);
    await show(resource(CLUSTER, "b"), resource(ENDPOINT, "b"), naming(resource(ROUTE, "r", "2"), "b"));
    const gone = new Set<string>();
    let routed = false;
    for (let seen = client.next(); seen !== null; seen = client.next()) {
      if (seen.typeUrl === ROUTE) routed = true;
      const dropsA = seen.typeUrl === CLUSTER && (delta ? seen.removed.includes("a") : !seen.names.includes("a"));
      if (dropsA) gone.add("a");
      expect(gone.has("a") && !routed).toBe(false);
      client.on(seen.typeUrl).ack(seen);
    }
    expect([...gone]).toEqual(["a"]);
  });
});

describe.each(BOTH)("flow (delta: $delta)", ({ delta }) => {
  it("obligation 66, regression 12: keeps nothing for a client that does not read, and goes on at the newest", async () => {
    const edge = await room();
    const types = Array.from({ length: 50 }, (_, index) => `type.googleapis.com/example.v1.T${index}`);
    const show = (content: string): Promise<void> =>
      edge.show(...types.map((typeUrl) => resource(typeUrl, "r", content)));
    await show("0");
    const client = edge.open(delta);
    for (const typeUrl of types) client.on(typeUrl).want("r");
    for (let update = 1; update <= 200; update++) await show(`${update}`);
    await show("last");
    edge.manual.clock.advance(1_000);
    const texts = client.settle().flatMap((seen) => seen.resources.map((entry) => entry.bytes.toString()));
    expect(texts).toHaveLength(51);
    expect(texts.slice(1).every((text) => text === "r|last")).toBe(true);
  });

  it("obligation 67: splits what may be split below the limit of clients", async () => {
    const edge = await room();
    const many = Array.from({ length: 60 }, (_, index) => resource(ENDPOINT, `e${index}`, "x".repeat(100_000)));
    await edge.show(...many);
    const client = edge.open(delta);
    client.on(ENDPOINT).want(...many.map((entry) => entry.name));
    const parts = client.settle();
    expect(parts.flatMap((part) => part.names)).toEqual(many.map((entry) => entry.name));
    expect(Math.max(...parts.map((part) => part.size))).toBeLessThan(4 * 1024 * 1024);
  });

  it("obligation 68: gives a client that answers slowly the newest state, not each one", async () => {
    const edge = await room();
    await edge.show(resource(ENDPOINT, "a", "0"));
    const client = edge.open(delta);
    client.on(ENDPOINT).want("a");
    const first = client.next()!;
    for (let update = 1; update <= 20; update++) {
      await edge.show(resource(ENDPOINT, "a", `${update}`));
      expect(client.next()).toBeNull();
    }
    client.on(ENDPOINT).ack(first);
    expect(client.settle().map((seen) => seen.resources[0]!.bytes.toString())).toEqual(["a|20"]);
  });

  it("obligations 64, 65: says which server it is, and claims nothing else", async () => {
    const edge = await room({ identifier: "trimtab/1.2.3 host-1" });
    await edge.show(resource(ENDPOINT, "a"));
    const client = edge.open(delta);
    client.on(ENDPOINT).want("a");
    const message = client.stream.take()!;
    expect(message.bytes.includes("trimtab/1.2.3 host-1")).toBe(true);
    // `canary` is field 3, a boolean.
    expect(message.bytes.includes(Buffer.from([0x18, 0x01, 0x22]))).toBe(false);
  });
});

it.each(BOTH)("obligation 67: reads a request of 100 000 names (delta: $delta)", async ({ delta }) => {
  const { server, address } = await startServer();
  fleet(server).set(resource(ENDPOINT, "n7"));
  const client = connect(address);
  const stream = client.stream({ delta, ads: true });
  const names = Array.from({ length: 100_000 }, (_, index) =>
    index === 7 ? "n7" : `name-of-sixty-bytes-${"x".repeat(34)}${index}`,
  );
  stream.send({
    node: NODE,
    typeUrl: ENDPOINT,
    ...(delta ? { resourceNamesSubscribe: names } : { resourceNames: names }),
  });
  expect((await stream.next()).names).toEqual(["n7"]);
  client.close();
  await server.close();
});

it.each(BOTH)(
  "obligation 48: ends streams in order only when it goes, and after an answer (delta: $delta)",
  async ({ delta }) => {
    const { server, address } = await startServer();
    fleet(server).set(resource(ENDPOINT, "a"));
    const client = connect(address);
    const stream = client.stream({ delta, ads: true });
    const sub = subscriber(stream, ENDPOINT);
    sub.want("a");
    sub.ack(await stream.next());
    await stream.silence(300);
    await server.close();
    expect(await stream.ended()).toMatchObject({ code: 14 });
    client.close();
  },
);
