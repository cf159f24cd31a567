/** A client that plays a part byte by byte, and what it saw: an answer, a cut one, a closed connection, or nothing. */
import { connect, type Socket } from "node:net";
import type { Place } from "../sameBehaviour/wire.ts";
import { flood } from "./backend.ts";

/** Heads of answers are far shorter; of bodies only the end is looked at. */
const KEPT_BYTES = 16_384;
const LAST_CHUNK = "\r\n0\r\n\r\n";

/** What came of a part. */
export interface Outcome {
  /** `200`, `200 cut`, `408`, `closed`, `waits`. */
  readonly what: string;
  /** From the begin of the last pause. */
  readonly milliseconds: number;
}

/** One connection. */
export class Client {
  readonly #socket: Socket;
  #begin = "";
  #tail = "";
  #length = 0;
  #isClosed = false;
  #pausedAt = performance.now();
  #eventAt = performance.now();
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data) => this.#take(data));
    // An answer may stand in front of a reset.
    for (const event of ["end", "error", "close"]) socket.on(event, () => this.#close());
  }

  /** Connects. */
  static open({ address, port }: Place): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, noDelay: true, allowHalfOpen: true }, () => {
        socket.off("error", reject);
        resolve(new Client(socket));
      });
      socket.on("error", reject);
    });
  }

  #take(data: Buffer): void {
    if (this.#begin.length < KEPT_BYTES) this.#begin += data.toString("latin1", 0, KEPT_BYTES - this.#begin.length);
    this.#tail = (this.#tail + data.subarray(-LAST_CHUNK.length).toString("latin1")).slice(-LAST_CHUNK.length);
    this.#length += data.length;
    this.#eventAt = performance.now();
    this.#wake();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#eventAt = performance.now();
    this.#wake();
  }

  /** Sends bytes; to a closed connection nothing. */
  write(text: string): void {
    if (!this.#isClosed && this.#socket.writable) this.#socket.write(text, "latin1");
  }

  /** Sends many bytes, as fast as the proxy takes them. */
  flood(bytes: number): Promise<void> {
    return flood(this.#socket, bytes);
  }

  /** Forgets what came: the next answer is looked at. */
  next(): void {
    this.#begin = "";
    this.#tail = "";
    this.#length = 0;
  }

  /** Times are counted from here on. */
  mark(): void {
    this.#pausedAt = performance.now();
  }

  /** Does nothing for some time. A closed connection ends the wait. */
  async pause(milliseconds: number): Promise<void> {
    this.mark();
    await this.#until(() => this.#isClosed, milliseconds);
  }

  /** The same, and times are counted from where they were. */
  async pauseHere(milliseconds: number): Promise<void> {
    await this.#until(() => this.#isClosed, milliseconds);
  }

  /** Reads nothing for some time. */
  async pauseReading(milliseconds: number): Promise<void> {
    this.mark();
    this.#socket.pause();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    this.#socket.resume();
  }

  /** Waits for a whole answer or the end of the connection. */
  async answer(milliseconds: number): Promise<void> {
    await this.#until(() => this.#isClosed || this.#isWhole(), milliseconds);
  }

  /** Waits for bytes. */
  async some(milliseconds: number): Promise<void> {
    await this.#until(() => this.#isClosed || this.#length > 0, milliseconds);
  }

  /** Waits for the end of the connection. */
  async closed(milliseconds: number): Promise<void> {
    await this.#until(() => this.#isClosed, milliseconds);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Says what was seen, and leaves. */
  finish(): Outcome {
    const milliseconds = this.#eventAt - this.#pausedAt;
    const end = this.#isClosed ? "closed" : "waits";
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(this.#final())?.[1];
    this.#socket.destroy();
    if (status === undefined) return { what: end, milliseconds };
    return { what: this.#isWhole() ? status : `${status} ${this.#isClosed ? "cut" : "waits"}`, milliseconds };
  }

  async #until(holds: () => boolean, milliseconds: number): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        if (!holds()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }

  /** What came, without interim answers. */
  #final(): string {
    return this.#begin.replace(/^(?:HTTP\/1\.1 1(?!01)\d\d [\s\S]*?\r\n\r\n)+/, "");
  }

  #isWhole(): boolean {
    const text = this.#final();
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const head = text.slice(0, end + 2);
    if (/^HTTP\/1\.1 101 /.test(head)) return true;
    if (/^transfer-encoding: *chunked\r$/im.test(head)) return this.#tail.endsWith(LAST_CHUNK.slice(2));
    const length = /^content-length: *(\d+)\r$/im.exec(head)?.[1];
    if (length === undefined) return this.#isClosed;
    return this.#length - (this.#begin.length - text.length) - (end + 4) >= Number(length);
  }
}
