/** The adapter from outside: both ports over the real wire, as the harnesses use them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterSchema } from "../../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/proto/envoy/config/endpoint/v3/endpoint_pb.js";
import { RouteConfigurationSchema } from "../../gen/proto/envoy/config/route/v3/route_pb.js";
import { ResourceSchema } from "../../gen/proto/envoy/service/discovery/v3/discovery_pb.js";
import { EXTENSION, RUNTIME, SCOPED_ROUTE, SECRET, VIRTUAL_HOST } from "../../xds/resourceTypes.ts";
import {
  CLUSTER,
  connect,
  ENDPOINT,
  LISTENER,
  ROUTE,
  subscriber,
  type TestClient,
  type TestStream,
} from "../../xds/testing.ts";
import { type Adapter, startAdapter } from "./adapter.ts";
import { fieldsOf, lengthDelimited } from "./wire.ts";

const AT_ONCE = 0;
const WRAPPER = "type.googleapis.com/envoy.service.discovery.v3.Resource";

type Any = readonly [typeUrl: string, value: Uint8Array];

interface Harness {
  set(node: string, version: string, ...resources: Any[]): Promise<void>;
  clear(node: string): Promise<void>;
  call(method: "UpdateResource" | "AddResource" | "RemoveResource", ...request: string[]): Promise<void>;
  raw(method: string, request: Uint8Array): Promise<Buffer>;
  close(): void;
}

/** A client of the adapter's service. `delay`: null leaves the adapter's own. */
function harness(port: number, delay: number | null = AT_ONCE): Harness {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  const metadata = new Metadata();
  if (delay !== null) metadata.set("adapter-delay-ms", `${delay}`);
  const raw = (method: string, request: Uint8Array): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const pass = (bytes: Buffer): Buffer => bytes;
      const done = (error: Error | null, answer?: Buffer): void => (error === null ? resolve(answer!) : reject(error));
      client.makeUnaryRequest(`/adapter.Adapter/${method}`, pass, pass, Buffer.from(request), metadata, done);
    });
  const texts = (...list: string[]): Uint8Array[] => list.map((text, index) => lengthDelimited(index + 1, text));
  return {
    raw,
    async set(node, version, ...resources) {
      const anys = resources.map(([typeUrl, value]) =>
        lengthDelimited(3, Buffer.concat([lengthDelimited(1, typeUrl), lengthDelimited(2, value)])),
      );
      await raw("SetState", Buffer.concat([...texts(node, version), ...anys]));
    },
    clear: async (node) => void (await raw("ClearState", Buffer.concat(texts(node)))),
    call: async (method, ...request) => void (await raw(method, Buffer.concat(texts(...request)))),
    close: () => client.close(),
  };
}

const named = (name: string, more = ""): Uint8Array =>
  Buffer.concat([lengthDelimited(1, name), ...(more === "" ? [] : [lengthDelimited(777, more)])]);

let adapter: Adapter;
let hands: Harness;
let client: TestClient;
let count = 0;

beforeAll(async () => {
  adapter = await startAdapter({ host: "127.0.0.1", port: 0, adapter: 0, delay: 150, legacyWildcardAll: false });
  hands = harness(adapter.adapterPort);
  client = connect(`127.0.0.1:${adapter.xdsPort}`);
});
afterAll(async () => {
  client.close();
  hands.close();
  await adapter.close();
});

/** A node of its own for each test. */
function newNode(): { id: string; node: object } {
  count += 1;
  return { id: `node-${count}`, node: { id: `node-${count}` } };
}

function open(
  delta: boolean,
  node: object,
  typeUrl = CLUSTER,
): { stream: TestStream; sub: ReturnType<typeof subscriber> } {
  const stream = client.stream({ delta, ads: true });
  return { stream, sub: subscriber(stream, typeUrl, node) };
}

