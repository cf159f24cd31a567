/** What hostile or broken clients cannot do. */
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, expect, it } from "vitest";
import { DiscoveryRequestSchema } from "../gen/proto/envoy/service/discovery/v3/discovery_pb.js";
import { finish } from "../util/steps.ts";
import { BadRequest, decodeDeltaSteps, decodeNamesSteps, decodeSotwSteps, decodeVersionsSteps } from "./decode.ts";
import { MAX_NAME_BYTES, MAX_NAMES, MAX_TYPES_PER_STREAM } from "./limits.ts";
import { CLUSTER, connect, ENDPOINT, fleet, NODE, ROUTE, resource, startServer, subscriber } from "./testing.ts";
import { manualServer } from "./testingTransport.ts";

const decodeDelta = (bytes: Buffer) => finish(decodeDeltaSteps(bytes, []));
const decodeSotw = (bytes: Buffer, known: Iterable<Buffer>) => finish(decodeSotwSteps(bytes, known));
const decodeVersions = (raw: Buffer) => finish(decodeVersionsSteps(raw));
const decodeNames = (raw: Buffer) => finish(decodeNamesSteps(raw));

const undo: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

it("ends a stream that is silent after opening, and only that", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(resource(CLUSTER, "a"));
  const silent = manual.open(true);
  const good = manual.open(true);
  good.send({ node: NODE, typeUrl: CLUSTER });
  manual.clock.advance(15_000);
  expect(silent.status).toMatchObject({ code: 3 });
  expect(good.status).toBeNull();
  expect(manual.server.metrics()).toMatchObject({ openStreams: 2, streams: 2, refusedStreams: 1 });
  silent.close();
  expect(manual.server.metrics().openStreams).toBe(1);
});

it("refuses long names, many types and bytes that are no message", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(resource(CLUSTER, "a"));
  const long = manual.open(true);
  long.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: ["x".repeat(MAX_NAME_BYTES + 1)] });
  expect(long.status).toMatchObject({ code: 3, message: expect.stringContaining("name is longer") });
  const many = manual.open(false);
  for (let type = 0; type <= MAX_TYPES_PER_STREAM; type++) many.send({ node: NODE, typeUrl: `t/${type}` });
  expect(many.status).toMatchObject({ code: 3, message: expect.stringContaining("types") });
  expect(() => decodeDelta(Buffer.from([0x12, 0x7f, 0x01]))).toThrow(BadRequest);
  expect(() => decodeSotw(Buffer.from([0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f]), [])).toThrow(BadRequest);
  expect(() => decodeNames(Buffer.from([0x1a, 5, 0x61]))).toThrow(BadRequest);
});

it("bounds the names of a delta subscription over many requests", async () => {
  const manual = await manualServer();
  fleet(manual.server).set(resource(CLUSTER, "a"));
  const stream = manual.open(true);
  const half = (start: number): string[] =>
    Array.from({ length: MAX_NAMES / 2 + 1 }, (_, index) => `n${start + index}`);
  stream.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: half(0) });
  expect(stream.status).toBeNull();
  stream.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: half(MAX_NAMES) });
  expect(stream.status).toMatchObject({ code: 3, message: expect.stringContaining(`${MAX_NAMES}`) });
});

it("acts on very many names as on few", async () => {
  const manual = await manualServer();
  const edge = fleet(manual.server);
  edge.set(resource(ENDPOINT, "a"), resource(ENDPOINT, "b"), resource(CLUSTER, "c"));
  const stream = manual.open(true);
  stream.send({ node: NODE, typeUrl: CLUSTER, resourceNamesSubscribe: ["c"] });
  const { nonce } = stream.take()!;
  const none = Array.from({ length: 20_000 }, (_, index) => `none-${index}`);
  stream.send({ typeUrl: CLUSTER, responseNonce: nonce });
  const many = { resourceNamesSubscribe: ["b", ...none, "a"], resourceNamesUnsubscribe: [...none, "b"] };
  stream.send({ typeUrl: ENDPOINT, ...many });
  const seen = new Set<string>();
  for (let message = stream.take(); message !== null; message = stream.take()) {
    for (const name of message.names) seen.add(name);
    stream.send({ typeUrl: ENDPOINT, responseNonce: message.nonce });
  }
  expect(seen.has("a")).toBe(true);
  edge.set(resource(ENDPOINT, "a", "2"), resource(ENDPOINT, "b", "2"), resource(CLUSTER, "c"));
  await Promise.resolve();
  expect(stream.take()).toMatchObject({ names: ["a"], removed: [] });
  expect(manual.server.metrics()).toMatchObject({ staleNonces: 0 });
  // As in one request: what is in both lists is not wanted.
  stream.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["b"], resourceNamesUnsubscribe: ["b"] });
  expect(stream.take()).toBeNull();
});

