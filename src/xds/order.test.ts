import { describe, expect, it } from "vitest";
import { CLUSTER, connect, ENDPOINT, fleet, LISTENER, NODE, naming, ROUTE, resource, startServer } from "./testing.ts";
import { type ManualServer, type ManualStream, type Message, manualServer } from "./testingTransport.ts";
import type { XdsResource } from "./types.ts";

const BOTH = [{ delta: false }, { delta: true }];
const TYPES = [CLUSTER, ENDPOINT, LISTENER, ROUTE];

describe.each(BOTH)("order on one stream (delta: $delta)", ({ delta }) => {
  const names = (...list: string[]): object => (delta ? { resourceNamesSubscribe: list } : { resourceNames: list });

  /** A stream that has subscribed to all and accepted what there is. */
  function settle(manual: ManualServer, endpoints: string[]): ManualStream {
    const stream = manual.open(delta);
    stream.send({ node: NODE, typeUrl: CLUSTER, ...names("*") });
    stream.send({ typeUrl: ENDPOINT, ...names(...endpoints) });
    stream.send({ typeUrl: LISTENER, ...names("*") });
    stream.send({ typeUrl: ROUTE, ...names("r") });
    for (let message = stream.take(); message !== null; message = stream.take()) answer(stream, message, endpoints);
    return stream;
  }

  function answer(stream: ManualStream, message: Message, endpoints: string[] = ["a", "b"]): void {
    const list = { [ENDPOINT]: endpoints, [ROUTE]: ["r"] }[message.typeUrl] ?? ["*"];
    stream.send({ typeUrl: message.typeUrl, responseNonce: message.nonce, ...(delta ? {} : { resourceNames: list }) });
  }

  it("sends one change of four types as clusters, endpoints, listeners, routes", async () => {
    const { server, address } = await startServer();
    const edge = fleet(server);
    const client = connect(address);
    edge.set(...TYPES.map((typeUrl) => resource(typeUrl, "r")));
    const stream = client.stream({ delta, ads: true });
    for (const typeUrl of TYPES) {
      stream.send({ node: NODE, typeUrl, ...names("r") });
      const { nonce } = await stream.next();
      stream.send({ typeUrl, responseNonce: nonce, ...(delta ? {} : { resourceNames: ["r"] }) });
    }
    await expect.poll(() => server.nodes()[0]!.ackedRevision).toBe(1);
    edge.set(...[...TYPES].reverse().map((typeUrl) => resource(typeUrl, "r", "2")));
    const order: string[] = [];
    for (const _type of TYPES) order.push((await stream.next()).typeUrl);
    expect(order).toEqual(TYPES);
    client.close();
    await server.close();
  });

  it("holds a route that names a new cluster until cluster and endpoints are accepted", async () => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    const a = [resource(CLUSTER, "a"), resource(ENDPOINT, "a")];
    edge.set(...a, naming(resource(ROUTE, "r", "1"), "a"), resource(ROUTE, "other"));
    const stream = settle(manual, ["a", "b"]);
    expect(stream.take()).toBeNull();
    edge.set(...a, resource(CLUSTER, "b"), resource(ENDPOINT, "b"), naming(resource(ROUTE, "r", "2"), "b"));
    await Promise.resolve();
    const clusters = stream.take()!;
    expect(clusters).toMatchObject({ typeUrl: CLUSTER, names: expect.arrayContaining(["b"]) });
    const endpoints = stream.take()!;
    expect(endpoints).toMatchObject({ typeUrl: ENDPOINT, names: ["b"] });
    expect(stream.take()).toBeNull();
    answer(stream, endpoints);
    expect(stream.take()).toBeNull();
    answer(stream, clusters);
    expect(stream.take()).toMatchObject({ typeUrl: ROUTE, texts: ["r|2"] });
    expect(manual.server.metrics().types.get("RouteConfiguration")!.held).toBe(1);
  });

  it("holds for one second at most, and only what names the cluster", async () => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    edge.set(resource(CLUSTER, "a"), naming(resource(LISTENER, "l"), "a"), naming(resource(ROUTE, "r"), "a"));
    const stream = settle(manual, ["a", "b"]);
    const after = [resource(CLUSTER, "a"), resource(CLUSTER, "b"), naming(resource(LISTENER, "l", "2"), "a")];
    edge.set(...after, naming(resource(ROUTE, "r", "2"), "a", "b"));
    await Promise.resolve();
    expect(stream.take()!.typeUrl).toBe(CLUSTER);
    expect(stream.take()).toMatchObject({ typeUrl: LISTENER, names: ["l"] });
    manual.clock.advance(999);
    expect(stream.take()).toBeNull();
    manual.clock.advance(1);
    expect(stream.take()).toMatchObject({ typeUrl: ROUTE, names: ["r"] });
    // The cluster is known to be slow now: the next route does not wait again.
    manual.clock.advance(500);
    edge.set(...after, naming(resource(ROUTE, "r", "3"), "a", "b"));
    await Promise.resolve();
    expect(stream.take()).toMatchObject({ typeUrl: ROUTE, texts: ["r|3"] });
  });

  it("removes a cluster only after the route without it is accepted, a refused route keeping it", async () => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    const a = resource(CLUSTER, "a");
    edge.set(a, resource(CLUSTER, "b"), naming(resource(ROUTE, "r"), "b"));
    const stream = settle(manual, []);
    edge.set(a, naming(resource(ROUTE, "r", "2"), "a"));
    await Promise.resolve();
    const route = stream.take()!;
    expect(route).toMatchObject({ typeUrl: ROUTE, texts: ["r|2"] });
    expect(stream.take()).toBeNull();
    const refusal = { errorDetail: { code: 3, message: "no" }, ...(delta ? {} : { resourceNames: ["r"] }) };
    stream.send({ typeUrl: ROUTE, responseNonce: route.nonce, ...refusal });
    manual.clock.advance(10_000);
    expect(stream.take()).toBeNull();
    edge.set(a, naming(resource(ROUTE, "r", "3"), "a"));
    await Promise.resolve();
    const better = stream.take()!;
    answer(stream, better);
    const removal = stream.take()!;
    expect(removal).toMatchObject(delta ? { typeUrl: CLUSTER, removed: ["b"] } : { typeUrl: CLUSTER, names: ["a"] });
    answer(stream, removal);
    expect(manual.server.nodes()[0]!.ackedRevision).toBe(3);
  });

  it("removes a cluster after one second when the node never answers", async () => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    const a = resource(CLUSTER, "a");
    edge.set(a, resource(CLUSTER, "b"), naming(resource(ROUTE, "r"), "b"));
    const stream = settle(manual, []);
    edge.set(a, naming(resource(ROUTE, "r", "2"), "a"));
    await Promise.resolve();
    expect(stream.take()!.typeUrl).toBe(ROUTE);
    manual.clock.advance(1_000);
    expect(stream.take()!.typeUrl).toBe(CLUSTER);
  });

  it("keeps listeners and clusters that wait in the full set, under a version of its own", async () => {
    if (delta) return; // Only state-of-the-world responses delete by absence.
    const manual = await manualServer();
    const edge = fleet(manual.server);
    edge.set(resource(CLUSTER, "a"), naming(resource(LISTENER, "l"), "a"), resource(LISTENER, "m"));
    const stream = settle(manual, []);
    edge.set(
      resource(CLUSTER, "b"),
      resource(ENDPOINT, "b"),
      naming(resource(LISTENER, "l", "2"), "b"),
      resource(LISTENER, "m", "2"),
    );
    await Promise.resolve();
    const union = stream.take()!;
    expect(union).toMatchObject({ typeUrl: CLUSTER, names: ["b", "a"] });
    const mixed = stream.take()!;
    expect(mixed).toMatchObject({ typeUrl: LISTENER, texts: ["m|2", "l|1"] });
    answer(stream, mixed);
    answer(stream, union);
    expect(stream.take()).toBeNull();
    stream.send({ typeUrl: ENDPOINT, resourceNames: ["b"] });
    answer(stream, stream.take()!, ["b"]);
    const final = stream.take()!;
    expect(final).toMatchObject({ typeUrl: LISTENER, texts: ["l|2", "m|2"] });
    answer(stream, final);
    expect(stream.take()).toMatchObject({ typeUrl: CLUSTER, names: ["b"] });
  });
});

