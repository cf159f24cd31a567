/** Requests to a control plane: who is believed, what is sent where, and what an answer may be. */
import { chmodSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scratchDir } from "../agent/testSupport.ts";
import { createAuthority } from "../xds/testingCertificates.ts";
import { type Client, createClient } from "./client.ts";

let scratch: Awaited<ReturnType<typeof scratchDir>>;
let servers: Server[];
let clients: Client[];
let seen: { readonly url: string; readonly token: string; readonly agent: string; readonly port: number }[];

beforeEach(async () => {
  scratch = await scratchDir();
  [servers, clients, seen] = [[], [], []];
});
afterEach(async () => {
  for (const client of clients) client.close();
  for (const server of servers) server.closeAllConnections();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  await scratch.remove();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const ok: Answer = (_, response) => response.setHeader("content-type", "application/json").end('{"a":1}');

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const noted =
  (answer: Answer): Answer =>
  (request, response) => {
    const { authorization: token = "", "user-agent": agent = "" } = request.headers;
    seen.push({ url: request.url ?? "", token, agent, port: request.socket.remotePort ?? 0 });
    answer(request, response);
  };

function file(name: string, text: string): string {
  const path = join(scratch.path, name);
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
  return path;
}

function client(server: string, more: { tokenFile?: string; caFile?: string } = {}): Client {
  const { tokenFile, caFile } = more;
  const made = createClient({
    server: new URL(server),
    tokenFile,
    tlsFiles: { ca: caFile },
    userAgent: "trimtab-agent/0 (lb)",
  });
  clients.push(made);
  return made;
}

const get = (asked: Client, path = "/v1/x") => asked.send({ method: "GET", path });

test("over TLS only whom --ca names is believed; new authorities and a new token count at once", async () => {
  const [one, other] = [createAuthority("one"), createAuthority("other")];
  const port = await listen(createTlsServer({ ...one.issue({ ips: ["127.0.0.1"] }) }, noted(ok)));
  const [tokenFile, caFile] = [file("token", "first\n"), file("ca.pem", one.cert)];
  const asked = client(`https://127.0.0.1:${port}/below/`, { tokenFile, caFile });
  expect(await get(asked)).toEqual({ status: 200, etag: null, body: { a: 1 } });
  file("token", "second");
  await get(asked);
  const at = { url: "/below/v1/x", agent: "trimtab-agent/0 (lb)" };
  expect(seen).toMatchObject([
    { ...at, token: "Bearer first" },
    { ...at, token: "Bearer second", port: seen[0]?.port },
  ]);
  file("ca.pem", other.cert);
  await expect(get(asked)).rejects.toThrow(/^no answer from https:\/\/127.0.0.1:\d+: .*certificate/);
  file("ca.pem", one.cert + other.cert);
  expect((await get(asked)).status).toBe(200);
  await expect(get(client(`https://127.0.0.1:${port}`))).rejects.toThrow("certificate");
  file("ca.pem", "nothing");
  await expect(get(asked)).rejects.toThrow("ca.pem holds no certificate (PEM)");
  const elsewhere = await listen(createTlsServer({ ...one.issue({ dns: ["other.example"] }) }, ok));
  file("ca.pem", one.cert);
  await expect(get(client(`https://127.0.0.1:${elsewhere}`, { caFile }))).rejects.toThrow("127.0.0.1");
});

test("a kept connection that the server closes just then is no failure", async () => {
  let count = 0;
  const port = await listen(
    createServer((request, response) => {
      count += 1;
      if (count === 2) request.socket.resetAndDestroy();
      else ok(request, response);
    }),
  );
  const asked = client(`http://127.0.0.1:${port}`);
  expect((await get(asked)).status).toBe(200);
  expect((await get(asked)).status).toBe(200);
  expect(count).toBe(3);
});

test("a redirect is an answer, not followed: the token is for the server that was named", async () => {
  const target = await listen(createServer(noted(ok)));
  const port = await listen(
    createServer((_, response) => response.writeHead(302, { location: `http://127.0.0.1:${target}/` }).end()),
  );
  expect(await get(client(`http://127.0.0.1:${port}`, { tokenFile: file("token", "t") }))).toEqual({
    status: 302,
    etag: null,
    body: null,
  });
  expect(seen).toEqual([]);
});

test("an answer that is cut, no JSON, endless or absent is an error in one line; a token that others can read too", async () => {
  const chunk = Buffer.alloc(1024 * 1024, 32);
  const answers: Record<string, Answer> = {
    "/cut": (_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" }).write("{}");
      setTimeout(() => response.destroy(), 20);
    },
    "/text": (_, response) => response.setHeader("content-type", "application/json").end("<html>"),
    "/endless": (_, response) => {
      response.setHeader("content-type", "application/json");
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    },
  };
  const port = await listen(createServer((request, response) => answers[request.url ?? ""]?.(request, response)));
  const asked = client(`http://127.0.0.1:${port}`);
  await expect(get(asked, "/cut")).rejects.toThrow(/^no answer from .*(aborted|before its end)/);
  await expect(get(asked, "/text")).rejects.toThrow("the answer is no JSON");
  await expect(get(asked, "/endless")).rejects.toThrow("the answer has more than 67108864 bytes");
  await expect(get(client("http://127.0.0.1:1"))).rejects.toThrow(
    /^no answer from http:\/\/127.0.0.1:1: .*ECONNREFUSED/,
  );
  const open = file("open", "secret-token");
  chmodSync(open, 0o644);
  await expect(get(client(`http://127.0.0.1:${port}`, { tokenFile: open }))).rejects.toThrow(/others may read it/);
});