describe.each([{ delta: false }, { delta: true }])("delta: $delta", ({ delta }) => {
  it("gives the bytes that were set, under the caller's version, whatever the type", async () => {
    const { id, node } = newNode();
    const made = "type.googleapis.com/example.v1.T00";
    const types = [CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET, RUNTIME, SCOPED_ROUTE, EXTENSION, made];
    await hands.set(id, "v7", ...types.map((typeUrl): Any => [typeUrl, named("a", "unknown fields survive")]));
    const stream = client.stream({ delta, ads: true });
    for (const [index, typeUrl] of types.entries()) {
      subscriber(stream, typeUrl, index === 0 ? node : null).want("a");
      const seen = await stream.next();
      expect(seen).toMatchObject({ typeUrl, version: "v7" });
      expect(seen.resources[0]!.bytes.equals(Buffer.from(named("a", "unknown fields survive")))).toBe(true);
    }
  });

  it("serves a node that was never set nothing, and shows it what is set later", async () => {
    const { id, node } = newNode();
    const { stream, sub } = open(delta, node);
    sub.wantAll();
    expect((await stream.next()).resources).toHaveLength(0);
    await hands.set(id, "1", [CLUSTER, named("a")]);
    expect(await stream.next()).toMatchObject({ version: "1" });
  });

  it("pushes removals and additions under a version that stays", async () => {
    const { id, node } = newNode();
    await hands.set(id, "1", [CLUSTER, named("a")], [CLUSTER, named("b")]);
    const { stream, sub } = open(delta, node);
    sub.wantAll();
    sub.ack(await stream.next());
    await hands.call("RemoveResource", id, CLUSTER, "a", "1");
    const removal = await stream.next();
    expect(removal.version).toBe("1");
    if (delta) expect(removal.removed).toEqual(["a"]);
    else expect(removal.resources.map((entry) => entry.bytes)).toEqual([Buffer.from(named("b"))]);
    sub.ack(removal);
    await hands.call("AddResource", id, CLUSTER, "c", "1");
    const addition = await stream.next();
    expect(addition.version).toBe("1");
    expect(addition.resources).toHaveLength(delta ? 1 : 2);
    sub.ack(addition);
    await hands.call("RemoveResource", id, CLUSTER, "not there", "9");
    await stream.silence();
    // What the node holds under "1" is not what "1" first was: on reconnect it is not believed.
    stream.cancel();
    if (delta) return;
    const again = client.stream({ delta, ads: true });
    subscriber(again, CLUSTER, node).wantAll({ version: "1" });
    expect((await again.next()).resources).toHaveLength(2);
  });

  it("clears, keeping streams, and never fails to", async () => {
    const { id, node } = newNode();
    await hands.clear(id);
    await hands.set(id, "1", [LISTENER, named("a")]);
    const { stream, sub } = open(delta, node, LISTENER);
    sub.wantAll();
    sub.ack(await stream.next());
    await hands.clear(id);
    const seen = await stream.next();
    expect(delta ? seen.removed : seen.resources).toEqual(delta ? ["a"] : []);
    await hands.clear(id);
    await hands.set(id, "1", [LISTENER, named("b")]);
    sub.ack(seen);
    expect((await stream.next()).resources).toHaveLength(1);
  });

  it("keeps nodes apart", async () => {
    const [one, two] = [newNode(), newNode()];
    await hands.set(one.id, "1", [CLUSTER, named("a")]);
    await hands.set(two.id, "1", [CLUSTER, named("b")]);
    const { stream, sub } = open(delta, one.node);
    sub.wantAll();
    const seen = await stream.next();
    expect(seen.resources.map((entry) => entry.bytes)).toEqual([Buffer.from(named("a"))]);
    sub.ack(seen);
    await hands.call("UpdateResource", two.id, CLUSTER, "b", "2");
    await stream.silence();
  });

  it("ends 500 pipelined updates at the last one", async () => {
    const { id, node } = newNode();
    await hands.set(id, "0", [ENDPOINT, named("a")]);
    const { stream, sub } = open(delta, node, ENDPOINT);
    sub.want("a");
    let last = await stream.next();
    sub.ack(last);
    const calls = Array.from({ length: 500 }, (_, index) =>
      hands.call("UpdateResource", id, ENDPOINT, "a", `${index + 1}`),
    );
    while (last.version !== "500") {
      last = await stream.next();
      sub.ack(last);
    }
    await Promise.all(calls);
    await stream.silence();
  });
});

