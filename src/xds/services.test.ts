/** The services beside the four basic ones: their methods, names on demand, times to live, errors of single names. */
import { describe, expect, it } from "vitest";
import {
  CLUSTER,
  DISCOVERY_METHODS,
  ENDPOINT,
  EXTENSION,
  LISTENER,
  ROUTE,
  RUNTIME,
  SCOPED_ROUTE,
  SECRET,
  VIRTUAL_HOST,
} from "./resourceTypes.ts";
import { connect, fleet, NODE, resource, startServer, subscriber } from "./testing.ts";
import { room } from "./testingDialogue.ts";
import type { XdsResource } from "./types.ts";

const BOTH = [{ delta: false }, { delta: true }];
const TTL = { ...NODE, clientFeatures: ["xds.config.supports-resource-ttl", "xds.config.resource-in-sotw"] };

const OWN = DISCOVERY_METHODS.filter((method) => method.status === undefined && method.typeUrl !== null);

it.each(OWN)("obligation 1: serves $path, and its type on aggregated streams", async ({ delta, typeUrl }) => {
  const { server, address } = await startServer();
  const client = connect(address);
  const edge = fleet(server);
  edge.set(resource(typeUrl!, "a"));
  for (const ads of [false, true]) {
    const stream = client.stream({ delta, ads }, typeUrl!);
    const sub = subscriber(stream, typeUrl!);
    sub.want("a");
    const seen = await stream.next();
    expect(seen).toMatchObject({ typeUrl, names: ["a"] });
    sub.ack(seen);
    stream.halfClose();
    expect(await stream.ended()).toMatchObject({ code: 0 });
  }
  client.close();
  await server.close();
});

it("obligation 1: has every service of the protocol in both variants, virtual hosts in delta alone", () => {
  const types = [CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPED_ROUTE, SECRET, RUNTIME, EXTENSION];
  const expected = types.flatMap((typeUrl) => [`s ${typeUrl}`, `d ${typeUrl}`]);
  const found = OWN.map(({ delta, typeUrl }) => `${delta ? "d" : "s"} ${typeUrl}`);
  expect(found.sort()).toEqual([...expected, `d ${VIRTUAL_HOST}`].sort());
});

