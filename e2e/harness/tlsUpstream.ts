/** Upstreams inside TLS: HTTPS servers that tell how they were reached. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket, TlsOptions } from "node:tls";

/** What such an upstream answers, as JSON. */
export interface Reached {
  readonly name: string;
  readonly host: string;
  /** Null: none was asked for. */
  readonly serverName: string | null;
  readonly version: string | null;
  readonly alpn: string | null;
  /** CN of the client's certificate; null: it has shown none. */
  readonly client: string | null;
}

export interface TlsUpstream {
  readonly port: number;
  /** Of each handshake that was done, what was asked for. */
  readonly serverNames: readonly (string | null)[];
  readonly close: () => Promise<void>;
}

/** An HTTPS server on 127.0.0.1. */
export async function startTlsUpstream(name: string, options: TlsOptions): Promise<TlsUpstream> {
  const serverNames: (string | null)[] = [];
  const server = createServer({ keepAliveTimeout: 60_000, ...options }, (request, response) => {
    const socket = request.socket as TLSSocket;
    const reached: Reached = {
      name,
      host: request.headers.host ?? "",
      serverName: askedOf(socket),
      version: socket.getProtocol(),
      alpn: socket.alpnProtocol || null,
      client: socket.getPeerCertificate()?.subject?.CN?.toString() ?? null,
    };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(reached));
  });
  server.on("secureConnection", (socket) => serverNames.push(askedOf(socket)));
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    serverNames,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** node says false where nothing was asked for. */
function askedOf(socket: TLSSocket): string | null {
  return (socket as TLSSocket & { servername?: string | false }).servername || null;
}
