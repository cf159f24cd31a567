/** Streams that ask for the same share what they ask for and what they get, and are told apart as soon as they are not alike. */
import { describe, expect, it } from "vitest";
import { SPLIT_BYTES } from "./limits.ts";
import { VIRTUAL_HOST } from "./resourceTypes.ts";
import { CLUSTER, ENDPOINT, fleet, LISTENER, NODE, ROUTE, resource, viewOf } from "./testing.ts";
import { type ManualStream, type Message, manualServer } from "./testingTransport.ts";
import type { XdsResource } from "./types.ts";

const NAMES = Array.from({ length: 50 }, (_, index) => `n${index}`);
const endpoints = (names: readonly string[], content = "1"): XdsResource[] =>
  names.map((name) => resource(ENDPOINT, name, content));
const asking = (delta: boolean, typeUrl: string, names: readonly string[]): object => ({
  typeUrl,
  ...(delta ? { resourceNamesSubscribe: names } : { resourceNames: names }),
});

/** Takes all that comes, and accepts it: `names` as state of the world repeats them. */
function settle(stream: ManualStream, delta: boolean, names: readonly string[]): Message[] {
  const seen: Message[] = [];
  for (let message = stream.take(); message !== null; message = stream.take()) {
    seen.push(message);
    const { typeUrl, nonce: responseNonce } = message;
    stream.send({ typeUrl, responseNonce, ...(delta ? {} : { resourceNames: [...names] }) });
  }
  return seen;
}

