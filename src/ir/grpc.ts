/** What every proxy knows of gRPC, as data: which requests are calls, and how its own answers look to them. */

/** Content-Type of a call, as a full match; what follows the `+` is how messages are written. */
export const GRPC_CONTENT = "application/grpc(?:\\+.*)?";

/** A status of gRPC after which a call may be tried again, as the model names it. */
export type GrpcRetryStatus = "cancelled" | "deadlineExceeded" | "internal" | "resourceExhausted" | "unavailable";

/** What a call is told in place of an answer of HTTP that the proxy itself would give. */
export interface GrpcAnswer {
  /** `grpc-status`. */
  readonly status: number;
  /** `grpc-message`: no character of it needs encoding. */
  readonly message: string;
}

/**
 * By the status of HTTP. As gRPC's own table has it (http-grpc-status-mapping.md), but for 408 and 504, with which the proxies tell of a
 * limit on time: a client knows that by DEADLINE_EXCEEDED.
 */
export const GRPC_ANSWERS: Readonly<Record<number, GrpcAnswer>> = {
  400: { status: 13, message: "400 Bad Request" },
  403: { status: 7, message: "403 Forbidden" },
  404: { status: 12, message: "404 Not Found" },
  405: { status: 2, message: "405 Method Not Allowed" },
  408: { status: 4, message: "408 Request Timeout" },
  413: { status: 2, message: "413 Payload Too Large" },
  426: { status: 2, message: "426 Upgrade Required" },
  429: { status: 14, message: "429 Too Many Requests" },
  431: { status: 2, message: "431 Request Header Fields Too Large" },
  500: { status: 2, message: "500 Internal Server Error" },
  501: { status: 2, message: "501 Not Implemented" },
  502: { status: 14, message: "502 Bad Gateway" },
  503: { status: 14, message: "503 Service Unavailable" },
  504: { status: 4, message: "504 Gateway Timeout" },
};
