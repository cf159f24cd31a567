/** Bodies on their way in: the bound of all together, who is cut off for it, tiny chunks. */
import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { RATE_WINDOW_MS, RECEIVED_BYTES, UNCOUNTED_CHUNKS } from "../limits.ts";
import { createReceive } from "./receive.ts";

const MIB = 1024 * 1024;
const bound = { maximum: 32 * MIB, detail: "too large" };

/** As much of a request as is looked at. */
function upload(headers = {}): { request: IncomingMessage; stream: PassThrough; socket: { destroyed: boolean } } {
  const stream = new PassThrough({ highWaterMark: RECEIVED_BYTES });
  const socket = { destroyed: false, destroy: () => Object.assign(socket, { destroyed: true }) };
  return { request: Object.assign(stream, { headers, socket }) as unknown as IncomingMessage, stream, socket };
}

test("gives the bytes in one piece", async () => {
  const { request, stream } = upload();
  const received = createReceive()(request, bound);
  for (const part of ["ab", "", "c".repeat(10_000), "d"]) stream.write(part);
  stream.end();
  expect((await received).bytes.toString()).toBe(`ab${"c".repeat(10_000)}d`);
});

test("refuses what is too large before it came, or when it has come", async () => {
  const receive = createReceive();
  const declared = upload({ "content-length": String(33 * MIB) });
  await expect(receive(declared.request, bound)).rejects.toMatchObject({ code: "API-TOO-LARGE", message: "too large" });
  const grown = upload();
  const received = receive(grown.request, bound);
  grown.stream.write(Buffer.alloc(33 * MIB));
  await expect(received).rejects.toMatchObject({ code: "API-TOO-LARGE" });
});

test("beyond the bound of all a new one is refused, unless one is slow: that one is cut off", async () => {
  let clock = 0;
  const receive = createReceive(() => clock);
  const part = Buffer.alloc(31 * MIB);
  const start = () => {
    const started = upload();
    const received = receive(started.request, bound);
    started.stream.write(part);
    return { ...started, received };
  };
  const running = Array.from({ length: RECEIVED_BYTES / (32 * MIB) }, start);
  await new Promise(setImmediate);
  await expect(start().received).rejects.toMatchObject({ code: "API-BUSY" });
  clock = RATE_WINDOW_MS;
  // All sent enough in the window that is over.
  await expect(start().received).rejects.toMatchObject({ code: "API-BUSY" });
  clock += RATE_WINDOW_MS;
  const late = start();
  late.stream.end();
  const { bytes, free } = await late.received;
  expect(bytes.length).toBe(part.length);
  await expect(running[0]?.received).rejects.toMatchObject({ code: "API-BUSY" });
  free();
  for (const { stream } of running) stream.end();
  expect((await Promise.all(running.slice(1).map(({ received }) => received))).length).toBe(running.length - 1);
});

test("pieces of a byte are refused, and their connection closed", async () => {
  const { request, stream, socket } = upload();
  const received = createReceive()(request, bound);
  for (let count = 0; count <= UNCOUNTED_CHUNKS; count++) stream.write(" ");
  await expect(received).rejects.toMatchObject({ code: "API-BAD-REQUEST" });
  expect(socket.destroyed).toBe(true);
});
