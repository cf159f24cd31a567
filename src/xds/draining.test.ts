/** What a node still uses although the view has it no more: clusters of routes that old connections follow, or that it asks for itself. */
import { describe, expect, it } from "vitest";
import { DRAIN_MS, HOLD_MS } from "./limits.ts";
import { CLUSTER, ENDPOINT, fleet, LISTENER, NODE, naming, ROUTE, resource } from "./testing.ts";
import { type ManualStream, type Message, manualServer } from "./testingTransport.ts";
import type { XdsResource } from "./types.ts";

type Names = Record<string, string[]>;

/** Takes and accepts what is written; `wanted` is read at each answer. */
function settle(stream: ManualStream, delta: boolean, wanted: Names): Message[] {
  const all: Message[] = [];
  for (let message = stream.take(); message !== null; message = stream.take()) {
    all.push(message);
    const { typeUrl, nonce: responseNonce } = message;
    stream.send({ typeUrl, responseNonce, ...(delta ? {} : { resourceNames: wanted[typeUrl] ?? [] }) });
  }
  return all;
}

const both = (name: string): XdsResource[] => [resource(CLUSTER, name), resource(ENDPOINT, name)];
const listener = (to: string): XdsResource => ({ ...resource(LISTENER, "l", to), refs: [[ROUTE, to]] });
const routeTo = (name: string, cluster: string): XdsResource => naming(resource(ROUTE, name, cluster), cluster);
const removals = (messages: readonly Message[]): string[] => messages.flatMap(({ removed }) => removed);
/** The clusters in the last full state. */
const clusters = (messages: readonly Message[]) => messages.findLast(({ typeUrl }) => typeUrl === CLUSTER)?.names;

describe.each([{ delta: true }, { delta: false }])(
  "a listener whose routes have another name now (delta: $delta)",
  ({ delta }) => {
    async function renamed() {
      const manual = await manualServer();
      const edge = fleet(manual.server);
      edge.set(...both("a"), listener("r1"), routeTo("r1", "a"));
      const stream = manual.open(delta);
      const wanted: Names = { [ENDPOINT]: ["a", "b"], [ROUTE]: ["r1", "r2"] };
      for (const typeUrl of [CLUSTER, ENDPOINT, LISTENER, ROUTE]) {
        const names = wanted[typeUrl] ?? [];
        stream.send({ node: NODE, typeUrl, ...(delta ? { resourceNamesSubscribe: names } : { resourceNames: names }) });
      }
      settle(stream, delta, wanted);
      edge.set(...both("b"), listener("r2"), routeTo("r2", "b"));
      await Promise.resolve();
      const sent = settle(stream, delta, wanted);
      return { ...manual, stream, sent, wanted, edge };
    }

    it("keeps the clusters of the old ones while they are asked for, and is up to date", async () => {
      const { sent, server, edge, clock, stream, wanted } = await renamed();
      expect(removals(sent)).toEqual(delta ? ["r1"] : []);
      expect(server.nodes()[0]).toMatchObject({ ackedRevision: edge.revision });
      expect(server.nodes()[0]!.types[0]).toMatchObject({ typeUrl: CLUSTER, kept: ["a"] });
      clock.advance(DRAIN_MS - 1);
      expect(settle(stream, delta, wanted)).toEqual([]);
      clock.advance(1);
      const last = settle(stream, delta, wanted);
      if (delta) expect(removals(last)).toEqual(["a", "a"]);
      else expect(clusters(last)).toEqual(["b"]);
      expect(server.nodes()[0]!.types[0]).toMatchObject({ kept: [] });
    });

    it("takes them away when the old ones are not asked for any more", async () => {
      const { stream, wanted } = await renamed();
      wanted[ROUTE] = ["r2"];
      stream.send({ typeUrl: ROUTE, ...(delta ? { resourceNamesUnsubscribe: ["r1"] } : { resourceNames: ["r2"] }) });
      const last = settle(stream, delta, wanted);
      if (delta) expect(removals(last)).toEqual(["a", "a"]);
      else expect(clusters(last)).toEqual(["b"]);
    });
  },
);

it("keeps a cluster that a node asks for by name until it stops, or a second", async () => {
  const manual = await manualServer();
  const edge = fleet(manual.server);
  edge.set(...both("a"), ...both("b"), listener("r"), routeTo("r", "a"));
  const stream = manual.open(false);
  const wanted: Names = { [LISTENER]: ["l"], [ROUTE]: ["r"], [CLUSTER]: ["a"], [ENDPOINT]: ["a"] };
  for (const [typeUrl, resourceNames] of Object.entries(wanted)) stream.send({ node: NODE, typeUrl, resourceNames });
  settle(stream, false, wanted);
  edge.set(...both("b"), listener("r"), routeTo("r", "b"));
  await Promise.resolve();
  expect(settle(stream, false, wanted).map(({ typeUrl }) => typeUrl)).toEqual([ROUTE]);
  wanted[CLUSTER] = ["a", "b"];
  stream.send({ typeUrl: CLUSTER, resourceNames: ["a", "b"] });
  expect(clusters(settle(stream, false, wanted))).toEqual(expect.arrayContaining(["a", "b"]));
  manual.clock.advance(HOLD_MS);
  expect(clusters(settle(stream, false, wanted))).toEqual(["b"]);
});

