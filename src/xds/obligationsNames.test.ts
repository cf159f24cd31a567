/** What a server owes to subscriptions: names, wildcards, reconnects. The numbers are those of docs/xds.md. */
import { describe, expect, it } from "vitest";
import { SCOPED_ROUTE, SECRET } from "./resourceTypes.ts";
import { CLUSTER, ENDPOINT, LISTENER, NODE, ROUTE, resource } from "./testing.ts";
import { type Dialogue, type Room, room } from "./testingDialogue.ts";

const BOTH = [{ delta: false }, { delta: true }];
const three = ["a", "b", "c"];

/** A room that shows three resources of a type, and a client in it. */
async function open(delta: boolean, typeUrl: string): Promise<Room & { client: Dialogue }> {
  const edge = await room();
  await edge.show(...three.map((name) => resource(typeUrl, name)));
  return { ...edge, client: edge.open(delta) };
}

const namesIn = (seen: ReturnType<Dialogue["settle"]>): string[] => seen.flatMap((entry) => entry.names).sort();

describe("state of the world", () => {
  it.each([CLUSTER, ENDPOINT])("obligation 24: takes a list of names for all there is of %s", async (typeUrl) => {
    const { client, show } = await open(false, typeUrl);
    client.on(typeUrl).want("a", "b");
    expect(namesIn(client.settle())).toEqual(["a", "b"]);
    client.on(typeUrl).want("b");
    client.settle();
    await show(...three.map((name) => resource(typeUrl, name, "2")));
    expect(namesIn(client.settle())).toEqual(["b"]);
    client.on(typeUrl).want();
    client.settle();
    await show(...three.map((name) => resource(typeUrl, name, "3")));
    expect(namesIn(client.settle())).toEqual([]);
  });

  it.each([CLUSTER, ENDPOINT, SECRET])(
    "obligation 25, regression 3: sends added names of %s, known or not",
    async (typeUrl) => {
      const { client } = await open(false, typeUrl);
      client.on(typeUrl).want("a", "b");
      client.settle();
      client.on(typeUrl).want("a");
      client.settle();
      client.on(typeUrl).want("a", "b");
      expect(namesIn(client.settle())).toContain("b");
      client.on(typeUrl).want("a", "b", "c");
      expect(namesIn(client.settle())).toContain("c");
    },
  );

  it.each([LISTENER, CLUSTER, SCOPED_ROUTE])("obligation 26: sends all of %s at every change", async (typeUrl) => {
    const { client, show } = await open(false, typeUrl);
    client.on(typeUrl).want("a", "b");
    client.settle();
    await show(resource(typeUrl, "a"), resource(typeUrl, "b", "2"), resource(typeUrl, "c"));
    expect(namesIn(client.settle())).toEqual(["a", "b"]);
    await show(resource(typeUrl, "b", "2"));
    expect(namesIn(client.settle())).toEqual(["b"]);
    await show();
    expect(client.settle()).toMatchObject([{ typeUrl, resources: [] }]);
  });

  it.each([ENDPOINT, ROUTE, SECRET])("obligation 27: sends of %s what changed, and no deletions", async (typeUrl) => {
    const { client, show } = await open(false, typeUrl);
    client.on(typeUrl).want("a", "b");
    client.settle();
    await show(resource(typeUrl, "a"), resource(typeUrl, "b", "2"));
    expect(namesIn(client.settle())).toEqual(["b"]);
    await show(resource(typeUrl, "a"));
    expect(client.settle()).toEqual([]);
    await show(resource(typeUrl, "a"), resource(typeUrl, "b", "2"));
    expect(namesIn(client.settle())).toEqual(["b"]);
  });

  it.each([CLUSTER, LISTENER, ENDPOINT, ROUTE])("obligation 28: is silent about fewer names of %s", async (typeUrl) => {
    const { client } = await open(false, typeUrl);
    client.on(typeUrl).want("a", "b");
    client.settle();
    client.on(typeUrl).want("a");
    expect(client.next()).toBeNull();
  });

  it("obligations 29, 47: trusts the version of a wildcard of a full state, and of nothing else", async () => {
    const { client, open: another, show } = await open(false, CLUSTER);
    await show(resource(CLUSTER, "a"), resource(ENDPOINT, "a"));
    client.on(CLUSTER).wantAll();
    const { version } = client.settle()[0]!;
    const back = another(false);
    back.on(CLUSTER).wantAll({ version });
    expect(back.next()).toBeNull();
    const stale = another(false);
    stale.on(CLUSTER).wantAll({ version: "of long ago" });
    expect(namesIn(stale.settle())).toEqual(["a"]);
    const named = another(false);
    named.send({ node: NODE, typeUrl: CLUSTER, versionInfo: version, resourceNames: ["a"] });
    expect(namesIn(named.settle())).toEqual(["a"]);
  });
});

