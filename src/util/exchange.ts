/** One request by http or https, and its whole answer. `fetch` takes no authorities and no certificate. */
import { type RequestOptions, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";

/** Status, entity tag, media type and text. */
export interface Exchanged {
  readonly status: number;
  readonly etag: string | null;
  readonly type: string;
  readonly text: string;
}

/** A kept connection that the other end had closed. */
export class LostConnection extends Error {}

/** Rejects when no whole answer comes, or one of over `maximum` bytes. Follows no redirect: a token is for the server that was named. */
export function exchange(
  server: URL,
  options: RequestOptions,
  { body, maximum }: { readonly body: Buffer | undefined; readonly maximum: number },
): Promise<Exchanged> {
  const { hostname, port, protocol } = server;
  const host = hostname.replace(/^\[|\]$/g, "");
  const request = protocol === "https:" ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, host, port: port === "" ? undefined : port }, (answer) => {
      const parts: Buffer[] = [];
      let size = 0;
      answer.on("data", (part: Buffer) => {
        size += part.length;
        if (size > maximum) sent.destroy(new Error(`the answer has more than ${maximum} bytes`));
        else parts.push(part);
      });
      answer.on("error", reject);
      answer.on("end", () => {
        const { statusCode = 0, headers, complete } = answer;
        if (!complete) return reject(new Error("the answer ended before its end"));
        const text = Buffer.concat(parts).toString("utf8");
        resolve({ status: statusCode, etag: headers.etag ?? null, type: headers["content-type"] ?? "", text });
      });
    });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      const isLost = sent.reusedSocket && error.code === "ECONNRESET";
      reject(isLost ? new LostConnection(error.message, { cause: error }) : error);
    });
    sent.end(body);
  });
}
