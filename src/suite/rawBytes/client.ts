/** Kept connections that raw requests go over, and an upstream that answers with what it was asked. */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Place } from "../sameBehaviour/wire.ts";

/** A proxy that neither answers nor closes by then waits for more of the request. */
const SILENCE_MS = 2_500;

/** An answer: status and body; null status: the proxy closed, or said nothing. */
export interface RawAnswer {
  readonly status: number | "closed" | "silent";
  readonly body: string;
}

/** One connection to a proxy, opened anew whenever it is closed. */
export interface Client {
  /** `isLast`: what comes behind it on its connection could be taken for a part of it. */
  readonly ask: (bytes: string, method: string, isLast: boolean) => Promise<RawAnswer>;
  readonly close: () => void;
}

/** A client at an address. */
export function createClient(place: Place, localAddress: string): Client {
  let socket: Socket | null = null;
  const close = (): void => {
    socket?.destroy();
    socket = null;
  };
  const open = (): Socket => {
    const opened = connect({ host: place.address, port: place.port, localAddress, noDelay: true });
    opened.setMaxListeners(0);
    opened.on("error", () => opened.destroy());
    return opened;
  };
  const once = (bytes: string, method: string): Promise<{ answer: RawAnswer; keeps: boolean }> => {
    socket ??= open();
    const own = socket;
    return new Promise((resolve) => {
      let received = "";
      const settle = (answer: RawAnswer, keeps: boolean): void => {
        clearTimeout(timer);
        own.off("data", read).off("close", ended).off("end", ended);
        resolve({ answer, keeps });
      };
      const read = (data: Buffer): void => {
        received += data.toString("latin1");
        const found = answerIn(received, method, false);
        if (found !== null) settle(found.answer, found.keeps);
      };
      const ended = (): void => {
        const found = answerIn(received, method, true);
        settle(found?.answer ?? { status: "closed", body: received }, false);
      };
      const timer = setTimeout(() => settle({ status: "silent", body: received }, false), SILENCE_MS);
      own.on("data", read).on("close", ended).on("end", ended);
      own.write(bytes, "latin1");
    });
  };
  const ask: Client["ask"] = async (bytes, method, isLast) => {
    const isFresh = socket === null || socket.destroyed;
    if (isFresh) close();
    let { answer, keeps } = await once(bytes, method);
    // A kept connection may have been closed before the request came to it.
    if (!isFresh && answer.status === "closed" && answer.body === "") {
      close();
      ({ answer, keeps } = await once(bytes, method));
    }
    if (isLast || !keeps) close();
    return answer;
  };
  return { ask, close };
}

function answerIn(text: string, method: string, hasEnded: boolean): { answer: RawAnswer; keeps: boolean } | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = text.slice(0, end);
  const status = Number(head.slice(9, 12));
  const rest = text.slice(end + 4);
  if (status < 200 && status !== 101) return answerIn(rest, method, hasEnded);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const keeps = !/\r\nconnection: *close/i.test(head) && /^HTTP\/1\.1/.test(head);
  if (method === "HEAD" || status === 304 || status === 204) return { answer: { status, body: "" }, keeps };
  if (length !== undefined) {
    return rest.length < Number(length) ? null : { answer: { status, body: rest.slice(0, Number(length)) }, keeps };
  }
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const last = rest.indexOf("0\r\n\r\n");
    return last < 0 && !hasEnded ? null : { answer: { status, body: rest }, keeps };
  }
  return hasEnded ? { answer: { status, body: rest }, keeps: false } : null;
}

/** What the upstream was asked, as it tells: bytes of the head, and of the body without its framing. */
export interface Told {
  readonly head: string;
  readonly body: string;
}

/** An upstream that answers every request with what it was, as JSON. */
export function tellingUpstream(): Server {
  return createServer((socket) => {
    let received = "";
    socket.on("error", () => socket.destroy());
    socket.on("data", (data) => {
      received += data.toString("latin1");
      for (;;) {
        const taken = requestIn(received);
        if (taken === null) return;
        received = received.slice(taken.length);
        const body = JSON.stringify(taken.told);
        // Latin-1 in, ASCII out: the client counts bytes.
        const text = body.replace(/[\x7f-\uffff]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
        const isHead = taken.told.head.startsWith("HEAD ");
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${isHead ? "" : text}`);
      }
    });
  });
}

function requestIn(text: string): { told: Told; length: number } | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = text.slice(0, end);
  if (/\r\ntransfer-encoding:/i.test(head)) {
    const chunks = /^(?:[0-9a-f]+\r\n[\s\S]*?\r\n)*?0\r\n(?:[^\r\n]+\r\n)*\r\n/i.exec(text.slice(end + 4));
    return chunks === null ? null : { told: { head, body: unchunked(chunks[0]) }, length: end + 4 + chunks[0].length };
  }
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  if (text.length < end + 4 + length) return null;
  return { told: { head, body: text.slice(end + 4, end + 4 + length) }, length: end + 4 + length };
}

/** Bytes of the chunks; trailers behind a bar. */
function unchunked(text: string): string {
  let body = "";
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (!(size > 0)) {
      const trailers = text.slice(lineEnd + 2, -2).trim();
      return trailers === "" ? body : `${body}|${trailers}`;
    }
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}
