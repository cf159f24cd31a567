/** Every way in which a request can fail, as a problem. */
import type { Socket } from "node:net";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { StoreCode } from "../errors/codes.ts";
import { StoreError } from "../store/index.ts";
import { BROWSER_HEADERS } from "./browserHeaders.ts";
import { PROBLEM_TYPE, Problem, problemDocument, sendProblem } from "./problem.ts";

/** Seconds after which a client may come back when the queue was full (it drains in about one), or another has the lock. */
const RETRY_AFTER = { "retry-after": "1" };
/** A disk that takes nothing needs somebody who sees to it. */
const RETRY_DISK = { "retry-after": "30" };

const RETRY_STORE: Partial<Record<StoreCode, Readonly<Record<string, string>>>> = {
  "STORE-QUEUE-FULL": RETRY_AFTER,
  "STORE-BUSY": RETRY_AFTER,
  "STORE-FULL": RETRY_DISK,
  "STORE-WRITE-FAILED": RETRY_DISK,
  "STORE-READ-FAILED": RETRY_DISK,
};

/** fastify's own errors that clients can cause. */
const fastifyCodes: Readonly<Record<string, ConstructorParameters<typeof Problem>[0]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "API-TOO-LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "API-UNSUPPORTED-MEDIA-TYPE",
  FST_ERR_VALIDATION: "API-BAD-PARAMETER",
};

/** For `setErrorHandler`. Logs defects, once; what clients did wrong is their answer's matter. */
export function handleError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error);
  if (problem.status >= 500) request.log.error({ err: error, code: problem.code }, "request-failed");
  return sendProblem(reply, problem);
}

function toProblem(error: FastifyError | Error): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof StoreError) {
    const headers = RETRY_STORE[error.code];
    return new Problem(error.code, error.message, headers === undefined ? {} : { headers });
  }
  const { code = "", statusCode = 500 } = error as Partial<FastifyError>;
  const known = fastifyCodes[code];
  if (known !== undefined) return new Problem(known, error.message);
  if (statusCode >= 400 && statusCode < 500) return new Problem("API-BAD-REQUEST", error.message);
  return new Problem("API-INTERNAL", "a defect in Trimtab; see its log");
}

/** Of what is bounded all is in use. */
export function busy(detail: string): Problem {
  return new Problem("API-BUSY", detail, { headers: RETRY_AFTER });
}

/** For `clientErrorHandler`: what is no HTTP, or did not come in time, has no request and no reply. */
export function handleClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = clientProblem(error);
  const body = JSON.stringify(problemDocument(problem));
  const fields = {
    "content-type": PROBLEM_TYPE,
    "content-length": Buffer.byteLength(body),
    connection: "close",
    ...BROWSER_HEADERS,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${problem.status} ${problemDocument(problem).title}`, ...lines].join("\r\n");
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}

function clientProblem({ code }: NodeJS.ErrnoException): Problem {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new Problem("API-TIMEOUT", "the request did not come in time");
  if (code === "HPE_HEADER_OVERFLOW") return new Problem("API-HEADERS-TOO-LARGE", "the headers are too large");
  return new Problem("API-BAD-REQUEST", "this is not well-formed HTTP/1.1");
}