it.each([{ delta: true }, { delta: false }])(
  "forgets a refusal when what it was of is as before (delta: $delta)",
  async ({ delta }) => {
    const manual = await manualServer();
    const edge = fleet(manual.server);
    const good = [resource(CLUSTER, "a"), resource(CLUSTER, "b")];
    edge.set(...good);
    const stream = manual.open(delta);
    stream.send({ node: NODE, typeUrl: CLUSTER });
    settle(stream, delta, {});
    edge.set(good[0]!, resource(CLUSTER, "b", "bad"));
    await Promise.resolve();
    const { nonce } = stream.take()!;
    stream.send({ typeUrl: CLUSTER, responseNonce: nonce, errorDetail: { code: 3, message: "no" } });
    expect(manual.server.nodes()[0]!.types[0]!.nacked).toMatchObject({ resources: ["b"] });
    edge.set(...good);
    await Promise.resolve();
    settle(stream, delta, {});
    expect(manual.server.nodes()[0]).toMatchObject({ ackedRevision: edge.revision, types: [{ nacked: null }] });
  },
);

it("lets a node of unknown state keep what it asks for endpoints of, if that is remembered, until its routes have come", async () => {
  const manual = await manualServer();
  const edge = fleet(manual.server);
  edge.set(...both("a"), ...both("other"), listener("r"), routeTo("r", "a"));
  edge.set(...both("b"), listener("r"), routeTo("r", "b"));
  const stream = manual.open(false);
  const wanted: Names = { [ENDPOINT]: ["a", "b", "forgotten"], [ROUTE]: ["r"] };
  stream.send({ node: NODE, typeUrl: CLUSTER, versionInfo: "0123456789abcdef" });
  expect(stream.take()).toBeNull();
  stream.send({ typeUrl: ENDPOINT, resourceNames: wanted[ENDPOINT]!, versionInfo: "0123456789abcdef" });
  expect(clusters(settle(stream, false, wanted))).toEqual(["b", "a"]);
  for (const typeUrl of [LISTENER, ROUTE]) {
    stream.send({ typeUrl, resourceNames: wanted[typeUrl] ?? [], versionInfo: "0123456789abcdef" });
  }
  const last = settle(stream, false, wanted);
  expect(last.map(({ typeUrl }) => typeUrl)).toContain(ROUTE);
  expect(clusters(last)).toEqual(["b"]);
});

it("answers a node of unknown state that asks for clusters alone a moment later", async () => {
  const manual = await manualServer();
  const edge = fleet(manual.server);
  edge.set(...both("a"));
  edge.set(...both("b"));
  const stream = manual.open(false);
  stream.send({ node: NODE, typeUrl: CLUSTER, versionInfo: "0123456789abcdef" });
  expect(stream.take()).toBeNull();
  manual.clock.advance(HOLD_MS);
  expect(stream.take()).toMatchObject({ names: ["b"] });
});

it("does not empty a cluster that was changed as it went", async () => {
  const manual = await manualServer();
  const edge = fleet(manual.server);
  edge.set(...both("a"), ...both("b"), listener("r"), routeTo("r", "a"));
  const stream = manual.open(true);
  const wanted: Names = { [ENDPOINT]: ["b"], [ROUTE]: ["r"] };
  for (const typeUrl of [CLUSTER, ENDPOINT, LISTENER, ROUTE]) {
    stream.send({ node: NODE, typeUrl, resourceNamesSubscribe: wanted[typeUrl] ?? [] });
  }
  settle(stream, true, wanted);
  edge.set(...both("b"), listener("r"), routeTo("r", "b"));
  await Promise.resolve();
  const routes = stream.take()!;
  expect(routes).toMatchObject({ typeUrl: ROUTE });
  // Of the cluster, whose removal waits for the routes to be accepted.
  stream.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["a"] });
  const endpoints = stream.take()!;
  expect(endpoints).toMatchObject({ typeUrl: ENDPOINT, names: ["a"], removed: [] });
  stream.send({ typeUrl: ENDPOINT, responseNonce: endpoints.nonce });
  expect(stream.take()).toBeNull();
  stream.send({ typeUrl: ROUTE, responseNonce: routes.nonce });
  expect(settle(stream, true, wanted).map(({ typeUrl, removed }) => [typeUrl, removed])).toEqual([
    [CLUSTER, ["a"]],
    [ENDPOINT, ["a"]],
  ]);
});