describe("virtual hosts on demand", () => {
  const host = (name: string, content = "1", ...aliases: string[]): XdsResource => ({
    ...resource(VIRTUAL_HOST, name, content),
    aliases,
  });

  it("obligations 38, 58: finds hosts by name and by alias, and says which aliases they have", async () => {
    const edge = await room();
    await edge.show(host("web/one", "1", "web/a.example", "web/b.example"), host("web/two"));
    const client = edge.open(true);
    client.on(VIRTUAL_HOST).want("web/a.example");
    const first = client.next()!;
    expect(first).toMatchObject({ names: ["web/one"], removed: [] });
    expect(first.wrappers[0]).toMatchObject({ aliases: ["web/a.example", "web/b.example"], hollow: false });
    client.on(VIRTUAL_HOST).ack(first);
    client.on(VIRTUAL_HOST).want("web/a.example", "web/two", "web/b.example");
    expect(
      client
        .settle()
        .flatMap((seen) => seen.names)
        .sort(),
    ).toEqual(["web/one", "web/two"]);
    await edge.show(host("web/one", "2", "web/a.example", "web/b.example"), host("web/two"));
    expect(client.settle().map((seen) => seen.names)).toEqual([["web/one"]]);
    await edge.show(host("web/two"));
    expect(client.settle()).toMatchObject([{ names: [], removed: ["web/one"] }]);
  });

  it("obligation 58: answers an unknown host with a wrapper of that name and alias and nothing in it", async () => {
    const edge = await room();
    await edge.show(host("web/one"));
    const client = edge.open(true);
    client.on(VIRTUAL_HOST).want("web/none", "web/one");
    const seen = client.next()!;
    expect(seen.removed).toEqual([]);
    expect(seen.wrappers).toMatchObject([
      { name: "web/none", aliases: ["web/none"], hollow: true },
      { name: "web/one", hollow: false },
    ]);
    client.on(VIRTUAL_HOST).ack(seen);
    // It stays subscribed, under a name or an alias.
    await edge.show(host("web/one"), host("web/late", "1", "web/none"));
    expect(client.settle()).toMatchObject([{ names: ["web/late"], removed: [] }]);
    await edge.show(host("web/one"));
    expect(client.settle()).toMatchObject([{ names: [], removed: ["web/late"] }]);
    // One host is all that there is: what was made for who asked for that is not for who asks for another one.
    const [all, other] = [edge.open(true), edge.open(true)];
    all.on(VIRTUAL_HOST).want("web/one");
    expect(all.settle()).toMatchObject([{ names: ["web/one"] }]);
    other.on(VIRTUAL_HOST).want("web/none");
    expect(other.settle()).toMatchObject([{ wrappers: [{ name: "web/none", hollow: true }] }]);
  });

  it("obligation 58: answers the request without names with which Envoy opens, and a listener waits, with no host", async () => {
    const edge = await room();
    await edge.show(resource(ROUTE, "web"), host("web/one"));
    const client = edge.open(true);
    client.on(ROUTE).want("web");
    client.settle();
    client.on(VIRTUAL_HOST).wantAll();
    expect(client.settle()).toMatchObject([{ typeUrl: VIRTUAL_HOST, names: [], removed: ["web/"] }]);
    await edge.show(resource(ROUTE, "web"), host("web/one", "2"));
    expect(client.settle()).toEqual([]);
    const alone = edge.open(true);
    alone.on(VIRTUAL_HOST).wantAll();
    expect(alone.settle()).toMatchObject([{ names: [], removed: [] }]);
  });

  it("obligation 58: sends all subscribed hosts again after their route configuration, on whichever stream", async () => {
    const edge = await room();
    const hosts = [host("web/one"), host("web/two"), host("other/three")];
    await edge.show(resource(ROUTE, "web"), resource(ROUTE, "other"), ...hosts);
    const client = edge.open(true);
    client.on(ROUTE).want("web", "other");
    client.on(VIRTUAL_HOST).want("web/one", "other/three");
    const apart = edge.open(true);
    apart.on(VIRTUAL_HOST).want("web/two");
    client.settle();
    apart.settle();
    await edge.show(resource(ROUTE, "web", "2"), resource(ROUTE, "other"), ...hosts);
    const order = client.settle().map(({ typeUrl, names }) => [typeUrl, names]);
    expect(order).toEqual([
      [ROUTE, ["web"]],
      [VIRTUAL_HOST, ["web/one"]],
    ]);
    await Promise.resolve();
    expect(apart.settle()).toMatchObject([{ names: ["web/two"] }]);
  });

  it("tells by the host's own name when an alias moves or goes", async () => {
    const edge = await room();
    await edge.show(host("web/one", "1", "web/a"), host("web/two"));
    const client = edge.open(true);
    client.on(VIRTUAL_HOST).want("web/a");
    client.settle();
    await edge.show(host("web/one", "2"), host("web/two", "2", "web/a"));
    expect(client.settle()).toMatchObject([{ names: ["web/two"], removed: ["web/one"] }]);
    await edge.show(host("web/one", "2"), host("web/two", "3"));
    expect(client.settle()).toMatchObject([{ names: [], removed: ["web/two"] }]);
  });

  it("on reconnect sends differences only, and removes by name what was asked for by an alias", async () => {
    const edge = await room();
    await edge.show(host("web/one", "1", "web/a"), host("web/two", "2"));
    const client = edge.open(true);
    client.send({
      node: NODE,
      typeUrl: VIRTUAL_HOST,
      resourceNamesSubscribe: ["web/a", "web/two", "web/gone-alias"],
      initialResourceVersions: { "web/one": "1", "web/two": "1", "web/gone": "1" },
    });
    const seen = client.next()!;
    expect(seen).toMatchObject({ names: ["web/two"], removed: ["web/gone"] });
    expect(seen.wrappers.filter((wrapper) => wrapper.hollow).map((wrapper) => wrapper.name)).toEqual([
      "web/gone-alias",
    ]);
  });

  it("obligation 31, regression 15: sends a resource once under all its names", async () => {
    const edge = await room();
    const aliased = { ...resource(CLUSTER, "c"), aliases: ["alias"] };
    await edge.show(aliased, resource(CLUSTER, "d"));
    for (const { delta } of BOTH) {
      const client = edge.open(delta);
      client.on(CLUSTER).want("*", "c", "alias");
      const seen = client.next()!;
      expect([...seen.resources.map((entry) => entry.name)].sort()).toEqual(["c", "d"]);
      client.on(CLUSTER).ack(seen);
      expect(client.next()).toBeNull();
    }
    await edge.show({ ...aliased, version: "2" }, resource(CLUSTER, "e"));
    const late = edge.open(true);
    late.send({ node: NODE, typeUrl: CLUSTER, initialResourceVersions: { c: "1", d: "1" } });
    const all = late.settle();
    // Removals may wait a second for what comes instead.
    edge.manual.clock.advance(2_000);
    all.push(...late.settle());
    expect(all.flatMap((seen) => [...seen.names, ...seen.removed]).sort()).toEqual(["c", "d", "e"]);
  });
});

