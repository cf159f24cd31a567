/** A request of HTTP/2, in the clear without asking first; its answer is judged as that of HTTP/1.1 is. */
import { connect, constants } from "node:http2";
import { connectionError, endsWithin } from "./answer.ts";
import { authorityOf, dial } from "./endpointTls.ts";
import { judge } from "./http.ts";
import type { Probe } from "./types.ts";

/** `http` of a health check of a cluster that speaks HTTP/2. */
export const probeHttp2: Probe = (at, { timeoutMs, http }, tls) => {
  if (http === null) throw new Error("an HTTP check says what to ask for");
  return endsWithin(timeoutMs, (end) => {
    const session = connect(authorityOf(at, tls), { createConnection: () => dial(at, tls, true).socket });
    session.on("error", (error) => end(connectionError(error)));
    session.on("close", () => end("it closed without an answer"));
    const stream = session.request(
      {
        [constants.HTTP2_HEADER_METHOD]: http.method,
        [constants.HTTP2_HEADER_PATH]: http.path,
        [constants.HTTP2_HEADER_AUTHORITY]: http.host,
        ...fieldsOf(http.headers),
      },
      { endStream: true },
    );
    stream.on("error", (error) => end(connectionError(error)));
    stream.on("response", (head) => judge({ status: Number(head[":status"]), body: stream }, http, end));
    return () => session.destroy();
  });
};

/** Names may repeat. */
function fieldsOf(headers: readonly { readonly name: string; readonly value: string }[]): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (const { name, value } of headers) fields[name] = [...(fields[name] ?? []), value];
  return fields;
}