it("survives 20 000 mutated requests", () => {
  const request = create(DiscoveryRequestSchema, {
    node: NODE,
    typeUrl: CLUSTER,
    resourceNames: ["a", "b"],
    responseNonce: "x",
  });
  const good = Buffer.from(toBinary(DiscoveryRequestSchema, request));
  let state = 7;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  };
  for (let turn = 0; turn < 20_000; turn++) {
    const bytes = Buffer.from(good);
    for (let flips = random() % 4; flips >= 0; flips--) bytes[random() % bytes.length] = random() & 255;
    for (const decode of [
      (input: Buffer) => decodeNames(decodeDelta(input).rawSubscribe),
      (input: Buffer) => decodeVersions(decodeDelta(input).rawVersions),
      (input: Buffer) => decodeNames(decodeSotw(input, [good]).rawNames),
    ]) {
      try {
        decode(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(BadRequest);
      }
    }
  }
});

it("reads equal names as equal bytes wherever they stand", () => {
  const names = ["a", "b", "*"];
  const encode = (version: string): Buffer =>
    Buffer.from(
      toBinary(
        DiscoveryRequestSchema,
        create(DiscoveryRequestSchema, { versionInfo: version, resourceNames: names, typeUrl: CLUSTER }),
      ),
    );
  const { rawNames } = decodeSotw(encode(""), []);
  expect(decodeNames(rawNames)).toEqual(names);
  const again = decodeSotw(encode("some version"), [rawNames]);
  expect(again.rawNames.equals(rawNames)).toBe(true);
  expect(again.typeUrl).toBe(CLUSTER);
  // A prefix of the names is not the same subscription.
  const shorter = decodeSotw(encode(""), [rawNames.subarray(0, 3)]);
  expect(decodeNames(shorter.rawNames)).toEqual(names);
});

it("gives streams of one group the same bytes once, and never a nonce twice on a stream", async () => {
  const manual = await manualServer();
  const edge = fleet(manual.server);
  edge.set(resource(CLUSTER, "a"));
  const streams = [manual.open(true), manual.open(true), manual.open(true)];
  const seen = streams.map(() => new Set<string>());
  let shared = 0;
  for (const stream of streams) stream.send({ node: NODE, typeUrl: CLUSTER, resourceNamesSubscribe: ["a"] });
  for (let turn = 0; turn < 20; turn++) {
    const nonces = streams.map((stream, index) => {
      const { nonce } = stream.take()!;
      expect(seen[index]!.has(nonce)).toBe(false);
      seen[index]!.add(nonce);
      stream.send({ typeUrl: CLUSTER, responseNonce: nonce });
      return nonce;
    });
    if (new Set(nonces).size === 1) shared += 1;
    if (turn % 3 === 0) for (const stream of streams) stream.send({ typeUrl: CLUSTER, resourceNamesSubscribe: ["a"] });
    else edge.set(resource(CLUSTER, "a", `turn ${turn}`));
    await Promise.resolve();
  }
  expect(shared).toBe(20);
});

