/** The seam between the protocol and the wire: encoded messages in, encoded messages out. */
import type { DiscoveryMethod } from "./resourceTypes.ts";

/** Why a stream ends. */
export interface EndStatus {
  /** A gRPC status code. */
  readonly code: number;
  readonly message: string;
}

/** gRPC status codes used here. */
export const STATUS = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const;

/** Who is at the other end. */
export interface Peer {
  /** As `10.0.0.1:4242`. */
  readonly address: string;
  /** What its certificate says, which the transport has verified: URIs, and DNS names in lower case. None without a certificate. */
  readonly identities: readonly string[];
}

/** The server's side of one open stream. */
export interface Connection {
  /** Its address tells two nodes with one id apart. */
  readonly peer: Peer;
  /** Called again only after `done`, which comes when flow control has let the message through. `done` may never come. */
  write(message: Buffer, done: () => void): void;
  /** Without a status the stream ends well. */
  end(status?: EndStatus): void;
}

/** What the protocol does with one stream's events. Nothing comes after `onClose`. */
export interface ConnectionHandler {
  onMessage(message: Buffer): void;
  /** The client will send no more. */
  onHalfClose(): void;
  onClose(): void;
}

export interface Transport {
  /** Whether every peer has shown a certificate: only then do rules say who may pull what. */
  readonly authenticates: boolean;
  /** Binds `host:port` (port 0: any) and returns the address in use. Throws when it cannot. */
  listen(
    address: string,
    accept: (method: DiscoveryMethod, connection: Connection) => ConnectionHandler,
  ): Promise<string>;
  /** Ends what is open and frees the port. */
  close(): Promise<void>;
}

/** Time, so that tests can hold it. */
export interface Clock {
  now(): Date;
  /** Milliseconds that only grow. */
  monotonic(): number;
  /** Calls once, later; returns the undo. Must not keep the process alive. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
