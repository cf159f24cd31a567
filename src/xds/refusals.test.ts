/** What a refusal holds back, and what it does not: the rest of its response, removals of others, listeners that are replaced. */
import { describe, expect, it } from "vitest";
import type { XdsServerOptions } from "./index.ts";
import { DRAIN_MS, MAX_OUTSTANDING, SEARCH_AGAIN_MS } from "./limits.ts";
import { CLUSTER, ENDPOINT, fleet, LISTENER, NODE, naming, ROUTE, resource } from "./testing.ts";
import { type ManualServer, type ManualStream, type Message, manualServer } from "./testingTransport.ts";
import type { XdsResource } from "./types.ts";

const BOTH = [{ delta: false }, { delta: true }];

/** A node that subscribes to all four types; `refuse` says what it refuses, with which text. */
interface Node {
  readonly stream: ManualStream;
  readonly has: ReadonlyMap<string, ReadonlyMap<string, string>>;
  refuse: (message: Message) => string | null;
  /** Takes and answers everything that is written, and says what it was. */
  turn(): Message[];
}

function connectNode(manual: ManualServer, delta: boolean, refuse: Node["refuse"] = () => null): Node {
  const stream = manual.open(delta);
  const names = (list: string[]): object => (delta ? { resourceNamesSubscribe: list } : { resourceNames: list });
  const has = new Map([CLUSTER, ENDPOINT, LISTENER, ROUTE].map((typeUrl) => [typeUrl, new Map<string, string>()]));
  const wanted: Record<string, string[]> = { [CLUSTER]: [], [LISTENER]: [], [ENDPOINT]: ["a", "b"], [ROUTE]: ["r"] };
  function take(message: Message): void {
    const map = has.get(message.typeUrl)!;
    const full = !delta && (message.typeUrl === CLUSTER || message.typeUrl === LISTENER);
    for (const name of full ? [...map.keys()] : message.removed) if (!message.names.includes(name)) map.delete(name);
    for (const text of message.texts) map.set(text.split("|")[0]!, text);
  }
  const node: Node = {
    stream,
    has,
    refuse,
    turn() {
      const all: Message[] = [];
      for (let message = stream.take(); message !== null; message = stream.take()) {
        all.push(message);
        const error = node.refuse(message);
        if (error === null) take(message);
        stream.send({
          typeUrl: message.typeUrl,
          responseNonce: message.nonce,
          ...(error === null ? {} : { errorDetail: { code: 3, message: error } }),
          ...(delta ? {} : names(wanted[message.typeUrl]!)),
        });
      }
      return all;
    },
  };
  for (const [typeUrl, list] of Object.entries(wanted)) stream.send({ node: NODE, typeUrl, ...names(list) });
  node.turn();
  return node;
}

async function start(delta: boolean, view: XdsResource[], options: Partial<XdsServerOptions> = {}) {
  const manual = await manualServer(options);
  const edge = fleet(manual.server);
  edge.set(...view);
  const node = connectNode(manual, delta);
  /** Sets a view and lets the node answer until there is nothing to send. */
  async function set(...resources: XdsResource[]): Promise<Message[]> {
    edge.set(...resources);
    await Promise.resolve();
    return node.turn();
  }
  const types = () => new Map(manual.server.nodes()[0]!.types.map((type) => [type.typeUrl, type]));
  return { ...manual, edge, node, set, types };
}

const clusters = (...names: string[]): XdsResource[] => names.map((name) => resource(CLUSTER, name));
const namesOf = (node: Node, typeUrl: string): string[] => [...node.has.get(typeUrl)!.keys()].sort();