it("shows each stream of a node, and counts by type", async () => {
  const { server, address } = await startServer();
  undo.push(() => server.close());
  const edge = fleet(server);
  edge.set(resource(CLUSTER, "a"), resource(ROUTE, "r"));
  const client = connect(address);
  undo.push(() => client.close());
  const perType = { delta: true, ads: false };
  const clusters = client.stream(perType, CLUSTER);
  const clusterSub = subscriber(clusters, CLUSTER);
  clusterSub.wantAll();
  clusterSub.ack(await clusters.next());
  const routes = client.stream(perType, ROUTE);
  const routeSub = subscriber(routes, ROUTE);
  routeSub.want("r");
  const seen = await routes.next();
  const entries = () => [...server.nodes("edge")].sort((a, b) => (a.types[0]!.typeUrl < b.types[0]!.typeUrl ? -1 : 1));
  const revisions = (): unknown => entries().map(({ ackedRevision }) => ackedRevision);
  await expect
    .poll(() => entries().map(({ nodeId, types }) => [nodeId, types.map(({ typeUrl }) => typeUrl)]))
    .toEqual([
      ["n1", [CLUSTER]],
      ["n1", [ROUTE]],
    ]);
  expect(revisions()).toEqual([1, null]);
  routeSub.ack(seen);
  await expect.poll(revisions).toEqual([1, 1]);
  expect(server.nodes("other")).toEqual([]);
  // The view is the same: nothing is sent, and the node runs the new revision.
  server.setView(
    "edge",
    new Map([
      [CLUSTER, new Map([["a", resource(CLUSTER, "a")]])],
      [ROUTE, new Map([["r", resource(ROUTE, "r")]])],
    ]),
    2,
  );
  await expect.poll(revisions).toEqual([2, 2]);
  expect(server.metrics()).toMatchObject({ openStreams: 2, requests: 4, staleNonces: 0 });
  expect(server.metrics().types.get("RouteConfiguration")).toMatchObject({
    responses: 1,
    resources: 1,
    acks: 1,
    nacks: 0,
  });
  await expect(server.listen("127.0.0.1:1")).rejects.toThrow();
});

it("tells two nodes with one id apart by their addresses", async () => {
  const { server, address } = await startServer();
  undo.push(() => server.close());
  fleet(server).set(resource(CLUSTER, "a"));
  const before = Date.now();
  for (const answer of ["ack", "nack"] as const) {
    const client = connect(address);
    undo.push(() => client.close());
    const stream = client.stream({ delta: true, ads: true });
    const sub = subscriber(stream, CLUSTER);
    sub.wantAll();
    sub[answer](await stream.next());
  }
  await expect.poll(() => server.nodes().filter(({ types }) => types[0]!.nacked !== null)).toHaveLength(1);
  const nodes = server.nodes();
  expect(nodes.map(({ nodeId }) => nodeId)).toEqual(["n1", "n1"]);
  expect(nodes.map(({ ackedRevision }) => ackedRevision).sort()).toEqual([1, null]);
  expect(new Set(nodes.map(({ peer }) => peer)).size).toBe(2);
  for (const { peer, connectedAt } of nodes) {
    expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(Date.parse(connectedAt)).toBeGreaterThanOrEqual(before - 1_000);
  }
});

it("spends no more on an ACK among 20 000 clusters than on a request that says nothing, without endpoints too", async () => {
  const manual = await manualServer();
  const edge = fleet(manual.server);
  const rest = Array.from({ length: 20_000 }, (_, index) => resource(CLUSTER, `c${index}`));
  const endpoints = rest.map(({ name }) => resource(ENDPOINT, name));
  edge.set(...rest, ...endpoints);
  const stream = manual.open(true);
  stream.send({ node: NODE, typeUrl: CLUSTER });
  stream.send({ typeUrl: CLUSTER, responseNonce: stream.take()!.nonce });
  const time = (responseNonce: string): number => {
    const since = performance.now();
    stream.send({ typeUrl: CLUSTER, responseNonce });
    return performance.now() - since;
  };
  const spent: Record<"ack" | "other", number[]> = { ack: [], other: [] };
  for (let turn = 0; turn < 40; turn++) {
    edge.set(...rest, resource(CLUSTER, "changing", `${turn}`), ...endpoints);
    await Promise.resolve();
    const { nonce } = stream.take()!;
    spent.other.push(time("stale"));
    spent.ack.push(time(nonce));
  }
  // The median: a collection of garbage may fall into any of them.
  const median = (list: number[]): number => list.sort((a, b) => a - b)[20]!;
  expect(median(spent.ack)).toBeLessThan(5 * median(spent.other));
});
