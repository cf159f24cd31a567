/** Why a TLS handshake failed, in words for people and metrics. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** What each reason says. */
export const HANDSHAKE_REASONS = {
  plaintext: "spoke plaintext to the TLS port",
  noCertificate: "showed no client certificate",
  unknownAuthority: "its certificate is of no authority that we trust",
  expired: "its certificate, or one above it, has expired",
  notYetValid: "its certificate, or one above it, is not valid yet",
  badCertificate: "its certificate is not good for this",
  protocol: "has no TLS version, cipher or protocol in common with us",
  refusedServer: "did not accept our certificate",
  handshake: "the handshake was not finished",
} as const;

/** One of them. */
export type HandshakeReason = keyof typeof HANDSHAKE_REASONS;

/** A handshake that failed. */
export interface HandshakeRefusal {
  readonly reason: HandshakeReason;
  readonly message: string;
}

/**
 * The socket below a server's TLS, which knows where it came from also when the handshake failed; a socket without TLS itself. Only Node's
 * inside knows it.
 */
export function plainSocketOf(socket: Socket & { readonly _parent?: Socket | null }): Socket {
  return socket._parent ?? socket;
}

/** OpenSSL's words for what it found wrong with the client's certificate. */
const VERIFICATIONS: Readonly<Record<string, HandshakeReason>> = {
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
const HANDSHAKES: readonly (readonly [RegExp, HandshakeReason])[] = [
  [/^PEER_DID_NOT_RETURN_A_CERTIFICATE$/, "noCertificate"],
  [/^(?:HTTP_REQUEST|HTTPS_PROXY_REQUEST|WRONG_VERSION_NUMBER)$/, "plaintext"],
  [/^(?:UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|NO_SHARED_CIPHER|NO_APPLICATION_PROTOCOL|UNKNOWN_PROTOCOL)$/, "protocol"],
  [/ALERT_(?:PROTOCOL_VERSION|HANDSHAKE_FAILURE)$/, "protocol"],
  [/ALERT_(?:UNKNOWN_CA|\w*CERTIFICATE\w*)$/, "refusedServer"],
];

/** What OpenSSL's error means, in the words of HANDSHAKE_REASONS with its own behind. */
export function handshakeRefusal(error: NodeJS.ErrnoException, socket: TLSSocket): HandshakeRefusal {
  // Node's types call it an Error; it is the code.
  const verification = socket.authorizationError as unknown as string | null | undefined;
  const code = verification ?? error.code ?? "";
  const reason = verification == null ? failureOf(code) : (VERIFICATIONS[verification] ?? "badCertificate");
  return { reason, message: `${HANDSHAKE_REASONS[reason]} (${code === "" ? "unknown" : code})` };
}

function failureOf(code: string): HandshakeReason {
  const name = code.replace(/^ERR_SSL_/, "");
  return HANDSHAKES.find(([pattern]) => pattern.test(name))?.[1] ?? "handshake";
}