describe("both", () => {
  it.each(BOTH)("obligation 30: sends nothing that was not asked for (delta: $delta)", async ({ delta }) => {
    const { client, show } = await open(delta, ROUTE);
    client.on(ROUTE).want("a");
    expect(namesIn(client.settle())).toEqual(["a"]);
    await show(...three.map((name) => resource(ROUTE, name, name === "a" ? "1" : "2")));
    expect(client.settle()).toEqual([]);
  });

  it.each(BOTH)(
    "regression 9: sends nothing that was unsubscribed before it went out (delta: $delta)",
    async ({ delta }) => {
      const { client, show } = await open(delta, ENDPOINT);
      client.on(ENDPOINT).want("a", "b");
      // The first response is still being written.
      await show(resource(ENDPOINT, "a"), resource(ENDPOINT, "b", "2"));
      client.on(ENDPOINT).want("a");
      expect(client.settle()).toHaveLength(1);
    },
  );
});

describe("delta", () => {
  it("obligation 32: takes changes of names in any message", async () => {
    const { client } = await open(true, ENDPOINT);
    client.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: ["a"], resourceNamesUnsubscribe: ["never"] });
    const first = client.next()!;
    client.send({ typeUrl: ENDPOINT, responseNonce: first.nonce, resourceNamesSubscribe: ["b"] });
    expect(namesIn(client.settle())).toEqual(["b"]);
    client.send({ typeUrl: ENDPOINT, resourceNamesSubscribe: ["c"] });
    expect(namesIn(client.settle())).toEqual(["c"]);
  });

  it("obligation 33, regression 4: sends a name as often as it is asked for", async () => {
    const { client } = await open(true, ENDPOINT);
    for (let turn = 0; turn < 3; turn++) {
      client.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: ["a"] });
      expect(namesIn(client.settle())).toEqual(["a"]);
    }
  });

  it("obligation 34: lets names go in silence, known or not", async () => {
    const { client, show } = await open(true, ENDPOINT);
    client.on(ENDPOINT).want("a");
    client.settle();
    client.send({ typeUrl: ENDPOINT, resourceNamesUnsubscribe: ["a", "unknown"] });
    expect(client.next()).toBeNull();
    await show(resource(ENDPOINT, "a", "2"));
    expect(client.next()).toBeNull();
  });

  it("obligation 35, regression 4: says what a name is that goes under a wildcard", async () => {
    const { client } = await open(true, CLUSTER);
    client.send({ node: NODE, typeUrl: CLUSTER, resourceNamesSubscribe: ["*", "a", "gone"] });
    client.settle();
    client.send({ typeUrl: CLUSTER, resourceNamesUnsubscribe: ["a"] });
    expect(client.settle()).toMatchObject([{ names: ["a"], removed: [] }]);
    client.send({ typeUrl: CLUSTER, resourceNamesUnsubscribe: ["gone"] });
    expect(client.settle()).toMatchObject([{ names: [], removed: ["gone"] }]);
  });

  it("obligation 36: lets a name go that stands in both lists", async () => {
    const { client, show } = await open(true, ENDPOINT);
    client.send({ node: NODE, typeUrl: ENDPOINT, resourceNamesSubscribe: ["a"], resourceNamesUnsubscribe: ["a"] });
    await show(resource(ENDPOINT, "a", "2"));
    expect(client.next()).toBeNull();
  });

  it("obligation 37, regression 5: names what is not there at once, and sends it when it is", async () => {
    const { client, show } = await open(true, ENDPOINT);
    client.on(ENDPOINT).want("zz");
    expect(client.settle()).toMatchObject([{ names: [], removed: ["zz"] }]);
    await show(resource(ENDPOINT, "zz"));
    expect(client.settle()).toMatchObject([{ names: ["zz"], removed: [] }]);
  });

  it("obligation 39: names what was deleted, keeps the subscription, and sends what comes back", async () => {
    const { client, show } = await open(true, ENDPOINT);
    client.on(ENDPOINT).want("a");
    client.settle();
    await show();
    expect(client.settle()).toMatchObject([{ names: [], removed: ["a"] }]);
    await show(resource(ENDPOINT, "a"));
    expect(client.settle()).toMatchObject([{ names: ["a"], removed: [] }]);
  });

  it("obligation 59: serves single names beside a wildcard, and names those that are not there", async () => {
    const { client } = await open(true, CLUSTER);
    client.on(CLUSTER).want("*");
    expect(namesIn(client.settle())).toEqual(three);
    client.on(CLUSTER).want("*", "on demand");
    expect(client.settle()).toMatchObject([{ names: [], removed: ["on demand"] }]);
    client.on(CLUSTER).want("*", "on demand", "a");
    expect(namesIn(client.settle())).toEqual(["a"]);
  });
});

