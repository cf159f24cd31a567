/** An endpoint that speaks HTTP/2, in the clear or inside TLS, and tells what it received. */
import { createSecureServer, createServer, type SecureServerOptions, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** What it answers, as JSON. */
export interface Http2Echo {
  readonly name: string;
  /** Pseudo-fields too. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** How it was reached; null: in the clear. */
  readonly tls: { readonly serverName: string | null; readonly alpn: string | null } | null;
}

/** A running endpoint. */
export interface Http2Endpoint {
  readonly port: number;
  /** Connections that were made so far. */
  readonly connections: () => number;
  /** Requests so far, those of health checks not counted. */
  readonly seen: () => number;
  /** Of `/health`. */
  readonly setHealth: (status: number) => void;
  readonly close: () => Promise<void>;
}

/** Of `/large`: more than all windows and buffers on the way. */
const LARGE = Buffer.alloc(8 * 1024 * 1024, "x");

/**
 * On a free port of loopback. `/large` is answered with many bytes, `/later` after 100 ms, `/trailers` with a trailer, `/goodbye` by
 * taking no more requests on the connection, `/refused` by a reset that says that nothing was done, once.
 */
export async function startHttp2Endpoint(name: string, tls?: SecureServerOptions): Promise<Http2Endpoint> {
  const sockets = new Set<Socket>();
  let [connections, seen, health, refused] = [0, 0, 200, false];
  // In megabytes: all that clients leave unread.
  const options = { maxSessionMemory: 1_000 };
  const server = tls === undefined ? createServer(options) : createSecureServer({ ...options, ...tls });
  // Also of those that never get to speak HTTP/2.
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("session", (session) => {
    connections += 1;
    session.on("error", () => {});
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    const path = String(headers[":path"]);
    if (path === "/health") {
      stream.respond({ ":status": health }, { endStream: true });
      return;
    }
    seen += 1;
    if (path === "/refused" && !refused) {
      refused = true;
      stream.close(7);
      return;
    }
    if (path === "/goodbye") stream.session?.close();
    answer(name, stream, { path, headers: headers as Record<string, string> });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    seen: () => seen,
    setHealth: (status) => {
      health = status;
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface Asked {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function answer(name: string, stream: ServerHttp2Stream, { path, headers }: Asked): void {
  if (path === "/large") {
    stream.respond({ ":status": 200 });
    stream.end(LARGE);
    return;
  }
  const body: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => body.push(chunk));
  stream.on("end", () => {
    const text = Buffer.concat(body).toString("latin1");
    const echo: Http2Echo = { name, headers: { ...headers }, body: text, tls: tlsOf(stream) };
    const respond = (): void => {
      if (stream.destroyed) return;
      stream.respond({ ":status": 200, "content-type": "application/json" }, { waitForTrailers: path === "/trailers" });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-checked": "yes" }));
      stream.end(JSON.stringify(echo));
    };
    setTimeout(respond, path === "/later" ? 100 : 0);
  });
}

function tlsOf(stream: ServerHttp2Stream): Http2Echo["tls"] {
  if (stream.session?.encrypted !== true) return null;
  const socket = stream.session.socket as unknown as TLSSocket & { readonly servername?: string | false };
  return { serverName: socket.servername || null, alpn: socket.alpnProtocol || null };
}
