/** What a server owes its clients on a stream: who they are, versions and nonces, ACK and NACK. The numbers are those of docs/xds.md. */
import { describe, expect, it } from "vitest";
import type { NackEvent } from "./index.ts";
import { CLUSTER, connect, ENDPOINT, fleet, LISTENER, NODE, ROUTE, resource, startServer } from "./testing.ts";
import { type Room, room } from "./testingDialogue.ts";

const BOTH = [{ delta: false }, { delta: true }];
const MADE_UP = "type.googleapis.com/example.v1.Thing";
const REFUSAL = { code: 3, message: "no good" };

/** `names` as the first of a type, in either variant. */
const asking = (delta: boolean, ...names: string[]): object =>
  delta ? { resourceNamesSubscribe: names } : { resourceNames: names };

describe.each(BOTH)("the stream and its node (delta: $delta)", ({ delta }) => {
  it("obligation 3: takes the node of the first request for all, and refuses to go on as another", async () => {
    const edge = await room();
    await edge.show(resource(ENDPOINT, "a"), resource(ROUTE, "r"));
    const client = edge.open(delta);
    client.send({ node: NODE, typeUrl: ENDPOINT, ...asking(delta, "a") });
    client.send({ typeUrl: ROUTE, ...asking(delta, "r") });
    expect(client.settle().map((seen) => seen.typeUrl)).toEqual([ENDPOINT, ROUTE]);
    client.send({ node: { ...NODE, metadata: { changed: true } }, typeUrl: ENDPOINT, ...asking(delta, "a") });
    expect(client.stream.status).toBeNull();
    const moving = edge.open(delta);
    moving.send({ node: NODE, typeUrl: ENDPOINT, ...asking(delta, "a") });
    moving.send({ node: { ...NODE, cluster: "another" }, typeUrl: ENDPOINT });
    expect(moving.stream.status).toMatchObject({ code: 3, message: expect.stringContaining("one node") });
  });

  it("obligation 4: refuses a first request without a node, or with one without an id", async () => {
    const edge = await room();
    await edge.show(resource(ENDPOINT, "a"));
    for (const node of [undefined, { cluster: "edge" }]) {
      const client = edge.open(delta);
      client.send({ ...(node && { node }), typeUrl: ENDPOINT, ...asking(delta, "a") });
      expect(client.stream.status).toMatchObject({ code: 3, message: expect.stringContaining("id") });
    }
  });

  it("obligation 5: needs a type on an aggregated stream, and knows it on one of a type", async () => {
    const edge = await room();
    await edge.show(resource(ENDPOINT, "a"));
    const client = edge.open(delta);
    client.send({ node: NODE, ...asking(delta, "a") });
    expect(client.stream.status).toMatchObject({ code: 3, message: expect.stringContaining("type_url") });
    const { server, address } = await startServer();
    fleet(server).set(resource(ENDPOINT, "a"));
    const outside = connect(address);
    const own = outside.stream({ delta, ads: false }, ENDPOINT);
    own.send({ node: NODE, ...asking(delta, "a") });
    expect(await own.next()).toMatchObject({ typeUrl: ENDPOINT, names: ["a"] });
    own.send({ typeUrl: CLUSTER, ...asking(delta, "a") });
    expect(await own.ended()).toMatchObject({ code: 3 });
    outside.close();
    await server.close();
  });

  it("obligation 6: keeps types apart, and an unknown one harms none", async () => {
    const edge = await room();
    await edge.show(resource(ENDPOINT, "a"), resource(ROUTE, "r"));
    const client = edge.open(delta);
    client.on(MADE_UP).want("t");
    const answer = client.settle();
    expect(answer).toMatchObject(delta ? [{ typeUrl: MADE_UP, removed: ["t"] }] : []);
    client.on(ENDPOINT).want("a");
    const endpoints = client.next()!;
    client.on(ROUTE).want("r");
    // The answer to one type is still due; the other does not wait for it.
    const routes = client.next()!;
    expect(routes).toMatchObject({ typeUrl: ROUTE, names: ["r"] });
    client.on(ROUTE).nack(routes);
    client.on(ENDPOINT).ack(endpoints);
    expect(edge.manual.server.nodes()[0]!.types).toMatchObject([
      { typeUrl: ENDPOINT, nacked: null },
      { typeUrl: ROUTE, nacked: { message: "no" } },
      { typeUrl: MADE_UP },
    ]);
  });

  it("obligation 7: says the type, and sends nothing of another", async () => {
    const edge = await room();
    const types = [CLUSTER, ENDPOINT, LISTENER, ROUTE, MADE_UP];
    await edge.show(...types.map((typeUrl) => resource(typeUrl, `of ${typeUrl}`)));
    const client = edge.open(delta);
    for (const typeUrl of types) {
      client.on(typeUrl).want(`of ${typeUrl}`);
      for (const seen of client.settle()) expect(seen).toMatchObject({ typeUrl, names: [`of ${typeUrl}`] });
    }
  });

  it("obligation 8: serves several streams of one node, of one type too", async () => {
    const edge = await room();
    await edge.show(resource(ENDPOINT, "a"), resource(ENDPOINT, "b"));
    const [one, two] = [edge.open(delta), edge.open(delta)];
    one.on(ENDPOINT).want("a");
    two.on(ENDPOINT).want("b");
    expect([one.settle(), two.settle()]).toMatchObject([[{ names: ["a"] }], [{ names: ["b"] }]]);
    await edge.show(resource(ENDPOINT, "a"), resource(ENDPOINT, "b", "2"));
    expect([one.settle(), two.settle()]).toMatchObject([[], [{ names: ["b"] }]]);
  });
});