it("sends in delta only what changed, although every type has a new version", async () => {
  const { id, node } = newNode();
  await hands.set(id, "1", [CLUSTER, named("a")], [CLUSTER, named("b")], [ENDPOINT, named("e")]);
  const { stream, sub } = open(true, node);
  sub.wantAll();
  sub.ack(await stream.next());
  const endpoints = subscriber(stream, ENDPOINT, null);
  endpoints.want("e");
  endpoints.ack(await stream.next());
  await hands.set(id, "2", [ENDPOINT, named("e")], [CLUSTER, named("b", "new")], [CLUSTER, named("a")]);
  expect(await stream.next()).toMatchObject({ typeUrl: CLUSTER, names: ["b"], version: "2" });
  await stream.silence();
});

it("empties a type that a state does not name, and takes the last of a name that stands twice", async () => {
  const { id, node } = newNode();
  await hands.set(id, "1", [LISTENER, named("l")], [CLUSTER, named("a")]);
  const { stream, sub } = open(false, node, LISTENER);
  sub.wantAll();
  sub.ack(await stream.next());
  await hands.set(id, "2", [CLUSTER, named("a", "first")], [CLUSTER, named("a", "last")]);
  expect(await stream.next()).toMatchObject({ typeUrl: LISTENER, version: "2", resources: [] });
  subscriber(stream, CLUSTER, null).wantAll();
  const clusters = await stream.next();
  expect(clusters.resources.map((entry) => entry.bytes)).toEqual([Buffer.from(named("a", "last"))]);
});

it("changes contents differently at every call, keeps the rest, and moves that type's version only", async () => {
  const { id, node } = newNode();
  const made = "type.googleapis.com/example.v1.T01";
  const assignment = create(ClusterLoadAssignmentSchema, {
    clusterName: "a",
    policy: { dropOverloads: [{ category: "c" }] },
  });
  const types = [CLUSTER, LISTENER, ROUTE, SECRET, RUNTIME, VIRTUAL_HOST, made];
  await hands.set(
    id,
    "1",
    [ENDPOINT, toBinary(ClusterLoadAssignmentSchema, assignment)],
    ...types.map((typeUrl): Any => [typeUrl, named("a", "kept")]),
  );
  for (const typeUrl of [ENDPOINT, ...types]) {
    const { stream, sub } = open(true, node, typeUrl);
    sub.want("a");
    const contents = [];
    for (let turn = 1; turn <= 3; turn++) {
      const seen = await stream.next();
      expect(seen.version).toBe(`${turn}`);
      contents.push(seen.resources[0]!.bytes);
      sub.ack(seen);
      await hands.call("UpdateResource", id, typeUrl, "a", `${turn + 1}`);
    }
    expect(new Set(contents.map((bytes) => bytes.toString("hex"))).size).toBe(3);
    // The field of one change takes the place of the one before.
    expect(fieldsOf(contents[2]!)).toHaveLength(fieldsOf(contents[1]!).length);
    if (typeUrl === ENDPOINT) {
      const { policy } = fromBinary(ClusterLoadAssignmentSchema, contents[2]!);
      expect(policy).toMatchObject({ dropOverloads: [{ category: "c" }] });
      expect(policy!.overprovisioningFactor).toBeGreaterThan(100);
    } else {
      expect(contents[2]!.toString()).toContain("kept");
    }
    stream.cancel();
  }
  const call = hands.call("UpdateResource", id, CLUSTER, "no such", "9");
  await expect(call).rejects.toMatchObject({ code: status.NOT_FOUND });
});

