/** A request of HTTP/1.1 is answered with an expected status, and where the check says so with a text or an expression in the body. */
import { type IncomingMessage, request } from "node:http";
import type { Readable } from "node:stream";
import type { HealthCheckIr } from "../../ir/index.ts";
import { connectionError, type End, endsWithin, regexSearch, type Search, textSearch } from "./answer.ts";
import { dial } from "./endpointTls.ts";
import type { Probe } from "./types.ts";

/** Bytes of an answer's head: what Node itself takes, whatever it was started with. */
const MAX_HEAD_BYTES = 16 * 1024;

type HttpCheck = NonNullable<HealthCheckIr["http"]>;

/** `http` of a health check. */
export const probeHttp: Probe = (at, { timeoutMs, http }, tls) => {
  if (http === null) throw new Error("an HTTP check says what to ask for");
  return endsWithin(timeoutMs, (end) => {
    const sent = request({
      // One of its own.
      createConnection: () => dial(at, tls).socket,
      method: http.method,
      path: http.path,
      headers: fieldsOf(http),
      maxHeaderSize: MAX_HEAD_BYTES,
    });
    sent.on("response", (answer) => judgeAnswer(answer, http, end));
    // Nobody asked for another protocol; the status counts all the same.
    sent.on("upgrade", (answer) => judgeAnswer(answer, http, end));
    sent.on("error", (error) => end(connectionError(error)));
    sent.end();
    return () => sent.destroy();
  });
};

/** As pairs in a row: sent as they are. */
function fieldsOf({ host, headers }: HttpCheck): string[] {
  return [...["Host", host], ...headers.flatMap(({ name, value }) => [name, value]), ...["Connection", "close"]];
}

const NO_MORE = Buffer.alloc(0);

function judgeAnswer(answer: IncomingMessage, check: HttpCheck, end: End): void {
  judge({ status: answer.statusCode ?? 0, body: answer }, check, end);
}

/** Ends the probe with what the answer's status says, or its body. */
export function judge(
  { status, body }: { readonly status: number; readonly body: Readable },
  check: HttpCheck,
  end: End,
): void {
  if (!check.expectedStatus.some(({ low, high }) => low <= status && status <= high)) {
    end(`status ${status}`);
    return;
  }
  const search = searchOf(check);
  if (search === null) {
    end(null);
    return;
  }
  body.on("data", (chunk: Buffer) => {
    const verdict = search(chunk);
    if (verdict === "found") end(null);
    if (verdict === "full") end("the expected text is not in the beginning of the body");
  });
  body.on("end", () => end(search(NO_MORE, true) === "found" ? null : "the expected text is not in the body"));
  body.on("error", (error) => end(connectionError(error)));
}

function searchOf({ bodyContains, bodyRegex }: HttpCheck): Search | null {
  if (bodyContains !== null) return textSearch(bodyContains);
  return bodyRegex === null ? null : regexSearch(bodyRegex);
}
