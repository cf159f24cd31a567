/** An endpoint that plays a part byte by byte, and what it saw of each request. */
import { createServer, type Server, type Socket } from "node:net";
import { listen } from "../sameBehaviour/wire.ts";

/** What an endpoint saw of one request, and how its connection went on. */
export interface Sight {
  /** Bytes behind the head. */
  body: number;
  /** The last chunk, or as many bytes as announced. */
  isWhole: boolean;
  /** When the proxy closed or reset the connection; null: it did not. */
  closedAt: number | null;
}

/** One request as its endpoint has it. */
export interface Exchange {
  readonly sight: Sight;
  readonly write: (text: string) => void;
  /** Many bytes, as fast as the proxy takes them. */
  readonly flood: (bytes: number) => Promise<void>;
  /** Ends the connection. */
  readonly end: () => void;
  /** Stops reading. */
  readonly stopReading: () => void;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Until all of the request is there, or the connection ends. */
  readonly request: () => Promise<void>;
}

/** What an endpoint does with a request, from its head on. */
export type Part = (exchange: Exchange) => Promise<void>;

/** Endpoints behind one port: which part is played stands in the request's path. */
export interface Backend {
  readonly port: number;
  readonly expect: (path: string, part: Part) => void;
  readonly sightOf: (path: string) => Sight | undefined;
  readonly stop: () => Promise<void>;
}

/** Opens the port. */
export async function startBackend(): Promise<Backend> {
  const parts = new Map<string, Part>();
  const sights = new Map<string, Sight>();
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    serve(socket, (path, sight) => {
      sights.set(path, sight);
      return parts.get(path) ?? answerOk;
    });
  });
  const port = await listen(server, "127.0.0.1");
  return {
    port,
    expect: (path, part) => void parts.set(path, part),
    sightOf: (path) => sights.get(path),
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const LAST_CHUNK = "0\r\n\r\n";

/** Waits for the whole request and answers. */
export const answerOk: Part = async ({ request, write }) => {
  await request();
  write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
};

/** Reads one request after the other: proxies keep connections. */
function serve(socket: Socket, partOf: (path: string, sight: Sight) => Part): void {
  let text = "";
  let tail = "";
  let sight: Sight | null = null;
  let isRead: () => void = () => {};
  let length: number | "chunked" = 0;
  const look = (): void => {
    if (sight === null) {
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = text.slice(0, end + 2);
      text = text.slice(end + 4);
      const lengthText = /^content-length: *(\d+)\r$/im.exec(head)?.[1] ?? "0";
      length = /^transfer-encoding: *chunked\r$/im.test(head) ? "chunked" : Number(lengthText);
      const begun: Sight = { body: 0, isWhole: false, closedAt: null };
      sight = begun;
      void partOf(
        head.split(" ")[1] ?? "",
        begun,
      )(exchangeOf(socket, begun, (listener) => (isRead = listener))).then(() => {
        // The next request of a kept connection is another one.
        if (begun.isWhole && sight === begun) sight = null;
      });
    }
    if (sight === null || sight.isWhole) return;
    sight.body += text.length;
    tail = (tail + text).slice(-LAST_CHUNK.length);
    sight.isWhole = length === "chunked" ? tail === LAST_CHUNK : sight.body >= length;
    text = "";
    if (sight.isWhole) isRead();
  };
  const close = (): void => {
    if (sight !== null) sight.closedAt ??= performance.now();
    isRead();
    socket.destroy();
  };
  socket.on("data", (data) => {
    text += data.toString("latin1");
    look();
  });
  for (const event of ["end", "error", "close"]) socket.on(event, close);
}

function exchangeOf(socket: Socket, sight: Sight, onRead: (listener: () => void) => void): Exchange {
  return {
    sight,
    write: (text) => void (socket.writable && socket.write(text, "latin1")),
    flood: (bytes) => flood(socket, bytes),
    end: () => void socket.end(),
    stopReading: () => void socket.pause(),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    request: () =>
      new Promise((resolve) => {
        if (sight.isWhole || socket.destroyed) resolve();
        else onRead(resolve);
      }),
  };
}

const BLOCK = Buffer.alloc(65_536, "x");

/** Sends so many bytes as fast as they are taken; until the connection ends. */
export async function flood(socket: Socket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0 && socket.writable; left -= BLOCK.length) {
    if (socket.write(BLOCK.subarray(0, Math.min(left, BLOCK.length)))) continue;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        for (const event of ["drain", "close", "error"]) socket.off(event, go);
        resolve();
      };
      for (const event of ["drain", "close", "error"]) socket.on(event, go);
    });
  }
}
