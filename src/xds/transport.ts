/** The seam between the protocol and the wire: encoded messages in, encoded messages out. */
import { SLICE_MS } from "./limits.ts";
import type { DiscoveryMethod } from "./resourceTypes.ts";

/** Why a stream ends. */
export interface EndStatus {
  /** A gRPC status code. */
  readonly code: number;
  readonly message: string;
  /** The client has to connect anew before it asks again. Other streams of its connection go on. */
  readonly reconnect?: boolean;
}

/** gRPC status codes used here. */
export const STATUS = {
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
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

/** A message of parts. */
export type Message = readonly Buffer[];

/** The server's side of one open stream. */
export interface Connection {
  /** Its address tells two nodes with one id apart. */
  readonly peer: Peer;
  /** Called again only after `done`, which comes when flow control has let the messages through. `done` may never come. */
  write(messages: readonly Message[], done: () => void): void;
  /** Without a status the stream ends well. */
  end(status?: EndStatus): void;
}

/** What the protocol does with one stream's events. Nothing comes after `onClose`. */
export interface ConnectionHandler {
  /** Its requests cost more than their length says. */
  readonly isCostly: boolean;
  /**
   * A request of `length` bytes is coming, of which `start` is there: all of it or its first kilobytes. False: it may not come, and
   * the stream was ended. Otherwise `onMessage` follows, unless the stream closes.
   */
  onArrival(length: number, start: Buffer): boolean;
  /**
   * Bytes came, of which a request may stand from here to the end. True: it is an answer like one before, and was taken. Costs next to
   * nothing, and there is one for each response at most. Only while no request waits.
   */
  onEcho(bytes: Buffer, from: number): boolean;
  /** True: there is more to do for it, by `proceed`, before the next message. */
  onMessage(message: Buffer): boolean;
  /** Does a part of what the last message left to do; true: there is more. */
  proceed(): boolean;
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
  /**
   * At once, before it returns: takes no connection any more, and tells clients to open no more streams. Then frees the port when all
   * streams have ended or a short time has passed.
   */
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

/** Callbacks whose time has come. */
const due = new Set<{ readonly callback: () => void }>();

/** Thousands of streams that were opened together are judged together: others have their turn in between. */
function serveDue(): void {
  const until = performance.now() + SLICE_MS;
  try {
    for (const entry of due) {
      due.delete(entry);
      entry.callback();
      if (performance.now() >= until) return;
    }
  } finally {
    if (due.size > 0) setImmediate(serveDue);
  }
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  after(milliseconds, callback) {
    const entry = { callback };
    const timer = setTimeout(() => {
      due.add(entry);
      if (due.size === 1) setImmediate(serveDue);
    }, milliseconds);
    timer.unref();
    return () => {
      clearTimeout(timer);
      due.delete(entry);
    };
  },
};
