/** Talks with the server in turns, without network or time: what tests of single obligations need. */

import type { XdsServerOptions } from "./server.ts";
import { fleet, resource as make, NODE, readResponse, type Seen, type Subscriber, subscriber } from "./testing.ts";
import { type ManualServer, type ManualStream, manualServer } from "./testingTransport.ts";
import type { XdsResource } from "./types.ts";

/** One stream of a client. */
export interface Dialogue {
  readonly delta: boolean;
  readonly stream: ManualStream;
  /** As ManualStream's, for `subscriber`. */
  readonly send: ManualStream["send"];
  /** The subscription of a type; the first one introduces the node. */
  on(typeUrl: string): Subscriber;
  /** The next response, or null. */
  next(): Seen | null;
  /** All that comes, each ACKed at once; what is due to pass by time does. */
  settle(): Seen[];
}

/** A server with the fleet `edge`, and clients that talk in turns. */
export interface Room {
  readonly manual: ManualServer;
  /** Replaces what the fleet sees, and lets the server tell its nodes. */
  show(...resources: XdsResource[]): Promise<void>;
  open(delta: boolean, node?: object): Dialogue;
}

export async function room(options: Partial<XdsServerOptions> = {}): Promise<Room> {
  const manual = await manualServer(options);
  const edge = fleet(manual.server);
  return {
    manual,
    async show(...resources) {
      edge.set(...resources);
      await Promise.resolve();
    },
    open: (delta, node = NODE) => talk(manual, delta, node),
  };
}

function talk(manual: ManualServer, delta: boolean, node: object): Dialogue {
  const stream = manual.open(delta);
  const subscribers = new Map<string, Subscriber>();
  const speaker = { delta, send: stream.send };
  const on = (typeUrl: string): Subscriber => {
    const known = subscribers.get(typeUrl);
    if (known !== undefined) return known;
    const made = subscriber(speaker, typeUrl, subscribers.size === 0 ? node : null);
    subscribers.set(typeUrl, made);
    return made;
  };
  const next = (): Seen | null => {
    const message = stream.take();
    return message === null ? null : readResponse(message.bytes, delta);
  };
  return {
    delta,
    stream,
    send: stream.send,
    on,
    next,
    settle() {
      const all: Seen[] = [];
      for (let seen = next(); seen !== null; seen = next()) {
        all.push(seen);
        on(seen.typeUrl).ack(seen);
      }
      return all;
    },
  };
}

export { make };
