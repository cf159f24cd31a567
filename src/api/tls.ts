/** TLS on the API's port: files that are read again when they change, clients that are counted when their handshake fails. */
import type { Server, ServerOptions } from "node:https";
import type { Socket } from "node:net";
import { Counter, Gauge, type Registry } from "prom-client";
import {
  readTlsFiles,
  TLS_HANDSHAKE_MS,
  type TlsClock,
  type TlsFiles,
  type TlsFilesEvent,
  type TlsMaterial,
  watchTlsFiles,
} from "../util/tlsFiles.ts";
import { HANDSHAKE_REASONS, type HandshakeRefusal, handshakeRefusal, plainSocketOf } from "../util/tlsRefusal.ts";
import { socketAddress } from "./peer.ts";

/** How the port is secured, and who is told what happens at it. */
export interface TlsOptions {
  /** With `clientCa` every client must show a certificate of these authorities, beside the token. */
  readonly files: TlsFiles;
  readonly clock: TlsClock;
  /** New files are in use, or are no good. */
  readonly onFiles?: ((event: TlsFilesEvent) => void) | undefined;
  /** Must be quick and must not throw; strangers cause these at will. */
  readonly onRefused?: ((refusal: TlsRefusal) => void) | undefined;
}

/** A client's handshake failed. */
export interface TlsRefusal extends HandshakeRefusal {
  /** Its address and port. */
  readonly peer: string;
}

/** Files that were read once, for a server that is yet to be made. */
export interface ApiTls {
  readonly server: ServerOptions;
  /** From now on new files are taken for new connections. Gives the undo, which also ends handshakes that go on. */
  attach(server: Server): () => void;
}

/** Null without options; the metrics are there in either case. Throws TlsFilesError. */
export async function openTls(options: TlsOptions | undefined, registry: Registry): Promise<ApiTls | null> {
  const metrics = registerTls(registry);
  if (options === undefined) return null;
  const { files, clock } = options;
  const first = await readTlsFiles(files, clock.now());
  const asksClients = files.clientCa !== undefined;
  return {
    server: {
      ...first.context,
      requestCert: asksClients,
      rejectUnauthorized: asksClients,
      handshakeTimeout: TLS_HANDSHAKE_MS,
    },
    attach(server) {
      const endHandshakes = boundHandshakes(server);
      // A socket that failed forgets where it came from.
      const peers = new WeakMap<Socket, string>();
      server.on("connection", (socket: Socket) => peers.set(socket, socketAddress(socket)));
      server.on("tlsClientError", (error, socket) => {
        const refusal = handshakeRefusal(error, socket);
        metrics.refusals.inc({ reason: refusal.reason });
        options.onRefused?.({ ...refusal, peer: peers.get(plainSocketOf(socket)) ?? "unknown" });
      });
      metrics.note(first);
      const unwatch = watchTlsFiles(first, {
        files,
        clock,
        use(material) {
          server.setSecureContext(material.context);
          metrics.note(material);
        },
        tell(event) {
          (event.ok ? metrics.reloads : metrics.failures).inc();
          options.onFiles?.(event);
        },
      });
      return () => {
        unwatch();
        endHandshakes();
      };
    },
  };
}

/** Who is in the middle of a handshake has no request that could be waited for: the end of the server is not held up by it. */
function boundHandshakes(server: Server): () => void {
  const going = new Set<Socket>();
  let isOver = false;
  server.on("connection", (socket: Socket) => {
    if (isOver) {
      socket.destroy();
      return;
    }
    going.add(socket);
    socket.once("close", () => going.delete(socket));
  });
  server.on("secureConnection", (socket) => going.delete(plainSocketOf(socket)));
  return () => {
    isOver = true;
    for (const socket of going) socket.destroy();
  };
}

function registerTls(registry: Registry) {
  const registers = [registry];
  const expires = new Gauge({
    name: "trimtab_http_tls_expires_seconds",
    help: "When the certificate of the API's port expires, in seconds since 1970; 0: it has none.",
    registers,
  });
  const refusals = new Counter({
    name: "trimtab_http_tls_refusals_total",
    help: "Clients of the API's port whose handshake failed, by reason.",
    labelNames: ["reason"],
    registers,
  });
  for (const reason of Object.keys(HANDSHAKE_REASONS)) refusals.inc({ reason }, 0);
  return {
    refusals,
    note: (material: TlsMaterial): void => expires.set(material.expires.getTime() / 1000),
    reloads: new Counter({
      name: "trimtab_http_tls_reloads_total",
      help: "Certificate files of the API's port that were taken into use after the start.",
      registers,
    }),
    failures: new Counter({
      name: "trimtab_http_tls_reload_failures_total",
      help: "Certificate files of the API's port that were no good; those before stay in use.",
      registers,
    }),
  };
}