describe("wildcards", () => {
  it.each(BOTH)("obligation 40: are what the node's group has (delta: $delta)", async ({ delta }) => {
    const { client, open: another, manual } = await open(delta, ROUTE);
    manual.server.setView("other", new Map([[ROUTE, new Map([["x", resource(ROUTE, "x")]])]]), 1);
    client.on(ROUTE).want("*");
    expect(namesIn(client.settle())).toEqual(three);
    const other = another(delta, { ...NODE, id: "n2", cluster: "other" });
    other.on(ROUTE).want("*");
    expect(namesIn(other.settle())).toEqual(["x"]);
  });

  it("obligation 41: begin with an empty first list, and end with the first name (state of the world)", async () => {
    const { client, show } = await open(false, CLUSTER);
    const sees = async (content: string): Promise<string[]> => {
      await show(...three.map((name) => resource(CLUSTER, name, content)));
      return namesIn(client.settle());
    };
    client.on(CLUSTER).wantAll();
    expect(namesIn(client.settle())).toEqual(three);
    client.on(CLUSTER).want("*", "a");
    client.settle();
    expect(await sees("2")).toEqual(three);
    client.on(CLUSTER).want("a");
    client.settle();
    expect(await sees("3")).toEqual(["a"]);
    client.on(CLUSTER).want();
    client.settle();
    expect(await sees("4")).toEqual([]);
  });

  it("obligation 41: begin with an empty first request, and end when they are named (delta)", async () => {
    const { client, show } = await open(true, CLUSTER);
    const sees = async (content: string): Promise<string[]> => {
      await show(...three.map((name) => resource(CLUSTER, name, content)));
      return namesIn(client.settle());
    };
    client.on(CLUSTER).wantAll();
    expect(namesIn(client.settle())).toEqual(three);
    client.send({ typeUrl: CLUSTER, resourceNamesSubscribe: ["a"] });
    client.settle();
    expect(await sees("2")).toEqual(three);
    client.send({ typeUrl: CLUSTER, resourceNamesUnsubscribe: ["*"] });
    client.settle();
    expect(await sees("3")).toEqual(["a"]);
    client.send({ typeUrl: CLUSTER, resourceNamesUnsubscribe: ["a"] });
    expect(await sees("4")).toEqual([]);
  });

  it("obligation 42: end when an unnamed one is unsubscribed, at once too", async () => {
    const { client, open: another, show } = await open(true, CLUSTER);
    client.on(CLUSTER).wantAll();
    client.settle();
    client.send({ typeUrl: CLUSTER, resourceNamesUnsubscribe: ["*"] });
    const nothing = another(true);
    nothing.send({ node: NODE, typeUrl: CLUSTER, resourceNamesSubscribe: ["*"], resourceNamesUnsubscribe: ["*"] });
    await show(resource(CLUSTER, "a", "2"));
    expect([client.settle(), nothing.settle()]).toEqual([[], []]);
  });

  it.each(BOTH)(
    "obligation 43, regression 10: an empty first request is one for some types (delta: $delta)",
    async ({ delta }) => {
      for (const typeUrl of [LISTENER, CLUSTER, SCOPED_ROUTE]) {
        const { client } = await open(delta, typeUrl);
        client.on(typeUrl).wantAll({ version: "old" });
        expect(namesIn(client.settle())).toEqual(three);
      }
      for (const typeUrl of [ENDPOINT, ROUTE, SECRET]) {
        const { client } = await open(delta, typeUrl);
        client.on(typeUrl).wantAll({ version: "old" });
        expect(client.settle()).toEqual([]);
      }
      const all = await room({ legacyWildcard: () => true });
      await all.show(resource(ENDPOINT, "a"));
      const client = all.open(delta);
      client.on(ENDPOINT).wantAll();
      expect(namesIn(client.settle())).toEqual(["a"]);
    },
  );

  it.each(BOTH)("obligation 44: are answered first even when there is nothing (delta: $delta)", async ({ delta }) => {
    const { client } = await open(delta, CLUSTER);
    client.on(LISTENER).wantAll();
    expect(client.settle()).toMatchObject([{ typeUrl: LISTENER, resources: [], removed: [] }]);
    expect(client.next()).toBeNull();
  });
});