describe.each([true, false])("delta: %s", (delta) => {
  it("a thousand streams with equal names hold one list, which goes with the last of them", async () => {
    const { server, open } = await manualServer();
    fleet(server).set(...endpoints(NAMES));
    const streams = Array.from({ length: 1_000 }, (_, index) => open(delta, `10.0.${index >> 8}.${index & 255}:1`));
    const seen = streams.map((stream) => {
      stream.send({ node: NODE, ...asking(delta, ENDPOINT, NAMES) });
      return settle(stream, delta, NAMES);
    });
    expect(server.metrics().nameSets).toBe(1);
    for (const messages of seen) expect(messages.map(({ names }) => names)).toEqual([NAMES]);
    expect(new Set(seen.map(([message]) => message!.bytes)).size).toBe(1);
    for (const stream of streams.slice(1)) stream.close();
    expect(server.metrics().nameSets).toBe(1);
    streams[0]!.close();
    expect(server.metrics()).toMatchObject({ nameSets: 0, clientBytes: 0 });
  });

  it("shares a part of a view as well, and what is not there is told to each", async () => {
    const { server, open } = await manualServer();
    fleet(server).set(...endpoints(NAMES));
    const wanted = [...NAMES.slice(10), "missing"];
    const seen = [1, 2, 3, 4].map(() => {
      const stream = open(delta);
      stream.send({ node: NODE, ...asking(delta, ENDPOINT, wanted) });
      return settle(stream, delta, wanted);
    });
    for (const messages of seen) {
      expect(messages.flatMap(({ names }) => names)).toEqual(NAMES.slice(10));
      if (delta) expect(messages.flatMap(({ removed }) => removed)).toEqual(["missing"]);
    }
  });

  it("what one adds or leaves is not the others'", async () => {
    const { server, open } = await manualServer();
    const edge = fleet(server);
    edge.set(...endpoints([...NAMES, "more"]));
    const [plain, adds, leaves] = [1, 2, 3].map(() => open(delta)) as [ManualStream, ManualStream, ManualStream];
    for (const stream of [plain, adds, leaves]) {
      stream.send({ node: NODE, ...asking(delta, ENDPOINT, NAMES) });
      settle(stream, delta, NAMES);
    }
    const [added, left] = [[...NAMES, "more"], NAMES.slice(1)];
    if (delta) {
      adds.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["more"] });
      leaves.send({ typeUrl: ENDPOINT, resourceNamesUnsubscribe: ["n0"] });
      // A difference is no list of its own.
      expect(server.metrics().nameSets).toBe(1);
    } else {
      adds.send(asking(false, ENDPOINT, added));
      leaves.send(asking(false, ENDPOINT, left));
      expect(server.metrics().nameSets).toBe(3);
    }
    expect(settle(adds, delta, added).flatMap(({ names }) => names)).toEqual(["more"]);
    expect(settle(leaves, delta, left)).toEqual([]);
    edge.set(...endpoints(NAMES.slice(1)), resource(ENDPOINT, "n0", "2"), resource(ENDPOINT, "more", "2"));
    await null;
    expect(settle(plain, delta, NAMES).flatMap(({ names }) => names)).toEqual(["n0"]);
    expect(settle(adds, delta, added).flatMap(({ names }) => names.toSorted())).toEqual(["more", "n0"]);
    expect(settle(leaves, delta, left)).toEqual([]);
    for (const stream of [plain, adds, leaves]) stream.close();
    expect(server.metrics().nameSets).toBe(0);
  });

  it("a change, a removal and a new resource between the request and the answer are in the answer", async () => {
    const { server, open } = await manualServer();
    const edge = fleet(server);
    const clusters = [resource(CLUSTER, "c")];
    edge.set(...clusters, ...endpoints(NAMES));
    const wanted = [...NAMES, "new"];
    const streams = [1, 2, 3].map(() => {
      const stream = open(delta);
      // The first answer is not taken, so the second waits.
      stream.send({ node: NODE, ...asking(delta, CLUSTER, []) });
      stream.send(asking(delta, ENDPOINT, wanted));
      return stream;
    });
    const changed = [resource(ENDPOINT, "n0", "2"), resource(ENDPOINT, "new")];
    edge.set(...clusters, ...changed, ...endpoints(NAMES.slice(2)));
    await null;
    for (const stream of streams) {
      const texts = new Map<string, string>();
      for (const { typeUrl, names, texts: contents } of settle(stream, delta, wanted)) {
        if (typeUrl === ENDPOINT) names.forEach((name, index) => void texts.set(name, contents[index]!));
      }
      expect([...texts.keys()].sort()).toEqual(["n0", "new", ...NAMES.slice(2)].sort());
      expect(texts.get("n0")).toBe("n0|2");
    }
  });

  it("what is too long for one response comes in parts, the same for all", async () => {
    const { server, open } = await manualServer();
    const edge = fleet(server);
    const long = "x".repeat(SPLIT_BYTES / 20);
    edge.set(...endpoints(NAMES, long));
    const seen = [1, 2, 3].map(() => {
      const stream = open(delta);
      stream.send({ node: NODE, ...asking(delta, ENDPOINT, NAMES) });
      return settle(stream, delta, NAMES);
    });
    for (const messages of seen) {
      expect(messages.length).toBeGreaterThan(2);
      expect(messages.flatMap(({ names }) => names)).toEqual(NAMES);
      for (const { bytes } of messages) expect(bytes.length).toBeLessThan(SPLIT_BYTES + 1_000);
    }
    expect(seen[2]!.map(({ bytes }) => bytes)).toEqual(seen[1]!.map(({ bytes }) => bytes));
    // What goes, and what changes, between two parts.
    const stream = open(delta);
    stream.send({ node: NODE, ...asking(delta, ENDPOINT, NAMES) });
    const first = stream.take()!;
    edge.set(...endpoints(NAMES.slice(0, -2), long), resource(ENDPOINT, "n48", "2"));
    await null;
    const rest = settle(stream, delta, NAMES);
    expect([...first.names, ...rest.flatMap(({ names }) => names)].sort()).toEqual(NAMES.slice(0, -1).sort());
    expect(rest.flatMap(({ texts }) => texts)).toContain("n48|2");
  });

  it("a stream is answered the same alone and as one of many", async () => {
    const wildcards = { [CLUSTER]: [], [LISTENER]: [] };
    const named = {
      [CLUSTER]: NAMES.slice(3, 7),
      [ENDPOINT]: NAMES.slice(5),
      [LISTENER]: ["l"],
      [ROUTE]: ["r", "none"],
    };
    for (const wanted of [wildcards, named, { ...wildcards, [ENDPOINT]: NAMES, [ROUTE]: ["r"] }]) {
      const dialogue = async (others: number): Promise<unknown[]> => {
        const { server, open, clock } = await manualServer();
        const clusters = NAMES.map((name) => resource(CLUSTER, name));
        fleet(server).set(...clusters, ...endpoints(NAMES), resource(LISTENER, "l"), resource(ROUTE, "r"));
        const all = Array.from({ length: others + 1 }, () => open(delta));
        const seen: unknown[][] = all.map(() => []);
        for (const [typeUrl, names] of Object.entries(wanted)) {
          for (const stream of all) stream.send({ node: NODE, ...asking(delta, typeUrl, names) });
        }
        for (let turn = 0; turn < 4; turn++, clock.advance(300)) {
          for (const [index, stream] of all.entries()) {
            for (let message = stream.take(); message !== null; message = stream.take()) {
              const { typeUrl, nonce, version, texts, removed } = message;
              seen[index]!.push({ typeUrl, version, texts, removed });
              const names = wanted[typeUrl as keyof typeof wanted];
              stream.send({ typeUrl, responseNonce: nonce, ...(delta ? {} : { resourceNames: names }) });
            }
          }
        }
        return seen.at(-1)!;
      };
      expect(await dialogue(3)).toEqual(await dialogue(0));
    }
  });
});

