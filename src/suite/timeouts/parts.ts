/** Pieces of which the parts of clients and endpoints are made. */
import type { Exchange, Part } from "./backend.ts";
import type { Client } from "./client.ts";
import { PATIENCE_MS, PAUSE_MS, type Situation, STEP_MS, STEPS } from "./situation.ts";

/** More than the buffers of sockets and proxies hold. */
export const LARGE_BYTES = 24_000_000;

const HOST = "Host: t.test\r\n";
/** The head of an answer, without its end. */
export const OK = "HTTP/1.1 200 OK\r\n";
export const CHUNKED = "Transfer-Encoding: chunked\r\n";
/** A whole answer. */
export const WHOLE = `${OK}Content-Length: 2\r\n\r\nok`;

/** A field. */
export function length(bytes: number): string {
  return `Content-Length: ${bytes}\r\n`;
}

/** A head. */
export function get(path: string, fields = ""): string {
  return `GET ${path} HTTP/1.1\r\n${HOST}${fields}\r\n`;
}

/** A head. */
export function post(path: string, fields: string, version = "1.1"): string {
  return `POST ${path} HTTP/${version}\r\n${HOST}${fields}\r\n`;
}

/** Each piece is one byte or a line. */
export function pieces(piece: string): readonly string[] {
  return Array<string>(STEPS).fill(piece);
}

type Write = (text: string) => void;
type Sleep = (milliseconds: number) => Promise<void>;
export type Play = (write: Write, sleep: Sleep) => Promise<void>;

/** Piece after piece, for longer than a short limit. */
export function trickle(all: readonly string[]): Play {
  return async (write, sleep) => {
    for (const piece of all) {
      write(piece);
      await sleep(STEP_MS);
    }
  };
}

type ClientPart = Situation["client"];
type OfPath = (path: string) => string;

/** Sends piece after piece, with a pause between them. */
export function sends(...all: readonly OfPath[]): ClientPart {
  return async (client, path) => {
    for (const [index, piece] of all.entries()) {
      if (index > 0) await client.pause(PAUSE_MS);
      client.write(piece(path));
    }
    if (all.length === 1) client.mark();
  };
}

/** Sends piece after piece, with short pauses. */
export function sendsSlowly(of: (path: string) => readonly string[]): ClientPart {
  return (client, path) =>
    trickle(of(path))(
      (text) => client.write(text),
      (milliseconds) => client.pauseHere(milliseconds),
    );
}

/** Sends a whole request, reads the answer, and goes on. */
export function keepsOn(play: (client: Client, path: string) => Promise<void>): ClientPart {
  return async (client, path) => {
    client.write(get(path));
    await client.answer(PATIENCE_MS);
    await play(client, path);
  };
}

/** Reads nothing for a while once the answer has begun. */
export function readsLate(fields = ""): ClientPart {
  return async (client, path) => {
    client.write(get(path, fields));
    await client.some(PATIENCE_MS);
    await client.pauseReading(PAUSE_MS);
  };
}

/** Once the whole request is there. */
export function afterRequest(play: (exchange: Exchange) => Promise<void>): Part {
  return async (exchange) => {
    await exchange.request();
    await play(exchange);
  };
}

/** Answers with these bytes, and no more. */
export function answers(text: string): Part {
  return afterRequest(async ({ write }) => write(text));
}

/** Answers piece after piece. */
export function answersSlowly(...all: readonly string[]): Part {
  return afterRequest(({ write, sleep }) => trickle(all)(write, sleep));
}

/** Answers with much more than all buffers hold. */
export const answersMuch: Part = afterRequest(async ({ write, flood }) => {
  write(`${OK}${length(LARGE_BYTES)}\r\n`);
  await flood(LARGE_BYTES);
});

/** Never answers. */
export const saysNothing: Part = afterRequest(async () => {});

const ASKS = [
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
].join("");
const SWITCHES = [
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
].join("");

/** Nobody speaks for a while. */
export const silent: Play = async (_write, sleep) => sleep(PAUSE_MS);

/** Opens a WebSocket and plays. */
export function inTunnel(play: Play): ClientPart {
  return async (client, path) => {
    client.write(get(path, ASKS));
    await client.some(PATIENCE_MS);
    client.mark();
    await play(
      (text) => client.write(text),
      (milliseconds) => client.pauseHere(milliseconds),
    );
  };
}

/** Takes a WebSocket and plays. */
export function tunnels(play: Play): Part {
  return afterRequest(async ({ write, sleep }) => {
    write(SWITCHES);
    await play(write, sleep);
  });
}
