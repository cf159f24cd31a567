/** The REST interface, as any client uses it. */

export interface ApiAnswer {
  readonly status: number;
  readonly etag: string | null;
  readonly contentType: string;
  readonly text: string;
  /** The parsed body, or undefined when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what the server says is what the case looks into
  readonly json: any;
}

export interface ApiRequest {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One problem of a refusal (RFC 9457 extension `errors`). */
export interface Problem {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

/** One call. `at` is the API's base, `line` is `METHOD /path`. Any status is a result. */
export async function call(at: string, line: string, request: ApiRequest = {}): Promise<ApiAnswer> {
  const [method = "GET", path = "/"] = line.split(" ");
  const init: RequestInit = { method, headers: { ...request.headers } };
  if (request.body !== undefined) {
    init.body = typeof request.body === "string" ? request.body : JSON.stringify(request.body);
    init.headers = { "content-type": "application/json", ...request.headers };
  }
  const answer = await fetch(at + path, init);
  const text = await answer.text();
  const contentType = answer.headers.get("content-type") ?? "";
  const json = /\bjson\b|\+json/.test(contentType) && text !== "" ? JSON.parse(text) : undefined;
  return { status: answer.status, etag: answer.headers.get("etag"), contentType, text, json };
}

/** A call that must succeed (2xx). */
export async function must(at: string, line: string, request: ApiRequest = {}): Promise<ApiAnswer> {
  const answer = await call(at, line, request);
  if (answer.status < 200 || answer.status > 299) throw new Error(`${line} answered ${answer.status}: ${answer.text}`);
  return answer;
}

/** The problems of a refusal. */
export function problemsOf(answer: ApiAnswer): Problem[] {
  return answer.json?.errors ?? [];
}

/** A warning that came back with an accepted write. */
export interface Warning extends Problem {
  readonly fleet?: string;
  readonly proxy?: string;
}

/** The warnings of an accepted write. */
export function warningsOf(answer: ApiAnswer): Warning[] {
  return answer.json?.warnings ?? [];
}