describe("versions and nonces", () => {
  it("obligation 9: versions a type by its content: new with every change, equal on another server", async () => {
    const versions: string[] = [];
    for (let server = 0; server < 2; server++) {
      const edge = await room();
      await edge.show(resource(CLUSTER, "a"), resource(ENDPOINT, "a"));
      const client = edge.open(false);
      client.on(CLUSTER).wantAll();
      versions.push(client.settle()[0]!.version);
      await edge.show(resource(CLUSTER, "a", "2"), resource(ENDPOINT, "a"));
      versions.push(client.settle()[0]!.version);
      await edge.show(resource(CLUSTER, "a", "2"), resource(ENDPOINT, "a", "2"));
      const later = edge.open(false);
      later.on(CLUSTER).wantAll();
      expect(later.settle()[0]!.version).toBe(versions.at(-1));
    }
    expect(versions.slice(0, 2)).toEqual(versions.slice(2));
    expect(versions[0]).not.toBe(versions[1]);
  });

  it("obligation 10: versions each resource in delta", async () => {
    const edge = await room();
    await edge.show(resource(ENDPOINT, "a", "one"), resource(ENDPOINT, "b", "two"));
    const client = edge.open(true);
    client.on(ENDPOINT).want("a", "b");
    expect(client.settle()[0]!.resources.map((entry) => entry.version)).toEqual(["one", "two"]);
  });

  it.each(BOTH)(
    "obligations 11, 12: never uses a nonce twice on a stream, over all types ($delta)",
    async ({ delta }) => {
      const edge = await room();
      const types = [CLUSTER, ENDPOINT, LISTENER, ROUTE];
      const seen: string[] = [];
      const client = edge.open(delta);
      for (let turn = 0; turn < 5; turn++) {
        await edge.show(...types.map((typeUrl) => resource(typeUrl, "a", `${turn}`)));
        if (turn === 0) for (const typeUrl of types) client.on(typeUrl).want("a");
        for (let round = 0; round < 3; round++) seen.push(...client.settle().map((entry) => entry.nonce));
      }
      expect(seen.length).toBeGreaterThanOrEqual(20);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).not.toContain("");
    },
  );

  it.each(BOTH)("obligation 11: takes a nonce of an earlier stream for none (delta: $delta)", async ({ delta }) => {
    const edge = await room();
    await edge.show(resource(ENDPOINT, "a"));
    const client = edge.open(delta);
    client.send({ node: NODE, typeUrl: ENDPOINT, responseNonce: "of another life", ...asking(delta, "a") });
    expect(client.settle()).toMatchObject([{ names: ["a"] }]);
  });

  it("obligation 12: takes a nonce of another type for no answer", async () => {
    const edge = await room();
    await edge.show(resource(CLUSTER, "c"), resource(LISTENER, "l"));
    const client = edge.open(false);
    client.on(CLUSTER).wantAll();
    client.settle();
    client.on(LISTENER).wantAll();
    const listeners = client.next()!;
    client.send({ typeUrl: CLUSTER, versionInfo: listeners.version, responseNonce: listeners.nonce });
    expect(client.next()).toBeNull();
    const { types } = edge.manual.server.nodes()[0]!;
    expect(types.find((type) => type.typeUrl === LISTENER)).toMatchObject({ acked: null, nacked: null });
    expect(edge.manual.server.metrics().staleNonces).toBe(1);
  });

  it("obligation 13, regression 11: serves a name that comes with a stale nonce, and nothing else", async () => {
    const edge = await room();
    const show = (content: string): Promise<void> =>
      edge.show(resource(ENDPOINT, "a", content), resource(ENDPOINT, "late"));
    await show("0");
    const client = edge.open(false);
    client.on(ENDPOINT).want("a");
    const old = client.settle()[0]!;
    for (let turn = 1; turn <= 10; turn++) {
      await show(`${turn}`);
      let last = client.next()!;
      if (turn === 5) {
        // The answer to this update is still to come: the nonce is stale.
        client.send({ typeUrl: ENDPOINT, responseNonce: old.nonce, resourceNames: ["a", "late"] });
        last = client.next()!;
        expect(last.names).toEqual(["late"]);
      }
      client.send({ typeUrl: ENDPOINT, responseNonce: last.nonce, resourceNames: turn < 5 ? ["a"] : ["a", "late"] });
    }
    client.send({ typeUrl: ENDPOINT, responseNonce: old.nonce, resourceNames: ["a", "late"] });
    expect(client.next()).toBeNull();
  });

  it("obligation 14: follows changes of a delta subscription whatever their nonce", async () => {
    const edge = await room();
    await edge.show(...["a", "b", "c"].map((name) => resource(ENDPOINT, name)));
    const client = edge.open(true);
    client.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: ["a"] });
    client.settle();
    client.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["b"], responseNonce: "stale" });
    expect(client.settle()).toMatchObject([{ names: ["b"] }]);
    client.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["c"], resourceNamesUnsubscribe: ["a"] });
    expect(client.settle()).toMatchObject([{ names: ["c"] }]);
    await edge.show(...["a", "b", "c"].map((name) => resource(ENDPOINT, name, "2")));
    expect([...client.settle()[0]!.names].sort()).toEqual(["b", "c"]);
  });

  it.each(BOTH)("obligation 15: answers nothing that asks for nothing new (delta: $delta)", async ({ delta }) => {
    const edge = await room();
    await edge.show(resource(CLUSTER, "a"), resource(ENDPOINT, "e"));
    const client = edge.open(delta);
    client.on(CLUSTER).wantAll();
    client.on(ENDPOINT).want("e");
    client.settle();
    for (const typeUrl of [CLUSTER, ENDPOINT]) {
      client.send({ typeUrl, ...(delta ? {} : { resourceNames: typeUrl === ENDPOINT ? ["e"] : [] }) });
    }
    expect(client.next()).toBeNull();
    // A view that is set again without a change is none either.
    await edge.show(resource(CLUSTER, "a"), resource(ENDPOINT, "e"));
    expect(client.next()).toBeNull();
  });
});