describe.each(BOTH)("removals beside a refused route (delta: $delta)", ({ delta }) => {
  const refused = naming(resource(ROUTE, "r", "2"), "c");

  async function withRefusedRoute() {
    const all = await start(delta, [...clusters("a", "b", "c"), naming(resource(ROUTE, "r"), "a")]);
    all.node.refuse = ({ typeUrl }) => (typeUrl === ROUTE ? "no" : null);
    await all.set(...clusters("a", "b", "c"), refused);
    return all;
  }

  it("go within a second, but for what the node's route or the refused one names", async () => {
    const { clock, node, set } = await withRefusedRoute();
    await set(refused);
    clock.advance(1_000);
    node.turn();
    expect(namesOf(node, CLUSTER)).toEqual(["a", "c"]);
    clock.advance(3_600_000);
    expect(node.turn()).toEqual([]);
  });

  it("do not pile up", async () => {
    const { server, clock, node, set } = await withRefusedRoute();
    for (let turn = 0; turn < 100; turn++) {
      await set(...clusters("a", `x${turn}`), refused);
      clock.advance(200);
      node.turn();
    }
    clock.advance(1_000);
    node.turn();
    expect(namesOf(node, CLUSTER)).toEqual(["a", "c", "x99"]);
    expect(server.metrics().types.get("Cluster")!.held).toBeLessThanOrEqual(101);
  });

  it("go once a better route is accepted", async () => {
    const { node, set } = await withRefusedRoute();
    node.refuse = () => null;
    await set(...clusters("b"), naming(resource(ROUTE, "r", "3"), "b"));
    expect(namesOf(node, CLUSTER)).toEqual(["b"]);
  });

  it("leave nodes of one state the same payload", async () => {
    const { node, edge, ...manual } = await withRefusedRoute();
    const other = connectNode(manual, delta);
    await Promise.resolve();
    const refuse = ({ typeUrl }: Message): string | null => (typeUrl === ROUTE ? "no" : null);
    other.refuse = refuse;
    edge.set(...clusters("a", "b", "c", "d"), naming(resource(ROUTE, "r", "3"), "c"));
    await Promise.resolve();
    node.turn();
    other.turn();
    const nonces = async (...view: XdsResource[]): Promise<(string | undefined)[]> => {
      edge.set(...view, naming(resource(ROUTE, "r", "3"), "c"));
      await Promise.resolve();
      manual.clock.advance(1_000);
      const of = (one: Node) => one.turn().find(({ typeUrl }) => typeUrl === CLUSTER)?.nonce;
      return [of(node), of(other)];
    };
    const [one, two] = await nonces(...clusters("a", "c", "d", "e"));
    expect(one).toBeDefined();
    expect(two).toBe(one);
    const [three, four] = await nonces(...clusters("a", "c", "d", "e", "f"));
    expect(three).toBeDefined();
    expect(four).toBe(three);
  });
});

