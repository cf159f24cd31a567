import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { arrange } from "./arrange.ts";
import { socketText } from "./busySockets.ts";
import { freePort } from "./testSupport.ts";
import type { AgentFiles } from "./types.ts";

/** A listener with HTTP/3: two sockets of one file. */
const address = "127.0.0.1";
let port: number;
let whole: AgentFiles;
const squatters: (() => void)[] = [];

beforeEach(async () => {
  port = await freePort();
  const both = { address, port, listeners: ["web"], file: "web.conf" };
  const sockets = [both, { ...both, transport: "udp" } as const];
  whole = { generation: "g", files: [{ path: "web.conf", text: "web", mode: 0o644 }], sockets };
});
afterEach(() => {
  for (const end of squatters.splice(0)) end();
});

const arranged = () =>
  arrange(whole, { own: [], former: [], bindsBesideOwn: true }, async (text, places) =>
    [text, ...places.map(socketText)].join(" "),
  );

test("UDP that somebody else has is left out of its file, and TCP stays", async () => {
  const squatter = createSocket("udp4").bind(port, address);
  squatters.push(() => squatter.close());
  await once(squatter, "listening");
  const { files, waiting } = await arranged();
  expect(files.files).toEqual([{ path: "web.conf", text: `web ${address}:${port}`, mode: 0o644 }]);
  expect(files.sockets).toEqual(whole.sockets.slice(0, 1));
  expect(waiting.map(({ reason }) => reason)).toEqual([`${address}:${port}/udp is in use`]);
});

test("where somebody else has TCP, the file is left out: clients would not hear of the other", async () => {
  const squatter = createServer().listen(port, address);
  squatters.push(() => squatter.close());
  await once(squatter, "listening");
  const { files } = await arranged();
  expect([files.files, files.sockets]).toEqual([[], []]);
});

test("what can be opened is run as it is", async () => {
  expect((await arranged()).files).toBe(whole);
});
