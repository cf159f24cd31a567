import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../agent/testSupport.ts";
import type { DevEcho } from "./config.ts";
import { createEchoes, type Echoes } from "./echo.ts";

let echoes: Echoes;
beforeEach(() => {
  echoes = createEchoes();
});
afterEach(() => echoes.close());

const upstream = async (kind: "http" | "tcp", name: string): Promise<DevEcho> => ({
  kind,
  name,
  address: "127.0.0.1",
  port: await freePort(),
});

test("HTTP: answers what it was sent, with its name", async () => {
  const echo = await upstream("http", "catalog");
  expect(await echoes.sync([echo])).toEqual([]);
  const answer = await fetch(`http://127.0.0.1:${echo.port}/a/b?x=1`, {
    method: "PUT",
    headers: { "x-one": "1" },
    body: "text",
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-echo")).toBe("catalog");
  expect(await answer.json()).toMatchObject({
    upstream: "catalog",
    endpoint: `127.0.0.1:${echo.port}`,
    method: "PUT",
    path: "/a/b?x=1",
    host: `127.0.0.1:${echo.port}`,
    headers: { "x-one": "1" },
  });
});

test("HTTP: a wanted status and delay", async () => {
  const echo = await upstream("http", "slow");
  await echoes.sync([echo]);
  const before = performance.now();
  const answer = await fetch(`http://127.0.0.1:${echo.port}/?delay=120&status=503`);
  expect(answer.status).toBe(503);
  expect(performance.now() - before).toBeGreaterThan(115);
});

test("TCP: sends back everything, also what came before a half-close", async () => {
  const echo = await upstream("tcp", "stream");
  await echoes.sync([echo]);
  const socket: Socket = connect({ host: "127.0.0.1", port: echo.port, allowHalfOpen: true });
  const sent = "x".repeat(300_000);
  socket.end(sent);
  let got = "";
  for await (const chunk of socket.setEncoding("utf8")) {
    got += chunk;
  }
  expect(got.length).toBe(sent.length);
  socket.destroy();
});

test("sync starts and ends what changed, keeps the rest, and names what cannot listen", async () => {
  const [a, b, c] = [await upstream("http", "a"), await upstream("http", "b"), await upstream("tcp", "c")];
  await echoes.sync([a, b]);
  expect(await echoes.sync([b, c, { ...c, name: "same-port" }])).toEqual([
    expect.stringMatching(/cluster same-port cannot listen.*EADDRINUSE/),
  ]);
  await expect(fetch(`http://127.0.0.1:${a.port}/`)).rejects.toThrow();
  expect((await fetch(`http://127.0.0.1:${b.port}/`)).status).toBe(200);
  await echoes.close();
  await expect(fetch(`http://127.0.0.1:${b.port}/`)).rejects.toThrow();
});