describe.each(BOTH)("a listener that moves to another port (delta: $delta)", ({ delta }) => {
  const routes = (...list: string[]): XdsResource[] => list.map((name) => naming(resource(ROUTE, name), "a"));
  const listener = (name: string): XdsResource => ({ ...resource(LISTENER, name), refs: [[ROUTE, "r"]] });

  it("is added first, and its old one goes when the new one is accepted", async () => {
    const { set, server } = await start(delta, [...clusters("a"), listener("l-80"), ...routes("r")]);
    const seen = (await set(...clusters("a"), listener("l-81"), ...routes("r"))).filter(
      ({ typeUrl }) => typeUrl === LISTENER,
    );
    expect(seen.map(({ names, removed }) => [[...names].sort(), removed])).toEqual(
      delta
        ? [
            [["l-81"], []],
            [[], ["l-80"]],
          ]
        : [
            [["l-80", "l-81"], []],
            [["l-81"], []],
          ],
    );
    expect(server.nodes()[0]!.ackedRevision).toBe(2);
  });

  it("keeps its old one, with all that this needs, while the new one is refused", async () => {
    const old = { ...resource(LISTENER, "l-80"), refs: [[ROUTE, "r"] as const] };
    const moved = { ...resource(LISTENER, "l-81"), refs: [[ROUTE, "r-81"] as const] };
    const { node, clock, set, types, server } = await start(delta, [...clusters("a", "b"), old, ...routes("r")]);
    node.refuse = ({ names }) => (names.includes("l-81") ? "l-81: cannot bind" : null);
    await set(...clusters("b"), moved, naming(resource(ROUTE, "r-81"), "b"));
    clock.advance(10_000);
    node.turn();
    expect(namesOf(node, LISTENER)).toEqual(["l-80"]);
    expect(namesOf(node, ROUTE)).toEqual(["r"]);
    // The old route still leads to it.
    expect(namesOf(node, CLUSTER)).toEqual(["a", "b"]);
    expect(types().get(LISTENER)).toMatchObject({ nacked: { message: "l-81: cannot bind", resources: ["l-81"] } });
    node.refuse = () => null;
    const better = { ...resource(LISTENER, "l-82"), refs: [[ROUTE, "r-81"] as const] };
    await set(...clusters("b"), better, naming(resource(ROUTE, "r-81"), "b"));
    clock.advance(2_000);
    node.turn();
    expect(namesOf(node, LISTENER)).toEqual(["l-82"]);
    // The node still asks for the old route: connections of the old listener may come to it.
    expect(namesOf(node, CLUSTER)).toEqual(["a", "b"]);
    expect(server.nodes()[0]!.ackedRevision).toBe(3);
    clock.advance(DRAIN_MS);
    node.turn();
    expect(namesOf(node, CLUSTER)).toEqual(["b"]);
    expect(types().get(LISTENER)).toMatchObject({ nacked: null });
  });

  it("makes room when it stands in the way of the new one itself", async () => {
    const readRefusal = () => "occupied" as const;
    const { node, set } = await start(delta, [listener("http-80"), ...routes("r")], { readRefusal });
    node.refuse = ({ names, removed }) =>
      names.includes("tcp-80") && (delta ? !removed.includes("http-80") : names.includes("http-80"))
        ? "tcp-80 has duplicate address as existing listener"
        : null;
    await set(listener("tcp-80"), ...routes("r"));
    expect(namesOf(node, LISTENER)).toEqual(["tcp-80"]);
  });

  it("keeps its old one while the new one waits for a cluster, and until it is answered", async () => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    edge.set(...clusters("a"), naming(resource(LISTENER, "l-80"), "a"));
    const node = connectNode(manual, delta);
    // The cluster's endpoints are not asked for: it does not get ready.
    edge.set(...clusters("a", "new"), resource(ENDPOINT, "new"), naming(resource(LISTENER, "l-81"), "new"));
    await Promise.resolve();
    node.turn();
    manual.clock.advance(999);
    node.turn();
    expect(namesOf(node, LISTENER)).toEqual(["l-80"]);
    manual.clock.advance(1);
    const added = node.stream.take()!;
    expect(added.removed).toEqual([]);
    expect(added.names).toEqual(delta ? ["l-81"] : ["l-81", "l-80"]);
    manual.clock.advance(999);
    expect(node.stream.take()).toBeNull();
    manual.clock.advance(1);
    expect(node.stream.take()).toMatchObject(delta ? { removed: ["l-80"] } : { names: ["l-81"] });
  });

  it("keeps its old one over a reconnect", async () => {
    if (!delta) return;
    const manual = await manualServer();
    fleet(manual.server).set(...clusters("b"), listener("l-81"), naming(resource(ROUTE, "r"), "b"));
    const stream = manual.open(true);
    stream.send({ node: NODE, typeUrl: LISTENER, initialResourceVersions: { "l-80": "1" } });
    const added = stream.take()!;
    expect(added).toMatchObject({ names: ["l-81"], removed: [] });
    const errorDetail = { code: 3, message: "l-81: cannot bind" };
    stream.send({ typeUrl: LISTENER, responseNonce: added.nonce, errorDetail });
    manual.clock.advance(10_000);
    expect(stream.take()).toBeNull();
  });
});