describe("times to live", () => {
  const timed = (name: string, content = "1", ttlMs = 3_000): XdsResource => ({
    ...resource(ENDPOINT, name, content),
    version: `${content}-${ttlMs}`,
    ttlMs,
  });

  it.each([
    { title: "none", features: [], delta: null, sotw: null },
    { title: "the document's", features: TTL.clientFeatures, delta: 3_000, sotw: 3_000 },
    { title: "of the feature list", features: ["envoy.config.supports-resource-ttl"], delta: 3_000, sotw: null },
    { title: "in one word", features: ["xds.config.supports-resource-ttl-in-sotw"], delta: 3_000, sotw: 3_000 },
    {
      title: "of the feature list, both",
      features: ["envoy.config.resource-ttl", "envoy.config.supports-resource-in-sotw"],
      delta: 3_000,
      sotw: 3_000,
    },
    { title: "unwrapping alone", features: ["xds.config.resource-in-sotw"], delta: null, sotw: null },
  ])("obligations 7, 55, 56: are told where the client says so: $title", async ({ features, delta, sotw }) => {
    const edge = await room();
    await edge.show(timed("a"), resource(ENDPOINT, "b"));
    for (const variant of BOTH) {
      const client = edge.open(variant.delta, { ...NODE, clientFeatures: features });
      client.on(ENDPOINT).want("a", "b");
      const seen = client.next()!;
      expect(seen.names).toEqual(["a", "b"]);
      const wanted = variant.delta ? delta : sotw;
      const told = seen.wrappers.filter((wrapper) => wrapper.ttlMs !== null);
      expect(told.map(({ name, ttlMs }) => [name, ttlMs])).toEqual(wanted === null ? [] : [["a", wanted]]);
      if (!variant.delta) expect(seen.wrappers).toHaveLength(wanted === null ? 0 : 1);
    }
  });

  it.each(BOTH)(
    "obligation 55: are kept alive by heartbeats at the version sent (delta: $delta)",
    async ({ delta }) => {
      const edge = await room();
      await edge.show(timed("a"), timed("b", "1", 9_000), resource(ENDPOINT, "c"));
      const client = edge.open(delta, TTL);
      client.on(ENDPOINT).want("a", "b", "c");
      const first = client.next()!;
      client.on(ENDPOINT).ack(first);
      edge.manual.clock.advance(999);
      expect(client.next()).toBeNull();
      for (let beat = 0; beat < 3; beat++) {
        edge.manual.clock.advance(beat === 0 ? 1 : 1_000);
        const seen = client.next()!;
        expect(seen.version).toBe(first.version);
        // In state of the world every second one has content, for Envoy.
        const hollow = delta || beat !== 1;
        expect(seen.names).toEqual(hollow ? [] : ["a", "b"]);
        expect(seen.wrappers).toMatchObject([
          { name: "a", version: "1-3000", ttlMs: 3_000, hollow },
          { name: "b", version: "1-9000", ttlMs: 9_000, hollow },
        ]);
        client.on(ENDPOINT).ack(seen);
      }
      // Another time to live is a change, and so is none.
      await edge.show(timed("a", "1", 6_000), timed("b", "1", 9_000), resource(ENDPOINT, "c"));
      expect(client.settle()).toMatchObject([{ names: ["a"], wrappers: [{ ttlMs: 6_000, hollow: false }] }]);
      await edge.show(resource(ENDPOINT, "a"), resource(ENDPOINT, "b"), resource(ENDPOINT, "c"));
      const [cleared] = client.settle();
      expect(cleared).toMatchObject({ names: ["a", "b"] });
      expect(cleared!.wrappers.every((wrapper) => wrapper.ttlMs === null)).toBe(true);
      edge.manual.clock.advance(60_000);
      expect(client.settle()).toEqual([]);
    },
  );

  it("obligation 55: renews all of a full state, because absence deletes there", async () => {
    const edge = await room();
    await edge.show({ ...resource(CLUSTER, "a"), ttlMs: 3_000 }, resource(CLUSTER, "b"));
    const client = edge.open(false, TTL);
    client.on(CLUSTER).wantAll();
    client.settle();
    edge.manual.clock.advance(1_000);
    const seen = client.next()!;
    expect(seen.resources.map((entry) => entry.name)).toEqual(["a", "b"]);
    expect(seen.wrappers).toMatchObject([{ name: "a", ttlMs: 3_000, hollow: false }]);
  });

  it("obligation 57: are not told of virtual hosts, which no heartbeat would renew", async () => {
    const edge = await room();
    await edge.show({ ...resource(VIRTUAL_HOST, "web/a"), ttlMs: 300 });
    const client = edge.open(true, TTL);
    client.on(VIRTUAL_HOST).want("web/a");
    expect(client.settle()).toMatchObject([{ wrappers: [{ ttlMs: null }] }]);
    edge.manual.clock.advance(10_000);
    expect(client.next()).toBeNull();
  });

  it("renews what a node has from an earlier stream, and nothing that it refused", async () => {
    const edge = await room();
    await edge.show(timed("a"));
    const client = edge.open(true, TTL);
    const versions = { a: "1-3000" };
    client.send({ node: TTL, typeUrl: ENDPOINT, resourceNamesSubscribe: ["a"], initialResourceVersions: versions });
    expect(client.next()).toBeNull();
    edge.manual.clock.advance(1_000);
    expect(client.next()).toMatchObject({ wrappers: [{ name: "a", hollow: true }] });
    const refusing = edge.open(true, TTL);
    refusing.on(ENDPOINT).want("a");
    refusing.on(ENDPOINT).nack(refusing.next()!);
    edge.manual.clock.advance(1_000);
    expect(refusing.next()).toBeNull();
  });
});

