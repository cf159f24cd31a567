/** Errors as RFC 9457 problem documents. */
import type { FastifyReply } from "fastify";
import { type ApiCode, apiCodes, combineCodes, type ErrorCode, storeCodes } from "../errors/codes.ts";
import { hideSecrets } from "../util/hideSecrets.ts";
import { BROWSER_HEADERS } from "./browserHeaders.ts";
import { MAX_ERRORS } from "./limits.ts";

/** One problem in the submitted document, or (`resource` set) in a stored one that the write would break. */
export interface ProblemItem {
  /** RFC 6901; relative to the submitted document, or to `resource` when that is set. */
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
  /** As `routes/api`. */
  readonly resource?: string;
  readonly fleet?: string;
  readonly proxy?: string;
}

/** The body of every error answer. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly ProblemItem[];
  /** Problems beyond the ones in `errors`. */
  readonly errorsOmitted?: number;
}

/** Media type of problem documents (RFC 9457, section 3). */
export const PROBLEM_TYPE = "application/problem+json";

const registry = combineCodes(apiCodes, storeCodes);

/** Thrown by handlers, turned into a problem document by the error handler. */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly errors: readonly ProblemItem[];
  /** Those that were found; `errors` may hold only the first of them. */
  readonly errorCount: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: keyof typeof storeCodes | ApiCode,
    detail: string,
    more: {
      readonly errors?: readonly ProblemItem[];
      readonly errorCount?: number;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(detail);
    this.name = "Problem";
    this.code = code;
    this.status = (registry[code] as ErrorCode).status;
    this.errors = more.errors ?? [];
    this.errorCount = more.errorCount ?? this.errors.length;
    this.headers = more.headers ?? {};
  }
}

/** The document for a problem; at most MAX_ERRORS entries. */
export function problemDocument(problem: Problem): ProblemDocument {
  const { code, status, message, errors, errorCount } = problem;
  const omitted = errorCount - MAX_ERRORS;
  return {
    type: `urn:trimtab:error:${code}`,
    title: (registry[code] as ErrorCode).title,
    status,
    code,
    detail: hideSecrets(message),
    ...(errors.length > 0 ? { errors: errors.slice(0, MAX_ERRORS).map(withoutSecrets) } : {}),
    ...(omitted > 0 ? { errorsOmitted: omitted } : {}),
  };
}

/** What quotes the document may quote a secret that stands in a wrong place. */
function withoutSecrets(item: ProblemItem): ProblemItem {
  return { ...item, pointer: hideSecrets(item.pointer), message: hideSecrets(item.message) };
}

/** Answers with a problem. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .headers({ ...BROWSER_HEADERS, ...problem.headers })
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemDocument(problem)));
}
