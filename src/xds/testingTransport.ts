/** A transport and a clock without network or time, for tests that need every interleaving in their hands. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../gen/proto/envoy/service/discovery/v3/discovery_pb.js";
import { createXdsServer, type XdsServer, type XdsServerOptions } from "./index.ts";
import { DISCOVERY_METHODS, type DiscoveryMethod } from "./resourceTypes.ts";
import type { Delta, Sotw } from "./testing.ts";
import type { Clock, Connection, ConnectionHandler, EndStatus, Peer, Transport } from "./transport.ts";

export interface ManualClock extends Clock {
  /** Moves time and calls what is due, in order. */
  advance(milliseconds: number): void;
}

export function manualClock(): ManualClock {
  let time = 0;
  const timers = new Set<{ at: number; call: () => void }>();
  return {
    now: () => new Date(time),
    monotonic: () => time,
    after(milliseconds, call) {
      const timer = { at: time + milliseconds, call };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(milliseconds) {
      const end = time + milliseconds;
      for (;;) {
        const due = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers.delete(due);
        time = Math.max(time, due.at);
        due.call();
      }
      time = end;
    },
  };
}

/** What a test reads of a response. */
export interface Message {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  readonly names: readonly string[];
  readonly texts: readonly string[];
  readonly removed: readonly string[];
  /** The whole of it: `readResponse` reads more. */
  readonly bytes: Buffer;
}

export interface ManualStream {
  send(request: Delta | Sotw): void;
  /** Messages written and not taken yet; taking one lets the next write happen. */
  take(): Message | null;
  readonly status: EndStatus | undefined | null;
  close(): void;
}

export interface ManualServer {
  readonly server: XdsServer;
  readonly clock: ManualClock;
  /** `address`: the client's. `identities`: what its certificate says. */
  open(delta: boolean, address?: string, identities?: readonly string[]): ManualStream;
  /** A stream of one type. */
  openType(typeUrl: string, delta: boolean): ManualStream;
}

/** @param authenticates whether peers show who they are, as `open` says */
export async function manualServer(
  options: Partial<XdsServerOptions> = {},
  authenticates = false,
): Promise<ManualServer> {
  const clock = manualClock();
  let accept: ((method: DiscoveryMethod, connection: Connection) => ConnectionHandler) | null = null;
  const transport: Transport = {
    authenticates,
    async listen(address, accepts) {
      accept = accepts;
      return address;
    },
    async close() {},
  };
  const fail = (error: unknown): void => {
    throw error;
  };
  const server = createXdsServer({ identifier: "t", clock, transport, onError: fail, ...options });
  await server.listen("manual");
  const open: ManualServer["open"] = (delta, address = "192.0.2.1:1", identities = []) =>
    openManual(accept!, { delta, typeUrl: null, peer: { address, identities } });
  const openType: ManualServer["openType"] = (typeUrl, delta) =>
    openManual(accept!, { delta, typeUrl, peer: { address: "192.0.2.1:1", identities: [] } });
  return { server, clock, open, openType };
}

function openManual(
  accept: (method: DiscoveryMethod, connection: Connection) => ConnectionHandler,
  { delta, typeUrl, peer }: { readonly delta: boolean; readonly typeUrl: string | null; readonly peer: Peer },
): ManualStream {
  const method = DISCOVERY_METHODS.find((entry) => entry.typeUrl === typeUrl && entry.delta === delta)!;
  let waiting: { messages: Buffer[]; done: () => void } | null = null;
  let status: EndStatus | undefined | null = null;
  const handler = accept(method, {
    peer,
    write(messages, done) {
      if (waiting !== null) throw new Error("two writes at a time");
      waiting = { messages: messages.map((parts) => (parts.length === 1 ? parts[0]! : Buffer.concat(parts))), done };
    },
    end(end) {
      status = end;
    },
  });
  return {
    send(request) {
      const bytes = delta
        ? toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request as Delta))
        : toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request as Sotw));
      const message = Buffer.from(bytes);
      if (handler.onEcho(message, 0)) return;
      for (let more = handler.onMessage(message); more; ) more = handler.proceed();
    },
    take() {
      if (waiting === null) return null;
      const { messages, done } = waiting;
      const bytes = messages.shift()!;
      if (messages.length === 0) {
        waiting = null;
        done();
      }
      return delta ? readDelta(bytes) : readSotw(bytes);
    },
    get status() {
      return status;
    },
    close: () => handler.onClose(),
  };
}

function readSotw(bytes: Buffer): Message {
  const { typeUrl, nonce, versionInfo: version, resources } = fromBinary(DiscoveryResponseSchema, bytes);
  const texts = resources.map((any) => Buffer.from(any.value).toString());
  const names = texts.map((text) => text.split("|")[0]!);
  return { typeUrl, nonce, version, texts, names, removed: [], bytes };
}

function readDelta(bytes: Buffer): Message {
  const message = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  const { typeUrl, nonce, systemVersionInfo: version, resources, removedResources: removed } = message;
  const texts = resources.map((entry) => Buffer.from(entry.resource?.value ?? []).toString());
  return { typeUrl, nonce, version, texts, names: resources.map((entry) => entry.name), removed, bytes };
}
