/** That a node has all of a type is known too when what was missing need not be told any more. */
import { expect, it } from "vitest";
import { CLUSTER, ENDPOINT, fleet, LISTENER, NODE, naming, ROUTE, resource } from "./testing.ts";
import { type ManualServer, type ManualStream, type Message, manualServer } from "./testingTransport.ts";

function takeAll(stream: ManualStream): Message[] {
  const all: Message[] = [];
  for (let message = stream.take(); message !== null; message = stream.take()) all.push(message);
  return all;
}

function answer(stream: ManualStream, { typeUrl, nonce }: Message): void {
  stream.send({ typeUrl, responseNonce: nonce });
}

/** Takes and accepts all that is written. */
function settle(stream: ManualStream): Message[] {
  const all: Message[] = [];
  for (let message = stream.take(); message !== null; message = stream.take()) {
    all.push(message);
    answer(stream, message);
  }
  return all;
}

const statusOf = ({ server }: ManualServer, typeUrl: string) =>
  server.nodes()[0]!.types.find((type) => type.typeUrl === typeUrl)!;
const listener = resource(LISTENER, "l");
const pair = (name: string) => [resource(CLUSTER, name), resource(ENDPOINT, name)];

/** The first requests of a node that comes back with all four types. */
function comeBack(stream: ManualStream, known: Record<string, string[]>): void {
  for (const typeUrl of [CLUSTER, ENDPOINT, LISTENER, ROUTE]) {
    const names = known[typeUrl]!;
    const isNamed = typeUrl === ENDPOINT || typeUrl === ROUTE;
    stream.send({
      node: NODE,
      typeUrl,
      resourceNamesSubscribe: isNamed ? names : [],
      initialResourceVersions: Object.fromEntries(names.map((name) => [name, "1"])),
    });
  }
}

it("a node that comes back and stops asking for endpoints before it is told that they are gone", async () => {
  const manual = await manualServer();
  const edge = fleet(manual.server);
  edge.set(...pair("a"), listener, naming(resource(ROUTE, "r", "2"), "a"));
  const stream = manual.open(true);
  comeBack(stream, { [CLUSTER]: ["a", "b"], [ENDPOINT]: ["a", "b"], [LISTENER]: ["l"], [ROUTE]: ["r"] });
  const [route, ...rest] = takeAll(stream);
  expect([route, rest]).toMatchObject([{ typeUrl: ROUTE, names: ["r"] }, []]);
  expect(statusOf(manual, ENDPOINT)).toMatchObject({ sent: null, acked: null, kept: ["b"] });
  stream.send({ typeUrl: ENDPOINT, resourceNamesUnsubscribe: ["b"] });
  const status = statusOf(manual, ENDPOINT);
  expect(status).toMatchObject({ sent: null, kept: [] });
  expect(status.acked).not.toBeNull();
  answer(stream, route!);
  expect(settle(stream)).toMatchObject([{ typeUrl: CLUSTER, removed: ["b"] }]);
  expect(statusOf(manual, ENDPOINT)).toEqual(status);
  expect(manual.server.nodes()[0]!.ackedRevision).toBe(edge.revision);
});

it("a node that comes back to a change that is taken back before it can be told", async () => {
  const manual = await manualServer();
  const edge = fleet(manual.server);
  const rest = [...pair("a"), ...pair("b"), listener];
  edge.set(...rest, naming(resource(ROUTE, "r"), "a"));
  edge.set(...rest, naming(resource(ROUTE, "r", "2"), "b"));
  const stream = manual.open(true);
  comeBack(stream, { [CLUSTER]: ["a"], [ENDPOINT]: ["a"], [LISTENER]: ["l"], [ROUTE]: ["r"] });
  // The route waits for its new cluster.
  expect(takeAll(stream)).toMatchObject([{ typeUrl: CLUSTER, names: ["b"] }]);
  expect(statusOf(manual, ROUTE)).toMatchObject({ sent: null, acked: null });
  edge.set(...rest, naming(resource(ROUTE, "r"), "a"));
  await Promise.resolve();
  expect(takeAll(stream)).toEqual([]);
  const { sent, acked } = statusOf(manual, ROUTE);
  expect(sent).toBeNull();
  expect(acked).not.toBeNull();
});

it("a node that stops asking for what it is to lose after it took the rest", async () => {
  const manual = await manualServer();
  const edge = fleet(manual.server);
  edge.set(...pair("a"), ...pair("b"), listener, naming(resource(ROUTE, "r"), "b"));
  const stream = manual.open(true);
  for (const [typeUrl, names] of [
    [CLUSTER, []],
    [ENDPOINT, ["a", "b"]],
    [LISTENER, []],
    [ROUTE, ["r"]],
  ] as const) {
    stream.send({ node: NODE, typeUrl, resourceNamesSubscribe: [...names] });
    settle(stream);
  }
  const before = statusOf(manual, ENDPOINT);
  edge.set(resource(CLUSTER, "a"), resource(ENDPOINT, "a", "2"), listener, naming(resource(ROUTE, "r", "2"), "a"));
  await Promise.resolve();
  const endpoints = stream.take()!;
  expect(endpoints).toMatchObject({ typeUrl: ENDPOINT, names: ["a"], removed: [] });
  answer(stream, endpoints);
  // That others are gone is told after the route, which is on its way.
  expect(takeAll(stream)).toMatchObject([{ typeUrl: ROUTE, names: ["r"] }]);
  expect(statusOf(manual, ENDPOINT)).toMatchObject({ acked: before.acked, kept: ["b"] });
  stream.send({ typeUrl: ENDPOINT, resourceNamesUnsubscribe: ["b"] });
  expect(statusOf(manual, ENDPOINT)).toMatchObject({ sent: endpoints.version, acked: endpoints.version, kept: [] });
});

it("a node that has nothing and asks for what is not there has accepted nothing", async () => {
  const manual = await manualServer({ readsErrors: () => false });
  fleet(manual.server).set(...pair("a"));
  const stream = manual.open(false);
  stream.send({ node: NODE, typeUrl: ENDPOINT, resourceNames: ["b"] });
  expect(takeAll(stream)).toEqual([]);
  expect(statusOf(manual, ENDPOINT)).toMatchObject({ sent: null, acked: null });
});
