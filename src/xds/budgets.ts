/**
 * What clients share. Of anything bounded (places, memory) a peer may hold at most as much as is left free after it took it: a
 * lone peer gets half, the second half of the rest, and there is always room for one that comes later, however many are greedy.
 * A fixed share would be too small for 2 000 nodes behind one address, or leave too little to others.
 */
import {
  CLIENT_BYTES,
  FOREIGN_NAME_BYTES,
  MAX_BYTES_PER_STREAM,
  NAME_BYTES,
  SPLIT_BYTES,
  STREAM_BYTES,
} from "./limits.ts";
import { OverLimit } from "./reasons.ts";
import type { Subscription } from "./subscription.ts";

/** An amount of something, shared by peers. */
export interface Pool {
  readonly used: number;
  /** Whether the peer may have so much more. */
  affords(peer: string, amount: number): boolean;
  /** False: not to be had, and nothing was taken. */
  take(peer: string, amount: number): boolean;
  /** Takes it even so. */
  force(peer: string, amount: number): void;
  give(peer: string, amount: number): void;
}

/** A pool of which nothing is used. */
export function createPool(limit: number): Pool {
  const shares = new Map<string, number>();
  let used = 0;
  function affords(peer: string, amount: number): boolean {
    return amount <= 0 || (shares.get(peer) ?? 0) + amount <= limit - used - amount;
  }
  function force(peer: string, amount: number): void {
    shares.set(peer, (shares.get(peer) ?? 0) + amount);
    used += amount;
  }
  return {
    get used() {
      return used;
    },
    affords,
    force,
    take(peer, amount) {
      if (!affords(peer, amount)) return false;
      force(peer, amount);
      return true;
    },
    give(peer, amount) {
      const share = (shares.get(peer) ?? 0) - amount;
      if (share > 0) shares.set(peer, share);
      else shares.delete(peer);
      used -= amount;
    },
  };
}

/** Memory that one stream makes the server keep. */
export interface Purse {
  /** Throws OverLimit when the stream or its peer has too much; then nothing was taken. */
  take(bytes: number): void;
  give(bytes: number): void;
  /** Gives back all that was taken; nothing can be taken any more. */
  close(): void;
}

/** Responses of a stream's own that it was sent and that its client has not taken. */
export interface Outbox {
  /** Whether one more may be made now. `bytes`: room that there has to be. */
  hasRoom(bytes?: number): boolean;
  add(bytes: number): void;
  remove(bytes: number): void;
  /** The stream is gone, with what it was sent. */
  close(): void;
}

/** An empty outbox. Memory of its own, because it always comes back: clients read, or are ended for not reading. */
export function openOutbox(responses: Pool, peer: string): Outbox {
  let held = 0;
  const add = (bytes: number): void => {
    held += bytes;
    responses.force(peer, bytes);
  };
  const remove = (bytes: number): void => {
    const less = Math.min(held, bytes);
    held -= less;
    responses.give(peer, less);
  };
  return { hasRoom: (bytes = SPLIT_BYTES) => responses.affords(peer, bytes), add, remove, close: () => remove(held) };
}

/** A stream's purse; its place is paid from the start. Throws OverLimit when the peer cannot pay even that. */
export function openPurse(memory: Pool, peer: string): Purse {
  let held = 0;
  let closed = false;
  const purse: Purse = {
    take(bytes) {
      if (closed) return;
      if (held + bytes > MAX_BYTES_PER_STREAM) {
        throw new OverLimit("memory", `a stream's names and requests may take ${MAX_BYTES_PER_STREAM} bytes`);
      }
      if (!memory.take(peer, bytes)) {
        const message = `this server keeps ${CLIENT_BYTES} bytes of names and requests, for one address at most what is left free`;
        throw new OverLimit("memory", message);
      }
      held += bytes;
    },
    give(bytes) {
      if (closed) return;
      held -= bytes;
      memory.give(peer, bytes);
    },
    close() {
      if (closed) return;
      closed = true;
      memory.give(peer, held);
    },
  };
  purse.take(STREAM_BYTES);
  return purse;
}

/** Settles what a subscription's names take, and its unanswered responses, after a request changed them. Throws OverLimit. */
export function payForNames(purse: Purse, sub: Subscription): void {
  const { names, foreign, foreignBytes, lostBytes, rawNames, outstanding } = sub;
  let due = rawNames.length + NAME_BYTES * names.size + FOREIGN_NAME_BYTES * foreign.size + foreignBytes + lostBytes;
  for (const { response } of outstanding) due += response.keeps;
  if (due > sub.paid) purse.take(due - sub.paid);
  else purse.give(sub.paid - due);
  sub.paid = due;
}

/**
 * Who shares: of `10.0.0.1:4242` the address, and of an IPv6 address its /64 network, because every host there has more addresses than
 * can be counted.
 */
export function peerOf(socket: string): string {
  const address = socket.slice(0, socket.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
  if (!address.includes(":")) return address;
  if (address.startsWith("::ffff:") && address.includes(".")) return address.slice("::ffff:".length);
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  while (tail !== undefined && groups.length + after.length < 8) groups.push("0");
  return `${[...groups, ...after].slice(0, 4).join(":")}::/64`;
}
