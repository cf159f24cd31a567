/** The open connections: who is at the other end, whether it still lives, and whether it sends more than requests. */
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { TLSSocket } from "node:tls";
import { identitiesIn } from "./identities.ts";
import {
  CONNECTION_IDLE_MS,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
  MAX_FAILED_STREAMS,
  OVERHEAD_BURST_BYTES,
  OVERHEAD_BYTES_PER_SECOND,
  SLICE_MS,
  SWEEP_MS,
  WINDOW_BYTES,
} from "./limits.ts";
import type { EndReason } from "./reasons.ts";
import { createLane, type RequestQueue } from "./requestQueue.ts";
import type { Clock, Peer } from "./transport.ts";

/** What streams tell of their connection. */
export interface Link {
  /** The client: its address and port, and what its certificate says. */
  readonly peer: Peer;
  /** Opens its streams, in turn with other work: a connection can open a thousand in one read. */
  readonly lane: (job: () => void) => void;
  /** Bytes of a request came. */
  readonly received: (bytes: number) => void;
  /** A stream was sent a response. */
  readonly served: () => void;
  /** A stream ended with an error. */
  readonly failed: () => void;
  /** The requests of one more stream (true), or one less, are not read at the moment: flow control holds them back. */
  readonly held: (held: boolean) => void;
  /** The connection is being ended: nothing more is done for it. */
  readonly isCut: () => boolean;
}

/** All connections of one server. */
export interface Sessions {
  add(session: ServerHttp2Session): void;
  /** Notes an opened stream; null: its connection is gone. */
  opened(stream: ServerHttp2Stream): Link | null;
  /** Tells clients at once that no more streams are taken (GOAWAY). Resolves when every connection is gone with its last stream. */
  close(): Promise<void>;
}

interface Entry extends Link {
  readonly session: ServerHttp2Session;
  readonly streams: Set<ServerHttp2Stream>;
  cut: boolean;
  idleSince: number;
  pingAt: number;
  /** A ping is on its way since then. */
  pingedAt: number | null;
  /** Streams that failed; less than nothing once one was sent something. */
  failures: number;
  /** Bytes of requests, and of everything as last looked at. */
  requests: number;
  seen: { readonly bytes: number; readonly requests: number; readonly at: number };
  /** Bytes beside requests that it may send now. */
  allowance: number;
  heldStreams: number;
}

/** Streams that are ended in one piece, in about a millisecond. */
const CUT_AT_ONCE = 32;

