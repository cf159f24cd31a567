/** The TLS side of the port. What comes through has shown a certificate of an authority that we trust; all else is turned away here. */
import { constants } from "node:crypto";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket } from "node:tls";
import { TLS_HANDSHAKE_MS } from "./limits.ts";
import { REFUSAL_REASONS, type Refusal, type RefusalReason } from "./refusals.ts";

/**
 * What every context says, whatever the files hold. Without tickets no session is resumed: each connection's certificate is judged
 * anew, also when the authorities have changed or it has expired meanwhile.
 */
export const TLS_CONTEXT: SecureContextOptions = {
  minVersion: "TLSv1.2",
  secureOptions: constants.SSL_OP_NO_TICKET,
};

/** Sockets come in at `listener`, which is not bound yet; what has shown a good certificate goes to `onConnection`. */
export interface TlsPort {
  readonly listener: NetServer;
  /** For connections from now on; open ones keep what they have. Throws when the context is no good, and nothing changes. */
  use(context: SecureContextOptions): void;
}

/** A TLS socket that failed forgets where it came from. The one below it, which only Node's inside knows, tells it. */
type FailedSocket = TLSSocket & { readonly _parent?: Socket };

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
  tls.on("tlsClientError", (error, socket: FailedSocket) => {
    onRefused(handshakeRefusal(error, socket), peers.get(socket._parent ?? socket) ?? "unknown");
  });
  const listener = createServer({ noDelay: true }, (socket) => {
    if (socket.destroyed) return;
    peers.set(socket, `${socket.remoteAddress}:${socket.remotePort}`);
    tls.emit("connection", socket);
  });
  return { listener, use: (next) => tls.setSecureContext(next) };
}

/** OpenSSL's words for what it found wrong with the client's certificate. */
const VERIFICATIONS: Readonly<Record<string, RefusalReason>> = {
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "notYetValid",
  DEPTH_ZERO_SELF_SIGNED_CERT: "unknownAuthority",
  SELF_SIGNED_CERT_IN_CHAIN: "unknownAuthority",
  UNABLE_TO_GET_ISSUER_CERT: "unknownAuthority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unknownAuthority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unknownAuthority",
  CERT_SIGNATURE_FAILURE: "unknownAuthority",
};

/** OpenSSL's words for handshakes that failed, without `ERR_SSL_`; the client's alerts among them. */
const HANDSHAKES: readonly (readonly [RegExp, RefusalReason])[] = [
  [/^PEER_DID_NOT_RETURN_A_CERTIFICATE$/, "noCertificate"],
  [/^(?:HTTP_REQUEST|HTTPS_PROXY_REQUEST|WRONG_VERSION_NUMBER)$/, "plaintext"],
  [/^(?:UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|NO_SHARED_CIPHER|NO_APPLICATION_PROTOCOL|UNKNOWN_PROTOCOL)$/, "protocol"],
  [/ALERT_(?:PROTOCOL_VERSION|HANDSHAKE_FAILURE)$/, "protocol"],
  [/ALERT_(?:UNKNOWN_CA|\w*CERTIFICATE\w*)$/, "refusedServer"],
];

function handshakeRefusal(error: NodeJS.ErrnoException, socket: TLSSocket): Refusal {
  // Node's types call it an Error; it is the code.
  const verification = socket.authorizationError as unknown as string | null | undefined;
  const code = verification ?? error.code ?? "";
  const reason = verification == null ? failureOf(code) : (VERIFICATIONS[verification] ?? "badCertificate");
  return { reason, message: `${REFUSAL_REASONS[reason]} (${code === "" ? "unknown" : code})` };
}

function failureOf(code: string): RefusalReason {
  const name = code.replace(/^ERR_SSL_/, "");
  return HANDSHAKES.find(([pattern]) => pattern.test(name))?.[1] ?? "handshake";
}
