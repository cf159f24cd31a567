/** How a fleet's proxies open sockets. Null: as each proxy does by itself. */
export interface SocketsIr {
  /** Connections that the kernel keeps until they are taken. */
  readonly backlog: number | null;
  /** Each worker has a socket of its own for each port. */
  readonly reusePort: boolean | null;
  readonly keepalive: KeepaliveIr | null;
  /** Kept of a connection in each direction while the other side is slow. */
  readonly bufferBytes: number | null;
}

/** The kernel's probes on connections with clients and endpoints. */
export interface KeepaliveIr {
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
  readonly probes: number;
}