describe("errors of single resources", () => {
  it("obligations 60, 61: tells a state-of-the-world client at once of names that are not there, once", async () => {
    const edge = await room();
    await edge.show(resource(ENDPOINT, "a"), resource(LISTENER, "l"));
    const client = edge.open(false);
    client.on(ENDPOINT).want("a", "none");
    const seen = client.next()!;
    expect(seen).toMatchObject({ names: ["a"], missing: ["none"] });
    client.on(ENDPOINT).ack(seen);
    expect(client.next()).toBeNull();
    // Listeners and clusters come with the rest of their set.
    client.on(LISTENER).want("l");
    client.settle();
    client.on(LISTENER).want("l", "no listener");
    expect(client.next()).toMatchObject({ names: ["l"], missing: ["no listener"] });
    await edge.show(resource(ENDPOINT, "a"), resource(ENDPOINT, "none"), resource(LISTENER, "l"));
    expect(client.settle().find((entry) => entry.typeUrl === ENDPOINT)).toMatchObject({ names: ["none"], missing: [] });
    // Nor is a name that a node comes back with: it may be using what it has of that.
    const back = edge.open(false);
    back.send({ node: NODE, typeUrl: ENDPOINT, versionInfo: "old", resourceNames: ["gone"] });
    expect(back.next()).toBeNull();
    // A deletion is no error of a name that was asked for, and a wildcard asks for none.
    await edge.show(resource(ENDPOINT, "a"), resource(LISTENER, "l"));
    expect(client.settle()).toEqual([]);
    const all = edge.open(false);
    all.on(CLUSTER).wantAll();
    expect(all.next()).toMatchObject({ names: [], missing: [] });
  });

  it("splits very many of them, and leaves some out beside a full state", async () => {
    const edge = await room();
    await edge.show(resource(ENDPOINT, "a"), resource(LISTENER, "l"));
    const client = edge.open(false);
    const many = Array.from({ length: 60_000 }, (_, index) => `${index}`);
    for (const typeUrl of [ENDPOINT, LISTENER]) {
      client.on(typeUrl).want(...many);
      const parts = client.settle();
      expect(Math.max(...parts.map((part) => part.size))).toBeLessThan(1_500_000);
      const told = parts.flatMap((part) => part.missing);
      expect(new Set(told).size).toBe(told.length);
      if (typeUrl === ENDPOINT) expect(told).toHaveLength(many.length);
    }
  });

  it("keeps silent where the caller knows that the client cannot read them", async () => {
    const edge = await room({ readsErrors: (userAgent) => !userAgent.startsWith("envoy") });
    await edge.show(resource(ENDPOINT, "a"));
    const client = edge.open(false);
    client.on(ENDPOINT).want("none");
    expect(client.next()).toBeNull();
  });
});