describe.each(BOTH)("ACK and NACK (delta: $delta)", ({ delta }) => {
  async function subscribed(): Promise<Room & { nacks: NackEvent[]; client: ReturnType<Room["open"]>; nonce: string }> {
    const nacks: NackEvent[] = [];
    const edge = await room({ onNack: (event) => nacks.push(event) });
    await edge.show(resource(ENDPOINT, "a"), resource(ENDPOINT, "b"));
    const client = edge.open(delta);
    client.on(ENDPOINT).want("a");
    return { ...edge, nacks, client, nonce: client.next()!.nonce };
  }

  it("obligations 16, 17: knows a refusal by its error alone, whatever version it names", async () => {
    const { nacks, client, nonce, show } = await subscribed();
    client.send({
      typeUrl: ENDPOINT,
      responseNonce: nonce,
      versionInfo: "of before",
      ...(delta ? {} : asking(false, "a")),
    });
    expect(nacks).toEqual([]);
    await show(resource(ENDPOINT, "a", "2"), resource(ENDPOINT, "b"));
    const second = client.next()!;
    const named = delta ? {} : { versionInfo: second.version, resourceNames: ["a"] };
    client.send({ typeUrl: ENDPOINT, responseNonce: second.nonce, errorDetail: REFUSAL, ...named });
    expect(nacks).toMatchObject([{ version: second.version, message: REFUSAL.message, resources: ["a"] }]);
    expect(client.next()).toBeNull();
  });

  it("obligation 18, regression 14: follows the names in a refusal, and keeps what was refused", async () => {
    const { client, nonce } = await subscribed();
    const names = delta ? { resourceNamesSubscribe: ["b"] } : { resourceNames: ["a", "b"] };
    client.send({ typeUrl: ENDPOINT, responseNonce: nonce, errorDetail: REFUSAL, ...names });
    expect(client.settle()).toMatchObject([{ names: ["b"] }]);
  });

  it("obligation 19, regression 13: counts an error that a client repeats once, and serves the name beside it", async () => {
    const { nacks, client, nonce } = await subscribed();
    const sticky = { typeUrl: ENDPOINT, responseNonce: nonce, errorDetail: REFUSAL };
    client.send({ ...sticky, ...(delta ? {} : asking(false, "a")) });
    client.send({ ...sticky, ...(delta ? { resourceNamesSubscribe: ["b"] } : { resourceNames: ["a", "b"] }) });
    expect(client.settle()).toMatchObject([{ names: ["b"] }]);
    expect(nacks).toHaveLength(1);
  });

  it("obligation 20, regression 1: sends what was refused once, for the first and for later versions", async () => {
    const { client, nonce, manual, show } = await subscribed();
    client.on(ENDPOINT).nack({ nonce } as never);
    for (let second = 0; second < 10; second++) {
      manual.clock.advance(1_000);
      expect(client.next()).toBeNull();
    }
    await show(resource(ENDPOINT, "a", "2"), resource(ENDPOINT, "b"));
    client.on(ENDPOINT).nack(client.next()!);
    manual.clock.advance(10_000);
    expect(client.next()).toBeNull();
  });

  it("obligation 21: takes what a client has of several that it refused together for unknown", async () => {
    const { client, nonce, show } = await subscribed();
    client.on(ENDPOINT).ack({ nonce, version: "1" } as never);
    client.on(ENDPOINT).want("a", "b");
    client.settle();
    await show(resource(ENDPOINT, "a", "2"), resource(ENDPOINT, "b", "2"));
    client.on(ENDPOINT).nack(client.next()!);
    // Back to what the client once accepted: it may have taken one of the two, so both are sent.
    await show(resource(ENDPOINT, "a"), resource(ENDPOINT, "b"));
    const texts = client.settle().flatMap((seen) => seen.resources.map((entry) => entry.bytes.toString()));
    for (const name of ["a", "b"]) expect(texts.filter((text) => text.startsWith(name)).at(-1)).toBe(`${name}|1`);
  });
});