/** A small generator with a seed, so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A client as Envoy is one: it asks for endpoints of clusters it got, and fails when a route comes before its cluster works. */
function modelClient(
  stream: ManualStream,
  delta: boolean,
): { act: () => boolean; answerOne: () => boolean; state: object } {
  const clusters = new Map<string, string>();
  const endpoints = new Map<string, string>();
  const users = new Map<string, string>();
  const answers: object[] = [];
  const wanted = new Set<string>();
  const list = (typeUrl: string): object =>
    delta ? {} : { resourceNames: typeUrl === ENDPOINT ? [...wanted] : typeUrl === ROUTE ? ["r"] : ["*"] };
  function used(): string[] {
    return [...users.values()].flatMap((text) => text.split(":")[1]!.split(","));
  }
  function takeClusters(message: Message): void {
    const gone = delta ? message.removed : [...clusters.keys()].filter((name) => !message.names.includes(name));
    for (const name of gone) {
      if (used().includes(name)) throw new Error(`cluster ${name} was removed while in use`);
      clusters.delete(name);
      endpoints.delete(name);
    }
    for (const text of message.texts) clusters.set(text.split("|")[0]!, text);
    const added = [...clusters.keys()].filter((name) => !wanted.has(name));
    for (const name of gone) wanted.delete(name);
    for (const name of added) wanted.add(name);
    if (delta) {
      const change = { resourceNamesSubscribe: added, resourceNamesUnsubscribe: gone };
      if (added.length + gone.length > 0) answers.push({ typeUrl: ENDPOINT, ...change });
    } else if (added.length + gone.length > 0) {
      answers.push({ typeUrl: ENDPOINT, lazyNames: true });
    }
  }
  function takeUsers(message: Message): void {
    for (const text of message.texts) {
      for (const name of text.split(":")[1]!.split(",")) {
        if (!clusters.has(name) || !endpoints.has(name)) throw new Error(`${text} came before cluster ${name} works`);
      }
      users.set(text.split("|")[0]!, text);
    }
  }
  stream.send({
    node: NODE,
    typeUrl: CLUSTER,
    ...(delta ? {} : list(CLUSTER)),
    ...(delta ? { resourceNamesSubscribe: ["*"] } : {}),
  });
  stream.send({ typeUrl: LISTENER, ...(delta ? { resourceNamesSubscribe: ["*"] } : list(LISTENER)) });
  stream.send({ typeUrl: ROUTE, ...(delta ? { resourceNamesSubscribe: ["r"] } : list(ROUTE)) });
  return {
    state: { clusters, endpoints, users },
    act() {
      const message = stream.take();
      if (message === null) return false;
      answers.push({ typeUrl: message.typeUrl, responseNonce: message.nonce });
      if (message.typeUrl === CLUSTER) takeClusters(message);
      else if (message.typeUrl === ENDPOINT) {
        for (const text of message.texts) {
          const name = text.split("|")[0]!;
          if (clusters.has(name)) endpoints.set(name, text);
        }
      } else takeUsers(message);
      return true;
    },
    answerOne() {
      const next = answers.shift() as { typeUrl: string; lazyNames?: boolean } | undefined;
      if (next === undefined) return false;
      const { lazyNames: _lazy, ...request } = next;
      stream.send({ ...request, ...list(next.typeUrl) });
      return true;
    },
  };
}

