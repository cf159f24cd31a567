/** One socket that passes packets. */
import type { SplitIr } from "./action.ts";

export interface UdpPortIr {
  readonly kind: "udp";
  /** `udp-<address>-<port>`, as of the other kinds. A TCP socket may have the same address and port. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** The one listener of this socket. */
  readonly listeners: readonly string[];
  /** Each session goes to one of these; empty: packets are dropped. */
  readonly split: SplitIr;
  /** A session without a packet in either direction for this long is forgotten. */
  readonly idleTimeoutMs: number;
  /** Each packet is given an endpoint by itself. */
  readonly perPacket: boolean;
}
