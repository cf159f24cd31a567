/** What is too much for the endpoints of a cluster. */

/** Each proxy counts for itself, all its workers together. Null: any number. */
export interface ClusterLimitsIr {
  /** In use to one endpoint. When all are full, a request waits, or is answered 503 at once; a TCP connection is closed. */
  readonly connectionsPerEndpoint: number | null;
  /** In use to all endpoints. One more request is answered 503 at once, one more TCP connection is closed. */
  readonly connections: number | null;
  /** Requests that endpoints work on; never more than `connections`, for each has a connection of its own. One more: 503 at once. */
  readonly requests: number | null;
  /** Requests that wait when all endpoints are full; null: none does. */
  readonly queue: QueueIr | null;
}

/** Where requests wait. One more: 503 at once. */
export interface QueueIr {
  readonly length: number;
  /** Then 503. */
  readonly timeoutMs: number;
}
