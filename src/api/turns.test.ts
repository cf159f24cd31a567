/** Requests in one packet: a few are answered in order, more close the connection. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApi, type TestApi } from "./apiHarness.ts";
import { MAX_PIPELINED } from "./limits.ts";

let t: TestApi;
let port: number;
beforeAll(async () => {
  t = await startApi();
  port = Number((await t.api.listen("127.0.0.1:0")).split(":")[1]);
});
afterAll(() => t.close());

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;

async function send(bytes: string, enough: (received: string) => boolean): Promise<string> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  await once(socket, "connect");
  let received = "";
  const closed = once(socket, "close");
  const done = new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      received += String(chunk);
      if (enough(received)) resolve();
    });
  });
  socket.write(bytes);
  await Promise.race([done, closed]);
  socket.destroy();
  return received;
}

const answersIn = (received: string): number => received.split("HTTP/1.1 ").length - 1;

test("a few are answered in their order", async () => {
  const paths = Array.from({ length: MAX_PIPELINED }, (_, index) => `/nope-${index}`);
  const received = await send(paths.map(get).join(""), (all) => all.includes(`there is no ${paths.at(-1)}`));
  expect([...received.matchAll(/there is no (\/nope-\d+)/g)].map(([, path]) => path)).toEqual(paths);
});

test("more close the connection", async () => {
  const received = await send(get("/healthz").repeat(500), () => false);
  expect(answersIn(received)).toBeLessThan(500);
});

test("one after the other there may be any number", async () => {
  const socket = connect(port, "127.0.0.1");
  for (let count = 0; count < 50; count++) {
    socket.write(get("/healthz"));
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(String(answer)).toContain("HTTP/1.1 200");
  }
  socket.destroy();
});

test("many clients at once are all answered", async () => {
  const all = Array.from({ length: 100 }, () => send(get("/healthz"), (text) => text.includes("ok")));
  expect((await Promise.all(all)).map(answersIn)).toEqual(all.map(() => 1));
});