describe("a node that comes back", () => {
  const versions = (resources: readonly XdsResource[]): Record<string, string> =>
    Object.fromEntries(resources.map(({ name, version }) => [name, version]));

  it.each([CLUSTER, ENDPOINT])("has the same in whatever order it says so: nothing is sent (%s)", async (typeUrl) => {
    const { server, open } = await manualServer();
    const resources = NAMES.map((name) => resource(typeUrl, name));
    fleet(server).set(...resources);
    const wanted = typeUrl === CLUSTER ? [] : NAMES;
    for (const list of [resources, resources.toReversed(), resources, resources.toSorted(() => -1)]) {
      const stream = open(true);
      const request = { node: NODE, ...asking(true, typeUrl, wanted) };
      stream.send({ ...request, initialResourceVersions: versions(list) });
      expect(stream.take()).toBeNull();
      expect(server.nodes().at(-1)!.types[0]!.acked).not.toBeNull();
    }
  });

  it("is sent what differs, and told what is gone", async () => {
    const { server, open, clock } = await manualServer();
    const resources = endpoints(NAMES);
    fleet(server).set(...resources);
    for (let turn = 0; turn < 3; turn++) {
      const [, ...rest] = resources;
      const has = { ...versions(rest), n7: "old", gone: "1" };
      const stream = open(true);
      stream.send({ node: NODE, ...asking(true, ENDPOINT, [...NAMES, "gone"]), initialResourceVersions: has });
      const seen = settle(stream, true, []);
      // What names it may still be to come.
      clock.advance(5_000);
      seen.push(...settle(stream, true, []));
      expect(seen.flatMap(({ names }) => names)).toEqual(["n0", "n7"]);
      expect(seen.flatMap(({ removed }) => removed)).toEqual(["gone"]);
    }
  });

  it("whose stream had brought it everything is owed nothing", async () => {
    const { server, open } = await manualServer();
    const [clusters, loads] = [NAMES.map((name) => resource(CLUSTER, name)), endpoints(NAMES)];
    fleet(server).set(...clusters, ...loads);
    const first = open(true);
    first.send({ node: NODE, ...asking(true, CLUSTER, []) });
    expect(settle(first, true, []).length).toBe(1);
    first.send(asking(true, ENDPOINT, NAMES));
    expect(settle(first, true, []).length).toBe(1);
    first.close();
    const second = open(true);
    second.send({ node: NODE, ...asking(true, CLUSTER, []), initialResourceVersions: versions(clusters) });
    second.send({ ...asking(true, ENDPOINT, NAMES), initialResourceVersions: versions(loads) });
    expect(second.take()).toBeNull();
  });
});

it("nodes that come back are told of a virtual host that is not there, the second as well as the first", async () => {
  const { server, open } = await manualServer();
  const host = resource(VIRTUAL_HOST, "web/h1");
  fleet(server).set(host);
  const answers = [1, 2, 3].map(() => {
    const stream = open(true);
    const resourceNamesSubscribe = ["web/h1", "web/h2"];
    const initialResourceVersions = { "web/h1": host.version };
    stream.send({ node: NODE, typeUrl: VIRTUAL_HOST, resourceNamesSubscribe, initialResourceVersions });
    return settle(stream, true, []).flatMap(({ names, removed }) => [...names, ...removed]);
  });
  expect(answers[0]).toContain("web/h2");
  expect(answers).toEqual([answers[0], answers[0], answers[0]]);
});

it("groups that spell the parameters of a name in other orders do not share a list", async () => {
  const { server, open } = await manualServer();
  const name = (context: string): string => `xdstp://a/envoy.config.endpoint.v3.ClusterLoadAssignment/x?${context}`;
  const asked = [name("b=1&a=2")];
  server.setView("one", viewOf(resource(ENDPOINT, name("b=1&a=2"))), 1);
  server.setView("two", viewOf(resource(ENDPOINT, name("a=2&b=1"))), 1);
  for (const cluster of ["one", "two", "two"]) {
    const stream = open(true);
    stream.send({ node: { id: "n", cluster }, typeUrl: ENDPOINT, resourceNamesSubscribe: asked });
    expect(stream.take()).toMatchObject({ removed: [], texts: [expect.stringContaining("x?")] });
  }
});
