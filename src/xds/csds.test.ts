/** Client status over the real wire, read with Envoy's own messages. */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ClientStatusRequestSchema,
  type ClientStatusResponse,
  ClientStatusResponseSchema,
  ConfigStatus,
} from "../gen/proto/envoy/service/status/v3/csds_pb.js";
import { StructMatcherSchema } from "../gen/proto/envoy/type/matcher/v3/struct_pb.js";
import type { XdsServer } from "./index.ts";
import { SECRET } from "./resourceTypes.ts";
import {
  CLUSTER,
  connect,
  ENDPOINT,
  fleet,
  NODE,
  resource,
  startServer,
  subscriber,
  type TestClient,
} from "./testing.ts";

const SERVICE = "/envoy.service.status.v3.ClientStatusDiscoveryService";

let server: XdsServer;
let client: TestClient;
let status: Client;
let edge: ReturnType<typeof fleet>;

beforeEach(async () => {
  const started = await startServer();
  server = started.server;
  edge = fleet(server);
  client = connect(started.address);
  status = new Client(started.address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
});
afterEach(async () => {
  status.close();
  client.close();
  await server.close();
});

type Question = MessageInitShape<typeof ClientStatusRequestSchema>;
const encode = (question: Question): Buffer =>
  Buffer.from(toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, question)));
const decode = (bytes: Buffer): ClientStatusResponse => fromBinary(ClientStatusResponseSchema, bytes);

function fetchStatus(question: Question = {}): Promise<ClientStatusResponse> {
  return new Promise((resolve, reject) => {
    status.makeUnaryRequest(`${SERVICE}/FetchClientStatus`, encode, decode, question, (error, answer) => {
      if (error === null) resolve(answer!);
      else reject(error);
    });
  });
}

/** `[type, name, status]` of each resource of the first node. */
async function states(): Promise<(string | undefined)[][]> {
  const [config] = (await fetchStatus()).config;
  return config!.genericXdsConfigs.map(({ typeUrl, name, configStatus }) => [
    typeUrl.split(".").at(-1),
    name,
    ConfigStatus[configStatus],
  ]);
}

describe("client status", () => {
  it.each([{ delta: false }, { delta: true }])(
    "obligation 69: tells of each resource whether it was sent, accepted or refused (delta: $delta)",
    async ({ delta }) => {
      edge.set(resource(CLUSTER, "a"), resource(ENDPOINT, "e"));
      const stream = client.stream({ delta, ads: true });
      const clusters = subscriber(stream, CLUSTER);
      clusters.wantAll();
      const first = await stream.next();
      await expect.poll(states).toEqual([["Cluster", "a", "STALE"]]);
      clusters.ack(first);
      await expect.poll(states).toEqual([["Cluster", "a", "SYNCED"]]);
      const endpoints = subscriber(stream, ENDPOINT, null);
      endpoints.want("e", "none");
      endpoints.nack(await stream.next(), "no good");
      await expect.poll(states).toEqual([
        ["Cluster", "a", "SYNCED"],
        ["ClusterLoadAssignment", "e", "ERROR"],
        ["ClusterLoadAssignment", "none", "NOT_SENT"],
      ]);
      const { config } = await fetchStatus();
      expect(config).toMatchObject([{ node: { id: NODE.id, cluster: "edge", userAgentName: "envoy" } }]);
      const [cluster, refused] = config[0]!.genericXdsConfigs;
      expect(Buffer.from(cluster!.xdsConfig!.value).toString()).toBe("a|1");
      expect(cluster).toMatchObject({ versionInfo: "1", xdsConfig: { typeUrl: CLUSTER } });
      expect(refused!.errorState).toMatchObject({ details: "no good" });
      expect(refused!.errorState!.versionInfo).not.toBe("");
    },
  );

  it("answers each question on a stream, and picks nodes", async () => {
    edge.set(resource(CLUSTER, "a"), resource(SECRET, "key"));
    for (const id of ["one", "two"]) {
      const stream = client.stream({ delta: true, ads: true });
      const node = { ...NODE, id };
      stream.send({ node, typeUrl: CLUSTER, resourceNamesSubscribe: ["a"] });
      stream.send({ typeUrl: SECRET, resourceNamesSubscribe: ["key"] });
      await stream.next();
    }
    const call = status.makeBidiStreamRequest(`${SERVICE}/StreamClientStatus`, encode, decode);
    const answers: ClientStatusResponse[] = [];
    call.on("data", (answer: ClientStatusResponse) => answers.push(answer));
    const ended = new Promise<number>((resolve) => call.on("status", ({ code }: { code: number }) => resolve(code)));
    const ids = async (question: Question): Promise<string[]> => {
      const before = answers.length;
      call.write(question);
      await expect.poll(() => answers.length).toBe(before + 1);
      return answers.at(-1)!.config.map((config) => config.node!.id);
    };
    const matching = (
      value: string,
      kind: "exact" | "prefix" | "suffix" | "contains",
      ignoreCase = false,
    ): Question => ({
      nodeMatchers: [{ nodeId: { matchPattern: { case: kind, value }, ignoreCase } }],
    });
    expect(await ids({})).toEqual(["one", "two"]);
    expect(await ids(matching("one", "exact"))).toEqual(["one"]);
    expect(await ids(matching("TW", "prefix", true))).toEqual(["two"]);
    expect(await ids(matching("o", "suffix"))).toEqual(["two"]);
    expect(await ids(matching("n", "contains"))).toEqual(["one"]);
    expect(await ids({ excludeResourceContents: true })).toEqual(["one", "two"]);
    const all = answers.at(-1)!.config[0]!.genericXdsConfigs;
    expect(all.map((entry) => entry.xdsConfig)).toEqual([undefined, undefined]);
    call.end();
    expect(await ended).toBe(0);
    const [config] = (await fetchStatus()).config;
    const contents = config!.genericXdsConfigs.map((entry) => [entry.typeUrl, entry.xdsConfig === undefined]);
    expect(contents).toEqual([
      [CLUSTER, false],
      [SECRET, true],
    ]);
  });

  it("refuses what it cannot match, and an answer that is too large", async () => {
    const regex = { matchPattern: { case: "safeRegex", value: { regex: ".*" } } } as const;
    await expect(fetchStatus({ nodeMatchers: [{ nodeId: regex }] })).rejects.toMatchObject({ code: 3 });
    await expect(
      fetchStatus({ nodeMatchers: [{ nodeMetadatas: [create(StructMatcherSchema)] }] }),
    ).rejects.toMatchObject({ code: 3 });
    edge.set(...Array.from({ length: 20 }, (_, index) => resource(ENDPOINT, `e${index}`, "x".repeat(1_000_000))));
    const stream = client.stream({ delta: true, ads: true });
    subscriber(stream, ENDPOINT).want(...Array.from({ length: 20 }, (_, index) => `e${index}`));
    await stream.next();
    await expect(fetchStatus()).rejects.toMatchObject({ code: 8, details: expect.stringContaining("node_matchers") });
    expect((await fetchStatus({ excludeResourceContents: true })).config[0]!.genericXdsConfigs).toHaveLength(20);
  });
});

it.each([
  "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats",
  "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters",
])("obligations 69, 70: answers what is optional and not served with UNIMPLEMENTED: %s", async (path) => {
  const pass = (bytes: Buffer): Buffer => bytes;
  const code = await new Promise((resolve) => {
    status.makeUnaryRequest(path, pass, pass, Buffer.alloc(0), (error) => resolve(error?.code));
  });
  expect(code).toBe(12);
});
