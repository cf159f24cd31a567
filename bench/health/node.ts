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
  /** Out of service: it answers 503, its TCP port for checks is closed, and gRPC says NOT_SERVING. */
  readonly setServing: (serving: boolean) => Promise<void>;
  /** Whether connections to it can be made, for traffic and the TCP check. What is under way ends. */
  readonly setOpen: (open: boolean) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Where probes of the HTTP check go. */
export const HEALTH_PATH = "/health";

/** Starts one; its name is its address. */
export async function startNode(address: string, ports: NodePorts): Promise<Node> {
  let serving = true;
  const http = createServer({ keepAliveTimeout: 60_000 }, (_request, response) => {
    response.writeHead(serving ? 200 : 503, { "X-Node": address, "Content-Length": 0 }).end();
  });
  const tcp = createTcpServer((socket) => socket.on("error", () => {}).end());
  const grpc: GrpcHealth = await startGrpcHealth(`${address}:${ports.grpc}`);
  grpc.set("", true);
  await Promise.all([listen(http, address, ports.http), listen(tcp, address, ports.tcp)]);
  return {
    name: address,
    async setServing(next) {
      serving = next;
      grpc.set("", next);
      await (next ? listen(tcp, address, ports.tcp) : closed(tcp));
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
