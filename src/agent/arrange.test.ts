import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Place } from "../targets/target.ts";
import { arrange, type Sockets } from "./arrange.ts";
import { socketText } from "./busySockets.ts";
import { freePort } from "./testSupport.ts";
import type { AgentFiles } from "./types.ts";

const address = "127.0.0.1";
const squatter = createSocket("udp4");
let taken: number;
let free: number;

beforeAll(async () => {
  squatter.bind(0, address);
  await once(squatter, "listening");
  taken = squatter.address().port;
  free = await freePort();
});
afterAll(() => void squatter.close());

/** One file opens both sockets of its port, as one of HTTP/3 does. */
function filesOf(port: number): AgentFiles {
  const socket = { address, port, listeners: ["web"], file: "web.cfg" };
  return {
    generation: "one",
    files: [{ path: "web.cfg", text: "both", mode: 0o644 }],
    sockets: [socket, { ...socket, transport: "udp" }],
  };
}

const NOTHING: Sockets = { own: [], former: [], bindsBesideOwn: true };
const rebound = async (_: string, places: readonly Place[]): Promise<string> => places.map(socketText).join();

test("a file whose UDP socket somebody else has is written for TCP alone, and the listener waits", async () => {
  const { files, told, waiting } = await arrange(filesOf(taken), NOTHING, rebound);
  expect(told).toMatch(/^one-without-/);
  expect(files.files.map(({ text }) => text)).toEqual([`${address}:${taken}`]);
  expect(files.sockets.map(socketText)).toEqual([`${address}:${taken}`]);
  expect(waiting.map(({ reason }) => reason)).toEqual([`${address}:${taken}/udp is in use`]);
});

test("whoever moves there keeps the UDP socket of before, and TCP moves", async () => {
  const { sockets: former } = filesOf(free);
  const { files, waiting } = await arrange(filesOf(taken), { ...NOTHING, own: former, former }, rebound);
  expect(files.files.map(({ text }) => text)).toEqual([`${address}:${taken},${address}:${free}/udp`]);
  expect(waiting.map(({ reason }) => reason)).toEqual([
    `${address}:${taken}/udp is in use; served on ${address}:${free}/udp until then`,
  ]);
});

test("where both are taken nothing is written", async () => {
  const server = createServer().listen(taken, address);
  await once(server, "listening");
  try {
    const { files, waiting } = await arrange(filesOf(taken), NOTHING, rebound);
    expect([files.files, files.sockets, waiting.length]).toEqual([[], [], 2]);
  } finally {
    server.close();
  }
});