/** No connections yet. */
export function createSessions(options: {
  readonly clock: Clock;
  readonly queue: RequestQueue;
  readonly refused: (reason: EndReason) => void;
}): Sessions {
  const { clock, queue, refused } = options;
  const entries = new Map<ServerHttp2Session, Entry>();
  let closing = false;
  let onEmpty = (): void => {};
  let sweeping = false;

  function forget(session: ServerHttp2Session): void {
    entries.delete(session);
    if (entries.size === 0) onEmpty();
  }

  function cut(entry: Entry, reason: EndReason): void {
    refused(reason);
    entry.cut = true;
    forget(entry.session);
    // A session that ends with a thousand streams ends them in one go.
    const lane = createLane(queue);
    const streams = [...entry.streams];
    for (let at = 0; at < streams.length; at += CUT_AT_ONCE) {
      lane(() => {
        for (const stream of streams.slice(at, at + CUT_AT_ONCE)) stream.destroy();
      });
    }
    lane(() => entry.session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM));
  }

  /** Looks at the connections, a slice of time at a time. */
  function sweep(left: Iterator<Entry> = entries.values()): void {
    const now = clock.monotonic();
    for (let next = left.next(); !next.done; next = left.next()) {
      judge(next.value, now);
      if (clock.monotonic() - now < SLICE_MS) continue;
      setImmediate(sweep, left);
      return;
    }
    sweeping = entries.size > 0;
    if (sweeping) clock.after(SWEEP_MS, sweep);
  }

  function judge(entry: Entry, now: number): void {
    if (isFlooding(entry, now)) cut(entry, "flood");
    else if (entry.streams.size === 0 && now - entry.idleSince >= CONNECTION_IDLE_MS) cut(entry, "idle");
    else if (entry.pingedAt !== null && now - entry.pingedAt >= KEEPALIVE_TIMEOUT_MS) cut(entry, "idle");
    else if (entry.pingedAt === null && now >= entry.pingAt) ping(entry, now);
  }

  function ping(entry: Entry, now: number): void {
    // It has ended and waits for its peer to close the connection.
    if (entry.session.destroyed) return;
    entry.pingedAt = now;
    entry.session.ping(() => {
      entry.pingedAt = null;
      entry.pingAt = clock.monotonic() + KEEPALIVE_MS;
    });
  }

  return {
    add(session) {
      const now = clock.monotonic();
      const entry = createEntry(session, { now, lane: createLane(queue), cut });
      entries.set(session, entry);
      session.once("close", () => forget(session));
      if (closing) session.close();
      if (sweeping) return;
      sweeping = true;
      clock.after(SWEEP_MS, sweep);
    },
    opened(stream) {
      const entry = stream.session === undefined ? undefined : entries.get(stream.session as ServerHttp2Session);
      if (entry === undefined) return null;
      entry.streams.add(stream);
      // Not `once`, which costs more than what is done here when thousands close.
      stream.on("close", () => {
        entry.streams.delete(stream);
        entry.idleSince = clock.monotonic();
      });
      return entry;
    },
    close() {
      closing = true;
      for (const session of entries.keys()) session.close();
      if (entries.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        onEmpty = resolve;
      });
    },
  };
}

function createEntry(
  session: ServerHttp2Session,
  {
    now,
    lane,
    cut,
  }: { readonly now: number; readonly lane: Entry["lane"]; readonly cut: (entry: Entry, reason: EndReason) => void },
): Entry {
  const entry: Entry = {
    session,
    isCut: () => entry.cut,
    lane,
    peer: peerAt(session.socket),
    streams: new Set(),
    cut: false,
    idleSince: now,
    pingAt: now + KEEPALIVE_MS,
    pingedAt: null,
    failures: 0,
    requests: 0,
    seen: { bytes: 0, requests: 0, at: now },
    allowance: OVERHEAD_BURST_BYTES,
    heldStreams: 0,
    served: () => {
      entry.failures = Number.NEGATIVE_INFINITY;
    },
    failed: () => {
      entry.failures += 1;
      if (entry.failures === MAX_FAILED_STREAMS && !entry.cut) cut(entry, "futile");
    },
    received: (bytes) => {
      entry.requests += bytes;
    },
    held: (held) => {
      entry.heldStreams += held ? 1 : -1;
    },
  };
  return entry;
}

/** Asked once: a connection's certificate never changes. */
function peerAt(socket: ServerHttp2Session["socket"]): Peer {
  const address = `${socket?.remoteAddress}:${socket?.remotePort}`;
  const isKnown = socket instanceof TLSSocket && socket.authorized;
  return { address, identities: isKnown ? identitiesIn(socket.getPeerCertificate().subjectaltname) : [] };
}

/** Bytes that came beside requests are paid from an allowance that grows with time. */
function isFlooding(entry: Entry, now: number): boolean {
  const bytes = entry.session.socket?.bytesRead ?? 0;
  const { seen, requests } = entry;
  entry.seen = { bytes, requests, at: now };
  const earned = (OVERHEAD_BYTES_PER_SECOND * (now - seen.at)) / 1000;
  const spent = bytes - seen.bytes - (requests - seen.requests);
  entry.allowance = Math.min(OVERHEAD_BURST_BYTES, entry.allowance + earned) - spent;
  // What held streams sent was read from the network and not yet by us.
  return entry.allowance < -WINDOW_BYTES * entry.heldStreams;
}
