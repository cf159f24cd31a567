/** Small upstreams to try a configuration with: HTTP servers that answer what they were sent, TCP servers that send it back. */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { socketText } from "../agent/index.ts";
import type { DevEcho } from "./config.ts";

/** Longest `?delay=`; longer than any timeout that one would try by hand. */
const MAX_DELAY_MS = 120_000;
/** An echo upstream is for trying out; a leak of clients must not become one of ours. */
const MAX_CONNECTIONS = 10_000;

export interface Echoes {
  /** Starts what is missing, ends what is no longer wanted. Gives one line per upstream that cannot listen. */
  sync(wanted: readonly DevEcho[]): Promise<readonly string[]>;
  close(): Promise<void>;
}

interface Running {
  readonly close: () => Promise<void>;
}

/** Starts nothing by itself. */
export function createEchoes(): Echoes {
  const running = new Map<string, Running>();

  async function sync(wanted: readonly DevEcho[]): Promise<readonly string[]> {
    const byKey = new Map(wanted.map((echo) => [`${echo.kind} ${echo.name} ${socketText(echo)}`, echo]));
    const surplus = [...running].filter(([key]) => !byKey.has(key));
    await Promise.all(
      surplus.map(([key, server]) => {
        running.delete(key);
        return server.close();
      }),
    );
    const problems: string[] = [];
    for (const [key, echo] of byKey) {
      if (!running.has(key)) {
        await startEcho(echo).then(
          (server) => running.set(key, server),
          (error: Error) => problems.push(`The echo upstream of cluster ${echo.name} cannot listen: ${error.message}`),
        );
      }
    }
    return problems;
  }

  return {
    sync,
    close: async () => {
      await sync([]);
    },
  };
}

/** Resolves when it listens; rejects when it cannot. */
async function startEcho(echo: DevEcho): Promise<Running> {
  const server: Server =
    echo.kind === "tcp"
      ? createTcpServer({ allowHalfOpen: true }, echoBytes)
      : createHttpServer((request, response) => void answer(echo, request, response));
  server.maxConnections = MAX_CONNECTIONS;
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: echo.address, port: echo.port }, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) {
          socket.destroy();
        }
      }),
  };
}

/** What came goes back; after the client's FIN the rest goes back before ours. */
function echoBytes(socket: Socket): void {
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
}

/** `?delay=MS` waits first, `?status=N` answers with that status. */
async function answer(echo: DevEcho, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  const path = request.url ?? "/";
  const query = new URLSearchParams(path.split("?")[1] ?? "");
  await sleep(clamp(query.get("delay"), { low: 0, high: MAX_DELAY_MS }), undefined, { ref: false });
  const body = {
    upstream: echo.name,
    endpoint: socketText(echo),
    method: request.method,
    path,
    host: request.headers.host ?? null,
    headers: request.headers,
  };
  response.statusCode = clamp(query.get("status") ?? "200", { low: 200, high: 599 });
  response.setHeader("content-type", "application/json");
  response.setHeader("x-echo", echo.name);
  response.end(`${JSON.stringify(body)}\n`);
}

function clamp(text: string | null, { low, high }: { readonly low: number; readonly high: number }): number {
  const value = Number.parseInt(text ?? "", 10);
  return Number.isNaN(value) ? low : Math.min(high, Math.max(low, value));
}
