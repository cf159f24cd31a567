/**
 * How long the event loop is held (CPU of its thread) when 2 000 streams of 100 connections close at once: our xDS server beside a bare
 * node:http2 that does nothing with its streams. Each side is a process of its own, and so are the clients, which are killed.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryRequestSchema } from "../src/gen/proto/envoy/service/discovery/v3/discovery_pb.js";
import { setEngineFlags } from "../src/util/engineFlags.ts";
import { createXdsServer, type XdsResource } from "../src/xds/index.ts";
import { CLUSTER } from "../src/xds/resourceTypes.ts";
import { meterTurns } from "../src/xds/testingTurnMeter.ts";

const CONNECTIONS = 100;
const STREAMS_EACH = 20;
/** Of clients that come and are killed; the first warms the code up. */
const ROUNDS = 6;
/** Until everything that a crowd sets off has been done. */
const SETTLE_MS = 1_500;
const FLEET = "load";
const PATH = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

const sides: Record<string, () => Promise<number>> = { bare: serveBare, ours: serveOurs };

async function serveBare(): Promise<number> {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.on("data", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
    stream.write("x");
  });
  server.on("sessionError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function serveOurs(): Promise<number> {
  setEngineFlags();
  const server = createXdsServer({ identifier: "bench" });
  const cluster: XdsResource = { typeUrl: CLUSTER, name: "c", version: "1", refs: [], bytes: Buffer.from("c") };
  server.setView(FLEET, new Map([[CLUSTER, new Map([[cluster.name, cluster]])]]), 1);
  const address = await server.listen("127.0.0.1:0");
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

/** Opens all streams and tells when each was sent something. */
function crowd(port: number): void {
  let answered = 0;
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on("error", () => {});
    for (let index = 0; index < STREAMS_EACH; index++) {
      const stream = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc" });
      stream.on("error", () => {});
      stream.write(firstRequest(`${connection}-${index}`));
      stream.once("data", () => {
        answered += 1;
        if (answered === CONNECTIONS * STREAMS_EACH) process.send!("ready");
      });
      stream.resume();
    }
  }
}

function firstRequest(id: string): Buffer {
  const request = create(DeltaDiscoveryRequestSchema, { typeUrl: CLUSTER, node: { id, cluster: FLEET } });
  const message = toBinary(DeltaDiscoveryRequestSchema, request);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Serves one side; tells its port, and the longest turn since the last question. */
async function serve(side: string): Promise<void> {
  const longest = meterTurns();
  const port = await sides[side]!();
  process.on("message", () => process.send!(longest()));
  process.send!(port);
}

const start = (...options: string[]): ChildProcess =>
  fork(import.meta.filename, options, { execArgv: ["--no-warnings"] });
const told = async (child: ChildProcess): Promise<unknown> => (await once(child, "message"))[0];

async function longestTurn(server: ChildProcess): Promise<number> {
  const answer = told(server);
  server.send("longest");
  return (await answer) as number;
}

/** CPU of the longest turn in which a crowd closed, of each round. */
async function measure(side: string): Promise<number[]> {
  const server = start(side);
  const port = await told(server);
  const turns: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const clients = start("crowd", String(port));
    await told(clients);
    await sleep(SETTLE_MS);
    await longestTurn(server);
    clients.kill("SIGKILL");
    await sleep(SETTLE_MS);
    turns.push(await longestTurn(server));
  }
  server.kill();
  return turns.slice(1);
}

const [role, port] = process.argv.slice(2);
if (role === "crowd") crowd(Number(port));
else if (role !== undefined) await serve(role);
else {
  process.stdout.write(
    `load ${loadavg()[0]!.toFixed(2)}; CPU ms of the longest turn as 2 000 streams close, each round\n`,
  );
  for (const side of Object.keys(sides)) {
    const turns = await measure(side);
    process.stdout.write(`${side.padEnd(6)} ${turns.map((turn) => turn.toFixed(0)).join(" ")}\n`);
  }
}
