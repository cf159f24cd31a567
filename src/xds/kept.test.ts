/** What is gone and still sent: what nodes keep for a while waits for it, and Envoy would serve without it after 15 seconds. */
import { describe, expect, it } from "vitest";
import { ACK_WAIT_MS, COPIED_BYTES, MAX_HISTORY } from "./limits.ts";
import { CLUSTER, ENDPOINT, fleet, LISTENER, NODE, naming, ROUTE, resource } from "./testing.ts";
import { type ManualStream, type Message, manualServer } from "./testingTransport.ts";
import type { XdsResource } from "./types.ts";

const SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
const OF_OURS = "0123456789abcdef";

function takeAll(stream: ManualStream): Message[] {
  const all: Message[] = [];
  for (let message = stream.take(); message !== null; message = stream.take()) all.push(message);
  return all;
}

const short = (messages: readonly Message[]): object[] =>
  messages.map(({ typeUrl, texts, removed }) => ({ typeUrl, texts: texts.map((text) => text.slice(0, 20)), removed }));
const sent = (typeUrl: string, ...texts: string[]) => ({ typeUrl, texts, removed: [] as string[] });
const told = (typeUrl: string, ...removed: string[]) => ({ typeUrl, texts: [] as string[], removed });

const withSecret = (content: string): XdsResource => ({
  ...resource(CLUSTER, "old", content),
  refs: [
    [ENDPOINT, "of-old"],
    [SECRET, "s"],
  ],
});

describe("a node that comes back with clusters of a state that nobody knows, one of which changed and then went", () => {
  async function back() {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    const rest = [resource(CLUSTER, "new"), resource(ENDPOINT, "new"), resource(LISTENER, "l")];
    const went = [withSecret("2"), resource(ENDPOINT, "of-old"), resource(SECRET, "s"), resource(ENDPOINT, "unused")];
    edge.set(...went, naming(resource(ROUTE, "r"), "old"), ...rest);
    edge.set(...rest, naming(resource(ROUTE, "r", "2"), "new"));
    const stream = manual.open(false);
    stream.send({ node: NODE, typeUrl: CLUSTER, versionInfo: OF_OURS });
    expect(stream.take()).toBeNull();
    return { ...manual, edge, rest, stream };
  }
  const names = { typeUrl: ENDPOINT, resourceNames: ["new", "of-old", "unused"], versionInfo: OF_OURS };

  it("is sent it once more, and its endpoints and secrets with it", async () => {
    const { stream } = await back();
    stream.send(names);
    // Nothing waits for the other endpoints that are gone.
    const [clusters, endpoints, ...more] = takeAll(stream);
    expect(short([clusters!, endpoints!])).toEqual([
      sent(CLUSTER, "new|1", "old|2"),
      sent(ENDPOINT, "new|1", "of-old|1"),
    ]);
    expect(more).toEqual([]);
    stream.send({ typeUrl: SECRET, resourceNames: ["s"], versionInfo: OF_OURS });
    expect(short(takeAll(stream))).toEqual([sent(SECRET, "s|1")]);
  });

  it("is sent secrets too that it asked for before", async () => {
    const { stream } = await back();
    stream.send({ typeUrl: SECRET, resourceNames: ["s"], versionInfo: OF_OURS });
    expect(stream.take()).toBeNull();
    stream.send(names);
    expect(takeAll(stream).map(({ typeUrl }) => typeUrl)).toEqual([CLUSTER, ENDPOINT, SECRET]);
  });

  it("is sent it after many changes of others", async () => {
    const { stream, edge, rest, open } = await back();
    for (let turn = 0; turn < 2 * MAX_HISTORY; turn++) edge.set(...rest, resource(CLUSTER, "other", `${turn}`));
    stream.close();
    const later = open(false);
    later.send({ node: NODE, typeUrl: CLUSTER, versionInfo: OF_OURS });
    later.send(names);
    expect(later.take()).toMatchObject({ typeUrl: CLUSTER, names: ["new", "other", "old"] });
  });

  it("is sent them once, and as they are when they come back", async () => {
    const { stream, edge, rest, clock } = await back();
    stream.send(names);
    const first = takeAll(stream);
    const { resourceNames } = names;
    for (const { typeUrl, nonce } of first) {
      stream.send({ typeUrl, responseNonce: nonce, ...(typeUrl === ENDPOINT ? { resourceNames } : {}) });
    }
    stream.send({ typeUrl: ROUTE, resourceNames: ["r"], versionInfo: OF_OURS });
    expect(takeAll(stream)).toMatchObject([{ typeUrl: ROUTE }]);
    expect(takeAll(stream)).toEqual([]);
    edge.set(...rest, resource(ENDPOINT, "of-old", "3"), naming(resource(ROUTE, "r", "2"), "new"));
    await Promise.resolve();
    expect(short(takeAll(stream))).toEqual([sent(ENDPOINT, "of-old|3")]);
    clock.advance(1_000);
    expect(short(takeAll(stream))).toEqual([sent(CLUSTER, "new|1")]);
  });
});

/** A request of either variant. */
function ask(delta: boolean, typeUrl: string, ...names: string[]): object {
  return { node: NODE, typeUrl, ...(delta ? { resourceNamesSubscribe: names } : { resourceNames: names }) };
}