describe("reconnecting", () => {
  it("obligation 45, regression 6: sends differences to what the client says it has", async () => {
    const { client, open: another, show, manual } = await open(true, CLUSTER);
    await show(resource(CLUSTER, "a"), resource(CLUSTER, "c", "2"), resource(ROUTE, "r"), resource(ROUTE, "s"));
    const versions = { a: "1", b: "1", c: "1" };
    client.send({ node: NODE, typeUrl: CLUSTER, initialResourceVersions: versions });
    const all = client.settle();
    expect(namesIn(all)).toEqual(["c"]);
    // Removals may wait a second for what comes instead.
    manual.clock.advance(2_000);
    expect([...all, ...client.settle()].flatMap((seen) => seen.removed)).toEqual(["b"]);
    const named = another(true);
    const known = { r: "1", s: "0", t: "1" };
    named.send({ node: NODE, typeUrl: ROUTE, resourceNamesSubscribe: ["r", "s", "t"], initialResourceVersions: known });
    const routes = named.settle();
    expect(namesIn(routes)).toEqual(["s"]);
    manual.clock.advance(2_000);
    expect([...routes, ...named.settle()].flatMap((seen) => seen.removed)).toEqual(["t"]);
  });

  it("obligation 46: can be to another server, because versions follow the content", async () => {
    const first = await open(true, CLUSTER);
    first.client.on(CLUSTER).wantAll();
    const entries = first.client.settle().flatMap((seen) => seen.resources);
    const second = await open(true, CLUSTER);
    const versions = Object.fromEntries(entries.map((entry) => [entry.name, entry.version]));
    second.client.on(CLUSTER).wantAll({ versions });
    expect(second.client.settle()).toEqual([]);
  });
});
