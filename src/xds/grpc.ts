/** The transport on @grpc/grpc-js. Messages pass through as buffers; grpc-js copies each once, into its frame. */
import { Server, ServerCredentials, type ServerDuplexStream, type ServiceDefinition } from "@grpc/grpc-js";
import {
  CLOSE_GRACE_MS,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
  MAX_REQUEST_BYTES,
  MAX_STREAMS_PER_CONNECTION,
} from "./limits.ts";
import { DISCOVERY_METHODS, type DiscoveryMethod } from "./resourceTypes.ts";
import type { Connection, ConnectionHandler, Transport } from "./transport.ts";

type Call = ServerDuplexStream<Buffer, Buffer>;
type Accept = (method: DiscoveryMethod, connection: Connection) => ConnectionHandler;

/** Plaintext gRPC; the address decides who can reach it. */
export function createGrpcTransport(): Transport {
  const server = new Server({
    "grpc.max_receive_message_length": MAX_REQUEST_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": MAX_STREAMS_PER_CONNECTION,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.enable_channelz": 0,
  });
  return {
    async listen(address, accept) {
      for (const [definition, implementation] of services(accept)) server.addService(definition, implementation);
      const port = await bind(server, address);
      return `${address.slice(0, address.lastIndexOf(":"))}:${port}`;
    },
    close: () => shutDown(server),
  };
}

function services(accept: Accept): [ServiceDefinition, Record<string, (call: Call) => void>][] {
  return DISCOVERY_METHODS.map((method) => [
    {
      handle: {
        path: method.path,
        requestStream: true,
        responseStream: true,
        requestSerialize: passThrough,
        requestDeserialize: passThrough,
        responseSerialize: passThrough,
        responseDeserialize: passThrough,
      },
    },
    { handle: (call) => serve(call, method, accept) },
  ]);
}

function passThrough(bytes: Buffer): Buffer {
  return bytes;
}

function serve(call: Call, method: DiscoveryMethod, accept: Accept): void {
  let closed = false;
  const connection: Connection = {
    peer: call.getPeer(),
    write(message, done) {
      call.write(message, (error: Error | null | undefined) => {
        if (!closed && !error) done();
      });
    },
    end(status) {
      if (closed) return;
      if (status === undefined) call.end();
      else call.emit("error", Object.assign(new Error(status.message), { code: status.code, details: status.message }));
    },
  };
  const handler = accept(method, connection);
  const close = (): void => {
    if (closed) return;
    closed = true;
    handler.onClose();
  };
  call.on("data", (message: Buffer) => {
    if (!closed) handler.onMessage(message);
  });
  call.on("end", () => {
    if (!closed) handler.onHalfClose();
  });
  call.on("cancelled", close);
  call.on("close", close);
  // grpc-js turns an error into the stream's status; without a listener of ours it would still be handled there.
  call.on("error", () => {});
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, CLOSE_GRACE_MS);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