describe.each(BOTH)("one bad resource among 200 (delta: $delta)", ({ delta }) => {
  const good = clusters("old");
  const many = Array.from({ length: 200 }, (_, index) => `c${index}`);
  const isBad = ({ texts }: Message): boolean => texts.some((text) => text.startsWith("c137|"));

  it.each([
    { title: "named", text: 'validation failed: name: "c137"', rounds: 2 },
    { title: "named without quotes", text: "Error adding/updating cluster(s) c137: no", rounds: 2 },
    { title: "not named", text: "validation failed", rounds: 21 },
  ])("stands alone in the end, $title", async ({ text, rounds }) => {
    const nacks: string[] = [];
    const { node, set, types, clock } = await start(delta, good, { onNack: ({ message }) => nacks.push(message) });
    node.refuse = (message) => (isBad(message) ? text : null);
    const seen = await set(...good, ...clusters(...many));
    const left = [...many.filter((name) => name !== "c137"), "old"].sort();
    expect(namesOf(node, CLUSTER)).toEqual(left);
    expect(seen.filter(({ typeUrl }) => typeUrl === CLUSTER).length).toBeLessThanOrEqual(rounds);
    const status = types().get(CLUSTER)!;
    expect(status.nacked).toMatchObject({ message: text, resources: ["c137"] });
    expect(status.acked).not.toBe(status.nacked!.version);
    // Nothing more comes of it, and later changes get through.
    clock.advance(3_600_000);
    expect(node.turn()).toEqual([]);
    const before = nacks.length;
    await set(...good, ...clusters(...many), resource(CLUSTER, "new"));
    expect(namesOf(node, CLUSTER)).toEqual([...left, "new"].sort());
    expect(nacks).toHaveLength(before);
    await set(...good, ...clusters(...many.filter((name) => name !== "c137")), resource(CLUSTER, "new"));
    expect(types().get(CLUSTER)).toMatchObject({ nacked: null });
  });

  it("keeps the content that was accepted before", async () => {
    const { node, set } = await start(delta, clusters("c137", ...many.slice(0, 50)));
    node.refuse = ({ texts }) => (texts.includes("c137|2") ? "no" : null);
    await set(resource(CLUSTER, "c137", "2"), ...many.slice(0, 50).map((name) => resource(CLUSTER, name, "2")));
    expect(node.has.get(CLUSTER)!.get("c137")).toBe("c137|1");
    expect([...node.has.get(CLUSTER)!.values()].filter((text) => text.endsWith("|2"))).toHaveLength(50);
  });

  it("and three more are found", async () => {
    const { node, set } = await start(delta, good);
    const bad = ["c3", "c77", "c78", "c199"];
    node.refuse = ({ names }) => (names.some((name) => bad.includes(name)) ? "no" : null);
    await set(...good, ...clusters(...many));
    expect(namesOf(node, CLUSTER)).toEqual(["old", ...many.filter((name) => !bad.includes(name))].sort());
  });

  it("is not looked for in a node that refuses everything", async () => {
    const { node, set, clock } = await start(delta, good);
    node.refuse = ({ typeUrl }) => (typeUrl === CLUSTER ? "no" : null);
    const seen = await set(...good, ...clusters(...many));
    expect(seen.filter(({ typeUrl }) => typeUrl === CLUSTER).length).toBe(4);
    clock.advance(SEARCH_AGAIN_MS - 1);
    expect(node.turn()).toEqual([]);
    // Three single ones more.
    clock.advance(3_600_000);
    expect(node.turn().length).toBe(3);
  });

  it("is not looked for in vain for good when the first that are tried are bad as well", async () => {
    const { node, set, clock } = await start(delta, good);
    const bad = new Set([many[0]!, many[99]!, many[199]!]);
    node.refuse = ({ typeUrl, names }) => (typeUrl === CLUSTER && names.some((name) => bad.has(name)) ? "no" : null);
    await set(...good, ...clusters(...many));
    clock.advance(SEARCH_AGAIN_MS);
    node.turn();
    const has = namesOf(node, CLUSTER);
    expect(many.filter((name) => !has.includes(name))).toEqual([...bad]);
  });

  it.each([
    { title: "finds one bad for all", isRefused: isBad, others: 2 },
    { title: "leaves all alone that refuse everything", isRefused: () => true, others: 1 },
  ])("of many nodes one is asked: $title", async ({ isRefused, others }) => {
    const manual = await manualServer();
    fleet(manual.server).set(...clusters(...many));
    const nodes = Array.from({ length: 20 }, () =>
      connectNode(manual, delta, (message) => (isRefused(message) ? "no" : null)),
    );
    const responses = (): number => manual.server.metrics().types.get("Cluster")!.responses;
    for (let turn = 0; turn < 50; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const node of nodes) node.turn();
    }
    expect(responses()).toBeLessThanOrEqual(others * nodes.length + 25);
    const has = isRefused === isBad ? many.filter((name) => name !== "c137").sort() : [];
    for (const node of nodes) expect(namesOf(node, CLUSTER)).toEqual(has);
    manual.clock.advance(10_000);
    for (const node of nodes) expect(node.turn()).toEqual([]);
  });

  // A node that refuses all and one that refuses one resource of 200 say the same to the first response. Who sends no second one leaves 199
  // out; and one single resource that is refused may be the bad one. So somebody has to be asked, and it is one node.
  it("costs one node three questions, and the others one response, when all of it is refused", async () => {
    const manual = await manualServer();
    fleet(manual.server).set(...clusters(...many));
    const connected = Array.from({ length: 10 }, () => {
      const got: Message[] = [];
      const refuse = (message: Message): string => {
        if (message.typeUrl === CLUSTER) got.push(message);
        return "no";
      };
      return { node: connectNode(manual, delta, refuse), got };
    });
    for (let turn = 0; turn < 50; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const { node } of connected) node.turn();
    }
    const [asked, ...others] = connected.map(({ got }) => got.map(({ names }) => names.length));
    expect(asked).toEqual([200, 1, 1, 1]);
    expect(others).toEqual(others.map(() => [200]));
  });

  it("gets its endpoints again with every cluster that is taken in the end", async () => {
    const view = (version: string): XdsResource[] => ["a", "b"].map((name) => resource(CLUSTER, name, version));
    const endpoints = ["a", "b"].map((name) => resource(ENDPOINT, name));
    const { node, set } = await start(delta, [...view("1"), ...endpoints]);
    node.refuse = ({ texts }) => (texts.includes("b|2") ? "b is bad" : null);
    const seen = await set(...view("2"), ...endpoints);
    const accepted = seen.findIndex(({ typeUrl, texts }) => typeUrl === CLUSTER && !texts.includes("b|2"));
    expect(seen.slice(accepted).some(({ typeUrl, names }) => typeUrl === ENDPOINT && names.includes("a"))).toBe(true);
  });
});

