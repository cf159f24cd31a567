/** An endpoint that speaks HTTP/2 without TLS, and tells what it received. */
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

/** What it answers, as JSON. */
export interface Http2Echo {
  readonly name: string;
  /** Pseudo-fields too. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
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
export async function startHttp2Endpoint(name: string): Promise<Http2Endpoint> {
  const sessions = new Set<ServerHttp2Session>();
  let [connections, seen, health, refused] = [0, 0, 200, false];
  // In megabytes: all that clients leave unread.
  const server: Http2Server = createServer({ maxSessionMemory: 1_000 });
  server.on("session", (session) => {
    connections += 1;
    sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => sessions.delete(session));
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
      for (const session of sessions) session.destroy();
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
    const echo: Http2Echo = { name, headers: { ...headers }, body: Buffer.concat(body).toString("latin1") };
    const respond = (): void => {
      if (stream.destroyed) return;
      stream.respond({ ":status": 200, "content-type": "application/json" }, { waitForTrailers: path === "/trailers" });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-checked": "yes" }));
      stream.end(JSON.stringify(echo));
    };
    setTimeout(respond, path === "/later" ? 100 : 0);
  });
}
