/** The standard gRPC health service says SERVING, over HTTP/2. */
import { connect, constants } from "node:http2";
import { connectionError, type End, endsWithin } from "./answer.ts";
import { authorityOf, dial } from "./endpointTls.ts";
import type { Probe } from "./types.ts";

const PATH = "/grpc.health.v1.Health/Check";
/** A HealthCheckResponse that says SERVING: field 1, a number, 1. Behind the five bytes before a message that is not compressed. */
const SERVING = Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01]);
/** Of an answer; longer ones say something else. */
const MAX_BYTES = 64;
const GRPC_STATUS = "grpc-status";

/** `grpc` of a health check. */
export const probeGrpc: Probe = (at, { timeoutMs, grpc }, tls) =>
  endsWithin(timeoutMs, (end) => {
    const session = connect(authorityOf(at, tls), { createConnection: () => dial(at, tls, true).socket });
    session.on("error", (error) => end(connectionError(error)));
    session.on("close", () => end("it closed without an answer"));
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: PATH,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      [constants.HTTP2_HEADER_TE]: "trailers",
    });
    stream.on("error", (error) => end(connectionError(error)));
    let answer: Buffer = Buffer.alloc(0);
    stream.on("response", (head) => {
      if (head[":status"] !== constants.HTTP_STATUS_OK) end(`status ${head[":status"]}`);
      else if (head[GRPC_STATUS] !== undefined) judge(String(head[GRPC_STATUS]), answer, end);
    });
    stream.on("data", (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length > MAX_BYTES) end("the answer is no health status");
    });
    stream.on("trailers", (trailers) => judge(String(trailers[GRPC_STATUS]), answer, end));
    stream.on("end", () => end("it closed without a gRPC status"));
    stream.end(message(grpc?.service ?? ""));
    return () => session.destroy();
  });

/** A HealthCheckRequest: field 1, a text of at most 100 bytes. */
function message(service: string): Buffer {
  const text = Buffer.from(service, "utf8");
  const body = text.length === 0 ? text : Buffer.concat([Buffer.from([0x0a, text.length]), text]);
  return Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]);
}

function judge(status: string, answer: Buffer, end: End): void {
  if (status !== "0") end(`gRPC status ${status}`);
  else end(answer.equals(SERVING) ? null : "it does not say SERVING");
}