function randomView(pick: (below: number) => number, turn: number): XdsResource[] {
  const count = 1 + pick(4);
  const names = ["a", "b", "c", "d", "e"].sort(() => pick(3) - 1).slice(0, count);
  const content = (): string => (pick(2) === 0 ? "same" : `${turn}`);
  const user = (typeUrl: string, name: string): XdsResource => {
    const chosen = names.filter(() => pick(2) === 0);
    const clusters = chosen.length === 0 ? [names[0]!] : chosen;
    const text = `${turn}:${clusters.join()}`;
    return naming({ ...resource(typeUrl, name, text), version: text }, ...clusters);
  };
  return [
    ...names.flatMap((name) => [resource(CLUSTER, name, content()), resource(ENDPOINT, name, content())]),
    user(LISTENER, "l"),
    user(ROUTE, "r"),
  ];
}

describe.each(BOTH)("1 000 random interleavings (delta: $delta)", ({ delta }) => {
  it("regression 8: never shows a route before its cluster works nor takes a used cluster away, and ends at the view", async () => {
    for (let seed = 1; seed <= 1_000; seed++) {
      const pick = generator(seed);
      const manual = await manualServer();
      const edge = fleet(manual.server);
      let view = randomView(pick, 0);
      edge.set(...view);
      const client = modelClient(manual.open(delta), delta);
      try {
        for (let step = 1; step <= 60; step++) {
          const action = pick(8);
          if (action === 0) {
            view = randomView(pick, step);
            edge.set(...view);
          } else if (action < 5) client.act();
          else client.answerOne();
          if (pick(3) > 0) await Promise.resolve();
        }
        await Promise.resolve();
        while (client.act() || client.answerOne());
        const texts = (typeUrl: string): Map<string, string> =>
          new Map(
            view.filter((entry) => entry.typeUrl === typeUrl).map((entry) => [entry.name, entry.bytes.toString()]),
          );
        expect(client.state).toEqual({
          clusters: texts(CLUSTER),
          endpoints: texts(ENDPOINT),
          users: new Map([...texts(LISTENER), ...texts(ROUTE)]),
        });
        expect(manual.server.nodes()[0]!.ackedRevision).toBe(edge.revision);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
