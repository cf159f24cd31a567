/** HTTP/1.1 by hand: requests byte for byte as a case wants them, on connections that are kept open. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

/** An answer takes a local proxy milliseconds, under callgrind up to a second. */
const ANSWER_TIMEOUT_MS = 30_000;
const HEAD_END = "\r\n\r\n";

export interface Answer {
  readonly status: number;
  /** Names in lower case, in the order of the wire. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Cuts a stream of bytes into answers, all of which say their length. */
export class AnswerReader {
  #rest = "";
  /** Before so much is there, nobody need look. */
  #wanted = 0;

  /** The answers that are whole with these bytes. */
  push(bytes: Buffer): readonly string[] {
    this.#rest += bytes.toString("latin1");
    const answers: string[] = [];
    while (this.#rest.length >= this.#wanted) {
      const end = answerEnd(this.#rest);
      if (end === null) break;
      this.#wanted = end;
      if (this.#rest.length < end) break;
      answers.push(this.#rest.slice(0, end));
      this.#rest = this.#rest.slice(end);
      this.#wanted = 0;
    }
    return answers;
  }
}

/** Where the first one ends; null: its head is not whole. */
function answerEnd(text: string): number | null {
  const head = text.indexOf(HEAD_END);
  if (head < 0) return null;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1];
  if (length === undefined) throw new Error(`an answer without a length:\n${text.slice(0, head)}`);
  return head + HEAD_END.length + Number(length);
}

/** The parts of an answer. */
export function parseAnswer(text: string): Answer {
  const end = text.indexOf(HEAD_END);
  const [line = "", ...lines] = text.slice(0, end).split("\r\n");
  const fields = lines.map((field) => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const;
  });
  return { status: Number(line.split(" ")[1]), fields, body: text.slice(end + HEAD_END.length) };
}

/** Where connections are made, and what each begins with. */
export interface Door {
  readonly port: number;
  readonly opening?: string;
  /** What a client says to begin TLS; none: in the clear. */
  readonly tls?: ConnectionOptions;
}

/** A connection that is ready for requests. */
export async function enter({ port, opening, tls }: Door): Promise<Socket> {
  const place = { port, host: "127.0.0.1" };
  const socket = tls === undefined ? connect(place) : connectTls({ ...tls, ...place });
  await once(socket, tls === undefined ? "connect" : "secureConnect");
  socket.setNoDelay(true);
  if (opening !== undefined) socket.write(opening);
  return socket;
}

/** One connection, one request at a time. */
export class Connection {
  readonly #socket: Socket;
  readonly #reader = new AnswerReader();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => undefined);
  }

  static async open(door: Door): Promise<Connection> {
    return new Connection(await enter(door));
  }

  /** Sends a request and reads its answer. */
  ask(request: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket;
      const done = (settle: () => void): void => {
        clearTimeout(timer);
        socket.off("data", onData).off("error", onError).off("close", onClose);
        settle();
      };
      const onData = (bytes: Buffer): void => {
        try {
          const [answer] = this.#reader.push(bytes);
          if (answer !== undefined) done(() => resolve(answer));
        } catch (error) {
          done(() => reject(error));
        }
      };
      const onError = (error: Error): void => done(() => reject(error));
      const onClose = (): void => done(() => reject(new Error("closed without an answer")));
      const timer = setTimeout(() => done(() => reject(new Error("no answer"))), ANSWER_TIMEOUT_MS);
      socket.on("data", onData).on("error", onError).on("close", onClose);
      socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** One request on a connection of its own. */
export async function askOnce(door: Door, request: Buffer): Promise<Answer> {
  const connection = await Connection.open(door);
  try {
    return parseAnswer(await connection.ask(request));
  } finally {
    connection.close();
  }
}
