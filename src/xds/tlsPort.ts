/** The TLS side of the port. What comes through has shown a certificate of an authority that we trust; all else is turned away here. */
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket } from "node:tls";
import { TLS_HANDSHAKE_MS } from "../util/tlsFiles.ts";
import { handshakeRefusal, plainSocketOf } from "../util/tlsRefusal.ts";
import type { Refusal } from "./refusals.ts";

/** Sockets come in at `listener`, which is not bound yet; what has shown a good certificate goes to `onConnection`. */
export interface TlsPort {
  readonly listener: NetServer;
  /** For connections from now on; open ones keep what they have. Throws when the context is no good, and nothing changes. */
  use(context: SecureContextOptions): void;
}

/** The listener accepts plain sockets, so that they can be counted before a handshake costs anything. */
export function createTlsPort(options: {
  readonly context: SecureContextOptions;
  readonly onConnection: (socket: TLSSocket) => void;
  readonly onRefused: (refusal: Refusal, peer: string) => void;
}): TlsPort {
  const { context, onConnection, onRefused } = options;
  const tls = createTlsServer({
    ...context,
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ["h2"],
    handshakeTimeout: TLS_HANDSHAKE_MS,
  });
  tls.on("secureConnection", (socket) => {
    // What goes wrong on an open connection ends its streams; there is nobody else to tell.
    socket.on("error", () => {});
    onConnection(socket);
  });
  const peers = new WeakMap<Socket, string>();
  tls.on("tlsClientError", (error, socket) => {
    onRefused(handshakeRefusal(error, socket), peers.get(plainSocketOf(socket)) ?? "unknown");
  });
  const listener = createServer({ noDelay: true }, (socket) => {
    if (socket.destroyed) return;
    peers.set(socket, `${socket.remoteAddress}:${socket.remotePort}`);
    tls.emit("connection", socket);
  });
  return { listener, use: (next) => tls.setSecureContext(next) };
}