describe.each([{ delta: true }, { delta: false }])("on a stream that stays (delta: $delta)", ({ delta }) => {
  it("endpoints follow a changed cluster although both went before they could be sent", async () => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    // As large as responses are that are written alone.
    const cluster = (content: string): XdsResource => resource(CLUSTER, "c", content.repeat(COPIED_BYTES));
    const view = (content: string): XdsResource[] => [cluster(content), resource(ENDPOINT, "c")];
    const rest = [resource(CLUSTER, "d"), resource(ENDPOINT, "d"), resource(LISTENER, "l")];
    edge.set(...view("1"), ...rest, naming(resource(ROUTE, "r"), "c"));
    const stream = manual.open(delta);
    const lists: Record<string, string[]> = { [CLUSTER]: [], [ENDPOINT]: ["c", "d"], [LISTENER]: [], [ROUTE]: ["r"] };
    const answer = ({ typeUrl, nonce }: Message): void =>
      stream.send({ ...ask(delta, typeUrl, ...(delta ? [] : lists[typeUrl]!)), responseNonce: nonce });
    for (const [typeUrl, names] of Object.entries(lists)) {
      stream.send(ask(delta, typeUrl, ...names));
      for (const message of takeAll(stream)) answer(message);
    }
    edge.set(...view("2"), ...rest, naming(resource(ROUTE, "r"), "c"));
    await Promise.resolve();
    // Its clusters are on the way.
    edge.set(...rest, naming(resource(ROUTE, "r", "2"), "d"));
    await Promise.resolve();
    const clusters = stream.take()!;
    // Envoy does not answer while it waits for them.
    manual.clock.advance(ACK_WAIT_MS);
    const [endpoints, route] = takeAll(stream);
    expect(short([endpoints!])).toEqual([sent(ENDPOINT, "c|1")]);
    expect(short([route!])).toEqual([sent(ROUTE, "r|2")]);
    for (const message of [clusters, endpoints!, route!]) answer(message);
    const gone = stream.take()!;
    expect(short([gone])).toEqual([delta ? told(CLUSTER, "c") : sent(CLUSTER, "d|1")]);
    answer(gone);
    expect(short(takeAll(stream))).toEqual(delta ? [told(ENDPOINT, "c")] : []);
  });

  it("a listener that is kept for a refused one gets its routes, and these keep their cluster", async () => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    const listener = (name: string, route: string, content: string): XdsResource => ({
      ...resource(LISTENER, name, content),
      refs: [[ROUTE, route]],
    });
    const [a, b] = [resource(CLUSTER, "a"), resource(CLUSTER, "b")];
    edge.set(a, listener("old", "one", "1"), naming(resource(ROUTE, "one"), "a"));
    const stream = manual.open(delta);
    for (const [typeUrl, names] of [
      [CLUSTER, []],
      [LISTENER, []],
      [ROUTE, ["one"]],
    ] as const) {
      stream.send(ask(delta, typeUrl, ...names));
      for (const { nonce } of takeAll(stream))
        stream.send({ ...ask(delta, typeUrl, ...(delta ? [] : names)), responseNonce: nonce });
    }
    // Its routes change and it is about to ask for them, but the next listener has another place and other routes.
    edge.set(a, b, listener("old", "two", "2"), naming(resource(ROUTE, "two"), "b"));
    await Promise.resolve();
    for (let message = stream.take(); message !== null; message = stream.take()) {
      stream.send({ ...ask(delta, message.typeUrl), responseNonce: message.nonce });
    }
    edge.set(a, listener("new", "three", "1"), naming(resource(ROUTE, "three"), "a"));
    await Promise.resolve();
    const listeners = stream.take()!;
    expect(listeners).toMatchObject({ typeUrl: LISTENER, removed: [] });
    stream.send({ ...ask(delta, LISTENER), responseNonce: listeners.nonce, errorDetail: { message: "port in use" } });
    stream.send(ask(delta, ROUTE, ...(delta ? [] : ["one"]), "two"));
    expect(short(takeAll(stream)).slice(-1)).toEqual([sent(ROUTE, "two|1")]);
    manual.clock.advance(5_000);
    const kept = manual.server.nodes()[0]!.types.map(({ typeUrl, kept: names }) => [typeUrl, names]);
    expect(Object.fromEntries(kept)).toMatchObject({ [CLUSTER]: ["b"], [LISTENER]: ["old"] });
  });

  it("on a stream of its own nothing that is gone is sent", async () => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    edge.set(resource(CLUSTER, "c"), resource(ENDPOINT, "c"));
    edge.set(resource(CLUSTER, "d"));
    const stream = manual.openType(ENDPOINT, delta);
    stream.send(ask(delta, ENDPOINT, "c"));
    manual.clock.advance(2_000);
    expect(takeAll(stream).flatMap(({ names }) => names)).toEqual([]);
  });

  it("what nothing waits for is not sent", async () => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    edge.set(resource(CLUSTER, "c"), resource(ENDPOINT, "c"));
    edge.set(resource(CLUSTER, "c"));
    const stream = manual.open(delta);
    stream.send(ask(delta, CLUSTER));
    takeAll(stream);
    stream.send(ask(delta, ENDPOINT, "c"));
    expect(takeAll(stream).flatMap(({ names }) => names)).toEqual([]);
  });
});