it("obligation 22, regression 2: is not moved by an old version without an error, nor waits for it", async () => {
  const edge = await room();
  await edge.show(resource(ENDPOINT, "a"), resource(ROUTE, "r"));
  const client = edge.open(false);
  client.on(ENDPOINT).want("a");
  const first = client.settle()[0]!;
  await edge.show(resource(ENDPOINT, "a", "2"), resource(ROUTE, "r"));
  const second = client.next()!;
  // Envoy says so when nothing watches the type any more.
  client.send({ typeUrl: ENDPOINT, versionInfo: first.version, responseNonce: second.nonce });
  edge.manual.clock.advance(10_000);
  expect(client.next()).toBeNull();
  await edge.show(resource(ENDPOINT, "a", "3"), resource(ROUTE, "r"));
  expect(client.next()).toBeNull();
  client.on(ROUTE).want("r");
  expect(client.settle()).toMatchObject([{ typeUrl: ROUTE }]);
});

it("obligation 23: reads one delta request as an ACK and a change of names", async () => {
  const edge = await room();
  await edge.show(resource(ENDPOINT, "a"), resource(ENDPOINT, "b"));
  const client = edge.open(true);
  client.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: ["a"] });
  const { nonce, version } = client.next()!;
  client.send({
    typeUrl: ENDPOINT,
    responseNonce: nonce,
    resourceNamesSubscribe: ["b"],
    resourceNamesUnsubscribe: ["a"],
  });
  expect(edge.manual.server.nodes()[0]!.types).toMatchObject([{ acked: version }]);
  expect(client.settle()).toMatchObject([{ names: ["b"] }]);
});
