/** Why the server ends streams and connections: the reasons that are counted, and the errors that carry them. */

/** `trimtab_xds_ended_total` counts by these. */
export type EndReason =
  /** A request that no correct client sends: no protobuf message, no node, no type, a value too long. */
  | "malformed"
  /** The node's cluster names no fleet. */
  | "fleet"
  /** The fleet's rules do not allow the client; `trimtab_xds_refusals_total` says more. */
  | "denied"
  /** No first request in time. */
  | "silent"
  /** A request began and did not end in time. */
  | "slow"
  /** A response that the client does not take. */
  | "stalled"
  /** A request longer than is allowed at this point. */
  | "size"
  /** Too many names, fields or types. */
  | "count"
  /** What the stream or its peer makes the server keep. */
  | "memory"
  /** Too many streams or connections. */
  | "places"
  /** A compressed request. */
  | "compressed"
  /** No gRPC, or a method that is not served. */
  | "method"
  /** A connection whose streams all failed. */
  | "futile"
  /** More bytes of frames around requests than of requests. */
  | "flood"
  /** A connection without a stream, or one whose peer does not answer a ping. */
  | "idle"
  /** The server is going down. */
  | "closing"
  /** A defect of ours. */
  | "defect";

/** Thrown for requests that no correct client sends; the stream ends with INVALID_ARGUMENT and this message. */
export class BadRequest extends Error {
  readonly reason: EndReason;

  constructor(message: string, options: ErrorOptions & { reason?: EndReason } = {}) {
    super(message, options);
    this.reason = options.reason ?? "malformed";
  }
}

/** Thrown when a bound that clients share is reached; the stream ends with RESOURCE_EXHAUSTED and this message. */
export class OverLimit extends Error {
  readonly reason: EndReason;

  constructor(reason: EndReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
