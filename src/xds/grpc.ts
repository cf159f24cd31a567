/**
 * The transport: gRPC on node:http2. @grpc/grpc-js keeps whole messages (64 of them a stream) before anyone can refuse them, copies
 * each response for each stream, and bounds neither connections nor what they send beside messages (docs/decisions/0025).
 */
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { type Bodies, createBodies } from "./bodies.ts";
import { createPool, peerOf } from "./budgets.ts";
import { createFramer, type Framer } from "./framer.ts";
import { serveGrpcStream } from "./grpcStream.ts";
import {
  CLOSE_GRACE_MS,
  MAX_CONNECTIONS,
  MAX_HEADER_BYTES,
  MAX_REJECTED_STREAMS,
  MAX_STREAMS_PER_CONNECTION,
  STREAM_RESETS,
  WINDOW_BYTES,
} from "./limits.ts";
import { openTls, type PortOptions, refuseStrangers } from "./port.ts";
import type { EndReason } from "./reasons.ts";
import { createRequestQueue, type RequestQueue } from "./requestQueue.ts";
import { DISCOVERY_METHODS, type DiscoveryMethod } from "./resourceTypes.ts";
import { createSessions, type Link, type Sessions } from "./sessions.ts";
import { type Connection, type ConnectionHandler, STATUS, systemClock, type Transport } from "./transport.ts";

/** What the transport tells. */
export interface GrpcTransportOptions extends PortOptions {
  /** It refused a stream or connection, or ended one. */
  readonly refused: (reason: EndReason) => void;
  /** A defect of ours ended a stream. */
  readonly onError: (error: unknown) => void;
}

type Accept = (method: DiscoveryMethod, connection: Connection) => ConnectionHandler;

/** gRPC over TLS with client certificates, or plaintext. */
export function createGrpcTransport(options: GrpcTransportOptions): Transport {
  const { tls } = options;
  const server = createServer({
    settings: {
      maxConcurrentStreams: MAX_STREAMS_PER_CONNECTION,
      maxHeaderListSize: MAX_HEADER_BYTES,
      initialWindowSize: WINDOW_BYTES,
    },
    maxSessionRejectedStreams: MAX_REJECTED_STREAMS,
    streamResetBurst: STREAM_RESETS.burst,
    streamResetRate: STREAM_RESETS.rate,
    // Ours are the bounds on memory; when node's is met, sessions behave badly (so grpc-js switches it off as well).
    maxSessionMemory: Number.MAX_SAFE_INTEGER,
    unknownProtocolTimeout: CLOSE_GRACE_MS,
  });
  const queue = createRequestQueue(systemClock.monotonic);
  const sessions = createSessions({ clock: systemClock, queue, refused: options.refused });
  let port: Port = { listener: server, unwatch: () => {}, sockets: new Set() };
  server.on("session", (session: ServerHttp2Session) => sessions.add(session));
  // A session that fails is closed by node; there is nothing to add.
  server.on("sessionError", () => {});
  return {
    authenticates: tls !== undefined,
    async listen(address, accept) {
      const context: StreamContext = { accept, queue, frame: createFramer(), bodies: createBodies(), ...options };
      server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
        stream.on("error", () => {});
        const link = sessions.opened(stream);
        if (link === null) stream.destroy();
        else openInTurn(stream, headers, { ...context, link });
      });
      if (tls === undefined) refuseStrangers(address, options);
      const onConnection = (socket: Socket): void => void server.emit("connection", socket);
      const opened = tls === undefined ? { ...port } : await openTls(tls, { ...options, onConnection });
      port = { ...opened, sockets: admitConnections(opened.listener, options.refused) };
      const number = await bind(port.listener, address);
      return `${address.slice(0, address.lastIndexOf(":"))}:${number}`;
    },
    close: () => shutDown(port, sessions),
  };
}

/** What is bound: the server itself, or what stands before it where there is TLS. */
interface Port {
  readonly listener: Server;
  readonly unwatch: () => void;
  readonly sockets: ReadonlySet<Socket>;
}

/** Closes what comes above the bound before anything is read of it; gives the rest, as long as it is open. */
function admitConnections(server: Server, refused: (reason: EndReason) => void): ReadonlySet<Socket> {
  const places = createPool(MAX_CONNECTIONS);
  const sockets = new Set<Socket>();
  server.prependListener("connection", (socket: Socket) => {
    const peer = peerOf(`${socket.remoteAddress}:${socket.remotePort}`);
    if (!places.take(peer, 1)) {
      refused("places");
      socket.destroy();
      return;
    }
    sockets.add(socket);
    // Of a session that has ended node:http2 closes its own side alone, and the other may keep its place for ever.
    socket.once("finish", () => setTimeout(() => socket.destroy(), CLOSE_GRACE_MS).unref());
    socket.once("close", () => {
      sockets.delete(socket);
      places.give(peer, 1);
    });
  });
  return sockets;
}

interface StreamContext extends GrpcTransportOptions {
  readonly accept: Accept;
  readonly queue: RequestQueue;
  readonly frame: Framer;
  readonly bodies: Bodies;
}

function openInTurn(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  context: StreamContext & { readonly link: Link },
): void {
  const { link, onError, refused } = context;
  link.held(true);
  link.lane(() => {
    link.held(false);
    // It may have been reset before its turn came.
    if (stream.destroyed || stream.closed || link.isCut()) return;
    try {
      route(stream, headers, context);
    } catch (error) {
      onError(error);
      refused("defect");
      stream.destroy();
    }
  });
}

function route(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  context: StreamContext & { readonly link: Link },
): void {
  const { link } = context;
  if (!headers["content-type"]?.startsWith("application/grpc")) {
    context.refused("method");
    link.failed();
    turnAway(stream, { ":status": 415 });
    return;
  }
  const path = headers[":path"];
  const method = DISCOVERY_METHODS.find((entry) => entry.path === path);
  if (method === undefined) {
    context.refused("method");
    link.failed();
    const message = "no such method: this server has the discovery services of Envoy, aggregated and for each type";
    const answer = { ":status": 200, "content-type": "application/grpc+proto", "grpc-status": STATUS.UNIMPLEMENTED };
    turnAway(stream, { ...answer, "grpc-message": encodeURI(message) });
    return;
  }
  serveGrpcStream(stream, {
    link,
    accept: (connection) => context.accept(method, connection),
    queue: context.queue,
    clock: systemClock,
    frame: context.frame,
    bodies: context.bodies,
    refused: context.refused,
  });
}

/** Answers with headers alone and reads nothing. */
function turnAway(stream: ServerHttp2Stream, headers: Record<string, string | number>): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond(headers, { endStream: true });
  stream.resume();
  setImmediate(() => {
    if (!stream.destroyed) stream.close();
  });
}

function bind(server: Server, address: string): Promise<number> {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
    };
    server.once("error", fail);
    try {
      server.listen({ host, port: Number(address.slice(colon + 1)) }, () => {
        server.off("error", fail);
        // Accepting can fail later as well, when there are no descriptors: that connection is lost, and not the process.
        server.on("error", () => {});
        resolve((server.address() as AddressInfo).port);
      });
    } catch (error) {
      fail(error as Error);
    }
  });
}

/** The port is free at once; connections last as long as their streams, or a short time. */
async function shutDown({ listener: server, unwatch, sockets }: Port, sessions: Sessions): Promise<void> {
  unwatch();
  const free = new Promise<void>((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
  // Sockets, because a session that is closing in order waits for its peer even when it is destroyed.
  const cut = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, CLOSE_GRACE_MS);
  await Promise.all([sessions.close(), free]);
  clearTimeout(cut);
}
