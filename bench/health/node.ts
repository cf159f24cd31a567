/** An endpoint that can be put out of service: what it answers, and the ports that its health checks look at. */
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { type GrpcHealth, startGrpcHealth } from "../../e2e/harness/grpcHealth.ts";

/** Ports that all nodes have, each on its own address. */
export interface NodePorts {
  readonly http: number;
  /** What the TCP check connects to. */
  readonly tcp: number;
  readonly grpc: number;
}

/** A running endpoint. */
export interface Node {
  readonly name: string;
  /**
   * Out of service for one row: it answers 503 to its path, and its check fails, whether it is a TCP port that is closed, an answer, or
   * gRPC that says NOT_SERVING. Checks of other rows do not see it.
   */
  readonly setServing: (row: string, serving: boolean) => Promise<void>;
  /** Whether connections to it can be made, for traffic and the TCP check. What is under way ends. */
  readonly setOpen: (open: boolean) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Where probes of the HTTP check go; it is row `http` that they are about. */
export const HEALTH_PATH = "/http/health";

/** Starts one; its name is its address. */
export async function startNode(address: string, ports: NodePorts): Promise<Node> {
  const out = new Set<string | undefined>();
  const http = createServer({ keepAliveTimeout: 60_000 }, ({ url = "" }, response) => {
    response.writeHead(out.has(url.split("/")[1]) ? 503 : 200, { "X-Node": address, "Content-Length": 0 }).end();
  });
  const tcp = createTcpServer((socket) => socket.on("error", () => {}).end());
  const grpc: GrpcHealth = await startGrpcHealth(`${address}:${ports.grpc}`);
  grpc.set("", true);
  await Promise.all([listen(http, address, ports.http), listen(tcp, address, ports.tcp)]);
  return {
    name: address,
    async setServing(row, next) {
      if (next) out.delete(row);
      else out.add(row);
      if (row === "grpc") grpc.set("", next);
      if (row === "tcp") await (next ? listen(tcp, address, ports.tcp) : closed(tcp));
    },
    async setOpen(next) {
      if (next === http.listening) return;
      if (next) return void (await Promise.all([listen(http, address, ports.http), listen(tcp, address, ports.tcp)]));
      http.close();
      http.closeIdleConnections();
      await closed(tcp);
    },
    async close() {
      for (const server of [http, tcp]) server.close();
      http.closeAllConnections();
      await grpc.close();
    },
  };
}

function listen(server: Server | TcpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 512 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function closed(server: TcpServer): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