describe("names of the new kind", () => {
  const name = (id: string, query = ""): string =>
    `xdstp://east/envoy.config.endpoint.v3.ClusterLoadAssignment/${id}${query}`;

  it("obligations 62, 63: are equal whatever the order of their parameters, and differ by their values", async () => {
    const edge = await room();
    await edge.show(resource(ENDPOINT, name("a", "?x=1&y=2")), resource(ENDPOINT, name("b", "?y=2&x=1")));
    for (const { delta } of BOTH) {
      const client = edge.open(delta);
      client.on(ENDPOINT).want(name("a", "?y=2&x=1"), name("b", "?x=1&y=2"));
      const seen = client.next()!;
      expect(seen.resources).toHaveLength(2);
      client.on(ENDPOINT).ack(seen);
      client.on(ENDPOINT).want(name("a", "?y=2&x=1"), name("b", "?x=1&y=2"), name("a", "?x=1&y=3"));
      expect(client.next()!.resources).toEqual([]);
    }
  });

  it("obligation 62: stand with a star for what lies in a directory, with the same parameters", async () => {
    const edge = await room();
    const inside = [resource(ENDPOINT, name("dir/a", "?p=1")), resource(ENDPOINT, name("dir/b", "?p=1"))];
    await edge.show(
      ...inside,
      resource(ENDPOINT, name("dir/c", "?p=2")),
      resource(ENDPOINT, name("dir/sub/d", "?p=1")),
    );
    const client = edge.open(true);
    client.on(ENDPOINT).want(name("dir/*", "?p=1"), name("empty/*"));
    const seen = client.next()!;
    expect(seen.names).toEqual(inside.map((entry) => entry.name));
    expect(seen.removed).toEqual([name("empty/*")]);
    client.on(ENDPOINT).ack(seen);
    await edge.show(inside[0]!, resource(ENDPOINT, name("empty/first")));
    expect(client.settle()).toMatchObject([{ names: [name("empty/first")], removed: [name("dir/b", "?p=1")] }]);
    client.on(ENDPOINT).want(name("empty/*"));
    await edge.show(resource(ENDPOINT, name("dir/a", "?p=1"), "2"), resource(ENDPOINT, name("empty/first")));
    expect(client.settle()).toEqual([]);
  });
});

it("obligation 53: sends secrets again after a changed cluster that needs them", async () => {
  const edge = await room();
  const secret = resource(SECRET, "key");
  const cluster = (content: string): XdsResource => ({ ...resource(CLUSTER, "c", content), refs: [[SECRET, "key"]] });
  await edge.show(cluster("1"), secret);
  const client = edge.open(true);
  client.on(CLUSTER).want("*");
  client.on(SECRET).want("key");
  client.settle();
  await edge.show(cluster("2"), secret);
  expect(client.settle().map((seen) => seen.typeUrl)).toEqual([CLUSTER, SECRET]);
});

describe("versions given by the owner of the view", () => {
  it.each(BOTH)("obligation 9: are shown, hide no change and make none (delta: $delta)", async ({ delta }) => {
    const edge = await room();
    const { server } = edge.manual;
    const show = async (version: string, ...names: string[]): Promise<void> => {
      const resources = new Map(names.map((name) => [name, resource(CLUSTER, name)]));
      server.setView("edge", new Map([[CLUSTER, resources]]), { revision: 1, versions: new Map([[CLUSTER, version]]) });
      await Promise.resolve();
    };
    await show("v1", "a");
    const client = edge.open(delta);
    client.on(CLUSTER).wantAll();
    expect(client.settle()).toMatchObject([{ version: "v1", names: ["a"] }]);
    await show("v1", "a", "b");
    expect(client.settle()).toMatchObject([{ version: "v1", names: delta ? ["b"] : ["a", "b"] }]);
    await show("v2", "a", "b");
    expect(client.settle()).toEqual([]);
    await show("v1", "a", "b");
    // "v1" stood for something else once.
    const again = edge.open(delta);
    again.on(CLUSTER).wantAll({ version: "v1", versions: { a: "1", b: "1" } });
    expect(again.settle()).toHaveLength(delta ? 0 : 1);
    await show("v3", "a", "b");
    const known = edge.open(delta);
    known.on(CLUSTER).wantAll({ version: "v3", versions: { a: "1", b: "1" } });
    expect(known.settle()).toEqual([]);
  });
});

describe("groups of nodes", () => {
  it("are found by the caller's rule, and served empty until they are there when it says so", async () => {
    const edge = await room({ groupOf: (node) => node.id, unknownGroups: "empty" });
    const client = edge.open(true, { id: "n9" });
    client.on(CLUSTER).wantAll();
    expect(client.settle()).toMatchObject([{ names: [] }]);
    const { server } = edge.manual;
    server.setView("n9", new Map([[CLUSTER, new Map([["a", resource(CLUSTER, "a")]])]]), 1);
    await Promise.resolve();
    expect(client.settle()).toMatchObject([{ names: ["a"] }]);
    server.deleteGroup("n9");
    await Promise.resolve();
    expect(client.settle()).toMatchObject([{ removed: ["a"] }]);
    expect(server.nodes("n9")).toHaveLength(1);
    client.stream.close();
    expect(server.nodes()).toEqual([]);
  });
});