it("adds valid resources to an empty node", async () => {
  const { id, node } = newNode();
  for (const typeUrl of [CLUSTER, ENDPOINT, ROUTE]) await hands.call("AddResource", id, typeUrl, "a", "1");
  const read = async (typeUrl: string): Promise<Buffer> => {
    const { stream, sub } = open(true, node, typeUrl);
    sub.want("a");
    return (await stream.next()).resources[0]!.bytes;
  };
  expect(fromBinary(ClusterSchema, await read(CLUSTER))).toMatchObject({
    name: "a",
    clusterDiscoveryType: { case: "type", value: 3 },
    edsClusterConfig: { edsConfig: { configSourceSpecifier: { case: "ads" } } },
  });
  expect(fromBinary(ClusterLoadAssignmentSchema, await read(ENDPOINT)).endpoints[0]!.lbEndpoints).toHaveLength(1);
  expect(fromBinary(RouteConfigurationSchema, await read(ROUTE)).virtualHosts).toHaveLength(1);
});

it("stores what a wrapper says: name, aliases, time to live", async () => {
  const { id } = newNode();
  const inner = anyPack(ClusterSchema, create(ClusterSchema, { name: "inner" }));
  const wrapper = { name: "outer", aliases: ["other"], ttl: durationFromMs(1_500), resource: inner };
  await hands.set(id, "1", [WRAPPER, toBinary(ResourceSchema, create(ResourceSchema, wrapper))]);
  const { stream, sub } = open(true, { id, clientFeatures: ["xds.config.supports-resource-ttl"] });
  sub.want("other");
  const seen = await stream.next();
  expect(seen).toMatchObject({ names: ["outer"], wrappers: [{ aliases: ["other"], ttlMs: 1_500 }] });
});

it("refuses what it cannot read, and stays as it was", async () => {
  const { id, node } = newNode();
  await hands.set(id, "1", [CLUSTER, named("a")]);
  const bad = [
    hands.raw("SetState", Buffer.from([0x0a, 0xff])),
    hands.set(id, "2", [CLUSTER, Buffer.from([0x0a, 0x7f, 1])]),
    hands.set(id, "2", [CLUSTER, new Uint8Array()]),
    hands.call("AddResource", id, "", "a", "2"),
  ];
  for (const call of bad) await expect(call).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  await expect(hands.raw("NoSuchCall", new Uint8Array())).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  const { stream, sub } = open(true, node);
  sub.want("a");
  expect(await stream.next()).toMatchObject({ version: "1" });
});

it("waits as long as it was told, or as the call says, and keeps the order of arrival", async () => {
  const { id } = newNode();
  const slow = harness(adapter.adapterPort, null);
  const took = async (work: Promise<void>): Promise<number> => {
    const start = performance.now();
    await work;
    return performance.now() - start;
  };
  // The least of several: other tests use the cores as well.
  await expect.poll(() => took(hands.set(id, "1"))).toBeLessThan(100);
  const together = (): Promise<number> => took(Promise.all([1, 2, 3].map(() => slow.set(id, "1"))).then(() => {}));
  expect(await together()).toBeGreaterThanOrEqual(145);
  await expect.poll(together, { timeout: 10_000 }).toBeLessThan(400);
  slow.close();
});

it("takes a state of 20 MiB", async () => {
  const { id, node } = newNode();
  const part = "x".repeat(2 * 1024 * 1024);
  await hands.set(id, "1", ...Array.from({ length: 10 }, (_, index): Any => [ENDPOINT, named(`e${index}`, part)]));
  const { stream, sub } = open(true, node, ENDPOINT);
  sub.want("e9");
  expect((await stream.next()).size).toBeGreaterThan(part.length);
});

it("runs as a process: says when it is ready, and ends well with a stream open", async () => {
  const file = fileURLToPath(new URL("../xdsAdapter.ts", import.meta.url));
  const child = spawn(process.execPath, [file, "--port", "0", "--adapter", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const [, xds, own] = /^ready xds=(\d+) adapter=(\d+)\n$/.exec(line.toString())!;
  const outside = connect(`127.0.0.1:${xds}`);
  const calls = harness(Number(own));
  await calls.set("n", "1", [CLUSTER, named("a")]);
  const stream = outside.stream({ delta: true, ads: true });
  subscriber(stream, CLUSTER, { id: "n" }).wantAll();
  await stream.next();
  child.kill("SIGTERM");
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
  outside.close();
  calls.close();
});
