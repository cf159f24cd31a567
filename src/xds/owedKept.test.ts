/** Endpoints that a broken stream still owed, of a cluster that changed there, and went with it before the node came back. */
import { expect, it } from "vitest";
import { CLUSTER, ENDPOINT, fleet, LISTENER, NODE, naming, ROUTE, resource } from "./testing.ts";
import { type ManualStream, type Message, manualServer } from "./testingTransport.ts";

function takeAll(stream: ManualStream): Message[] {
  const all: Message[] = [];
  for (let message = stream.take(); message !== null; message = stream.take()) all.push(message);
  return all;
}

it.each([{ goes: true }, { goes: false }])("come with the next stream (the cluster goes: $goes)", async ({ goes }) => {
  const manual = await manualServer();
  const edge = fleet(manual.server);
  const rest = [resource(CLUSTER, "d"), resource(ENDPOINT, "d"), resource(LISTENER, "l")];
  edge.set(resource(CLUSTER, "c"), resource(ENDPOINT, "c"), ...rest, naming(resource(ROUTE, "r"), "c"));
  const open = (known: string): ManualStream => {
    const stream = manual.open(true);
    stream.send({ node: NODE, typeUrl: CLUSTER, initialResourceVersions: { c: known, d: "1" } });
    stream.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["c", "d"], initialResourceVersions: { c: "1", d: "1" } });
    return stream;
  };
  const first = open("1");
  edge.set(resource(CLUSTER, "c", "2"), resource(ENDPOINT, "c"), ...rest, naming(resource(ROUTE, "r"), "c"));
  await Promise.resolve();
  expect(first.take()).toMatchObject({ typeUrl: CLUSTER, names: ["c"] });
  first.close();
  if (goes) edge.set(...rest, naming(resource(ROUTE, "r", "2"), "d"));
  manual.clock.advance(1_000);
  const second = open("2");
  expect(takeAll(second).map(({ typeUrl, names, removed }) => [typeUrl.slice(-20), names, removed])).toMatchObject([
    ["lusterLoadAssignment", ["c"], []],
  ]);
  // Taken back with their cluster, when nothing is left that could use it.
  const removed: string[] = [];
  for (let tick = 0; tick < 60; tick++) {
    manual.clock.advance(1_000);
    for (const message of takeAll(second)) {
      removed.push(...message.removed.map((name) => `${message.typeUrl.slice(-7)} ${name}`));
      second.send({ typeUrl: message.typeUrl, responseNonce: message.nonce });
    }
  }
  expect(removed.sort()).toEqual(goes ? [`${CLUSTER.slice(-7)} c`, `${ENDPOINT.slice(-7)} c`].sort() : []);
});
