/**
 * The least that a change of a cluster can cost on node:http2: no protocol, no stores, no bounds. The first bytes of a stream are answered
 * with canned responses, POST /cds writes one buffer with the bytes of our two responses (or of one: third argument) to every stream, and
 * what clients answer is counted and not read. Arguments: the xDS address, the port of the control server, 1 or 2 responses, and how many
 * bytes the first answer about endpoints has (a node that comes back in state of the world gets 152 000: all of its 1 000), and how
 * many bytes a changed cluster is told with (in state of the world 91 000: all 1 000 clusters; the fields have the same numbers there).
 * GET /loop tells the longest turn of the event loop since it was last asked, as CPU.
 */
import { createServer as createControl } from "node:http";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { meterTurns } from "../src/xds/testingTurnMeter.ts";

const RPC = { cluster: "envoy.config.cluster.v3.Cluster", endpoint: "envoy.config.endpoint.v3.ClusterLoadAssignment" };
const OTHERS = ["envoy.config.listener.v3.Listener", "envoy.config.route.v3.RouteConfiguration"];
const [address = "127.0.0.1:24100", control = "24101", responses = "2", firstBytes = "0", changeBytes = "150"] =
  process.argv.slice(2);
/** Bytes of the changed cluster and of its endpoints in our responses, beside the name of their type. */
const BODY_BYTES = { [RPC.cluster]: Number(changeBytes), [RPC.endpoint]: 110 };
const streams = new Set<ServerHttp2Stream>();
let received = 0;
let nonce = 0;

function field(number: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const head = [(number << 3) | 2];
  let { length } = bytes;
  for (; length > 127; length >>= 7) head.push((length & 127) | 128);
  return Buffer.concat([Buffer.from([...head, length]), bytes]);
}

/** A DeltaDiscoveryResponse in its gRPC frame. */
function response(type: string, body: string): Buffer {
  nonce += 1;
  const resource = body === "" ? Buffer.alloc(0) : field(2, field(2, field(2, body)));
  const typeUrl = field(4, `type.googleapis.com/${type}`);
  const message = Buffer.concat([field(1, "0123456789abcdef"), resource, typeUrl, field(5, String(nonce))]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const first = Buffer.concat(
  [RPC.cluster, RPC.endpoint, ...OTHERS].map((type) =>
    response(type, type === RPC.endpoint ? ".".repeat(Number(firstBytes)) : ""),
  ),
);

/** Tells every stream, in slices like ours: requests and pings are read in between. */
function tell(marker: string): void {
  const types = responses === "1" ? [RPC.cluster] : [RPC.cluster, RPC.endpoint];
  const bytes = Buffer.concat(types.map((type) => response(type, marker.padEnd(BODY_BYTES[type] ?? 0, "."))));
  for (const stream of streams) stream.write(bytes);
}

const server = createServer();
server.on("stream", (stream) => {
  streams.add(stream);
  stream.on("error", () => {});
  stream.on("close", () => streams.delete(stream));
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" });
  stream.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  stream.write(first);
});
server.on("sessionError", () => {});
const colon = address.lastIndexOf(":");
server.listen(Number(address.slice(colon + 1)), address.slice(0, colon), () => {
  const longestTurn = meterTurns();
  createControl((request, answer) => {
    const url = new URL(request.url ?? "/", "http://bench");
    if (url.pathname === "/loop") {
      answer.end(String(Math.round(longestTurn())));
      return;
    }
    if (url.pathname === "/cds") tell(url.searchParams.get("ip") ?? "");
    answer.end(`${received}\n`);
  }).listen(Number(control), "127.0.0.1");
});