it("a version is accepted only when nothing of it was refused", async () => {
  const { node, set, types } = await start(true, [...clusters("a"), resource(LISTENER, "l"), resource(LISTENER, "m")]);
  const before = types().get(LISTENER)!.acked;
  node.refuse = ({ names }) => (names.includes("l") ? "no" : null);
  // The removal goes in a second response of the same version, and is accepted.
  await set(...clusters("a"), resource(LISTENER, "l", "2"));
  const { acked, nacked } = types().get(LISTENER)!;
  expect(namesOf(node, LISTENER)).toEqual(["l"]);
  expect(acked).toBe(before);
  expect(nacked!.version).not.toBe(acked);
});

it("what came in a full state that was forgotten unanswered shares the blame of those that repeat it", async () => {
  const { server, open, clock } = await manualServer();
  const edge = fleet(server);
  edge.set(resource(CLUSTER, "a"));
  const stream = open(false);
  stream.send({ node: NODE, typeUrl: CLUSTER });
  stream.send({ typeUrl: CLUSTER, responseNonce: stream.take()!.nonce });
  const view = [resource(CLUSTER, "a"), resource(CLUSTER, "bad")];
  let last: Message | null = null;
  for (let turn = 0; turn <= MAX_OUTSTANDING; turn++) {
    edge.set(...view, resource(CLUSTER, "changing", `${turn}`));
    await Promise.resolve();
    clock.advance(1_000);
    last = stream.take();
  }
  const errorDetail = { code: 3, message: "no" };
  for (let message = last; message !== null; message = stream.take()) {
    const isBad = message.names.includes("bad");
    stream.send({ typeUrl: CLUSTER, responseNonce: message.nonce, ...(isBad ? { errorDetail } : {}) });
    if (!isBad) last = message;
  }
  expect([...last!.names].sort()).toEqual(["a", "changing"]);
  expect(last!.texts.find((text) => text.startsWith("changing"))).toContain(`${MAX_OUTSTANDING}`);
});
