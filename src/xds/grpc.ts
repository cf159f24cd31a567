/** The transport on @grpc/grpc-js. Messages pass through as buffers; grpc-js copies each once, into its frame. */
import { Server, ServerCredentials, type ServerDuplexStream, type ServiceDefinition } from "@grpc/grpc-js";
import { isLoopback, splitAddress } from "../util/address.ts";
import { identitiesIn } from "./identities.ts";
import {
  CLOSE_GRACE_MS,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
  MAX_REQUEST_BYTES,
  MAX_STREAMS_PER_CONNECTION,
} from "./limits.ts";
import type { RefusedClient } from "./refusals.ts";
import { DISCOVERY_METHODS, type DiscoveryMethod } from "./resourceTypes.ts";
import { readTlsFiles, type TlsFiles, type TlsFilesEvent, type TlsMaterial, watchTlsFiles } from "./tlsFiles.ts";
import { openTlsPort, type TlsPort } from "./tlsPort.ts";
import type { Clock, Connection, ConnectionHandler, Transport } from "./transport.ts";
import type { XdsMetrics } from "./types.ts";

type Call = ServerDuplexStream<Buffer, Buffer>;
type Accept = (method: DiscoveryMethod, connection: Connection) => ConnectionHandler;

/** How the port is secured, and who is told what happens at it. */
export interface PortOptions {
  /** Clients must show a certificate. Without: plaintext, on loopback only. */
  readonly tls?: TlsFiles | undefined;
  /** Plaintext also where other machines can reach it: whoever does may pull everything. */
  readonly insecure?: boolean | undefined;
  readonly clock: Clock;
  readonly onRefused: (client: RefusedClient) => void;
  readonly onTlsFiles?: ((event: TlsFilesEvent) => void) | undefined;
  /** Where certificate files are counted. */
  readonly metrics: Pick<XdsMetrics, "tlsReloads" | "tlsReloadFailures" | "tlsExpires">;
}

/** gRPC over TLS with client certificates, or plaintext. */
export function createGrpcTransport(options: PortOptions): Transport {
  const { tls } = options;
  const server = new Server({
    "grpc.max_receive_message_length": MAX_REQUEST_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": MAX_STREAMS_PER_CONNECTION,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.enable_channelz": 0,
  });
  let port: Pick<TlsPort, "close" | "destroy"> | null = null;
  return {
    authenticates: tls !== undefined,
    async listen(address, accept) {
      for (const [definition, implementation] of services(accept)) server.addService(definition, implementation);
      const shown = address.slice(0, address.lastIndexOf(":"));
      if (tls === undefined) {
        refuseStrangers(address, options);
        return `${shown}:${await bind(server, address)}`;
      }
      const opened = await bindTls(server, { ...options, tls, address });
      port = opened;
      return `${shown}:${opened.port}`;
    },
    async close() {
      port?.close();
      await shutDown(server);
      port?.destroy();
    },
  };
}

/** Plaintext is for this machine. */
function refuseStrangers(address: string, { insecure }: PortOptions): void {
  const host = splitAddress(address)?.host ?? "";
  if (insecure === true || isLoopback(host)) return;
  throw new Error(
    `listening on ${address}, which other machines can reach, needs client certificates: --xds-tls-cert, --xds-tls-key and --xds-tls-client-ca, or --xds-insecure to let whoever reaches the port pull every fleet`,
  );
}

/**
 * TLS ends at a listener of our own: grpc-js keeps the one that it would make to itself, and with it why a handshake failed. What came
 * through is handed to its server, which sees the TLS socket and its certificate.
 */
async function bindTls(
  server: Server,
  options: PortOptions & { readonly tls: TlsFiles; readonly address: string },
): Promise<Pick<TlsPort, "port" | "close" | "destroy">> {
  const { tls: files, address, clock, onRefused, onTlsFiles, metrics } = options;
  const place = splitAddress(address);
  if (place === null) throw new Error(`cannot listen on ${address}: it is no address`);
  const first = await readTlsFiles(files, clock.now());
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const port = await openTlsPort({
    ...place,
    context: first.context,
    onConnection: (socket) => injector.injectConnection(socket),
    onRefused: ({ reason, message }, peer) =>
      onRefused({ reason, message, peer, identities: [], nodeId: null, group: null }),
  }).catch((error: Error) => {
    throw new Error(`cannot listen on ${address}: ${error.message}`, { cause: error });
  });
  const noteExpiry = ({ expires }: TlsMaterial): void => {
    metrics.tlsExpires = expires.getTime() / 1000;
  };
  noteExpiry(first);
  const unwatch = watchTlsFiles(first, {
    files,
    clock,
    use: (material) => {
      port.use(material.context);
      noteExpiry(material);
    },
    tell(event) {
      if (event.ok) metrics.tlsReloads += 1;
      else metrics.tlsReloadFailures += 1;
      onTlsFiles?.(event);
    },
  });
  return {
    ...port,
    close() {
      unwatch();
      port.close();
    },
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
  const { sslPeerCertificate: certificate } = call.getAuthContext();
  const connection: Connection = {
    peer: { address: call.getPeer(), identities: identitiesIn(certificate?.subjectaltname) },
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
