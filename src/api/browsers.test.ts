/** What browsers are told, and one host a request: over real sockets, as some answers have no request. */
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApi, type TestApi } from "./apiHarness.ts";
import { DOCS_POLICY } from "./browserHeaders.ts";

let t: TestApi;
let port: number;
beforeAll(async () => {
  t = await startApi();
  port = Number((await t.api.listen("127.0.0.1:0")).split(":")[1]);
});
afterAll(() => t.close());

/** The whole answer to some bytes, after which the connection ends. */
async function ask(bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(bytes);
  return text(socket);
}

const request = (line: string, ...fields: string[]): string =>
  [`${line} HTTP/1.1`, "Host: 127.0.0.1", "Connection: close", ...fields, "", ""].join("\r\n");

test.each([
  ["200", request("GET /v1/config")],
  ["304", request("GET /v1/config", 'If-None-Match: "0"')],
  ["400", request("GET /v1/%zz")],
  ["400", request("GET /v1/config?x=1")],
  ["400", "hello\r\n\r\n"],
  ["403", "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"],
  ["404", request("GET /nope")],
  ["405", request("DELETE /healthz")],
  ["200", request("GET /metrics")],
  ["200", request("GET /openapi.json")],
  ["200", request("GET /docs/")],
  ["200", request("GET /docs/static/swagger-ui.css")],
])("%s: %s is for no frame, says its type, sends no referrer", async (status, bytes) => {
  const answer = (await ask(bytes)).toLowerCase();
  expect(answer).toContain(`http/1.1 ${status}`);
  const policy = bytes.includes("/docs/") ? DOCS_POLICY : "default-src 'none'; frame-ancestors 'none'";
  for (const field of [
    `content-security-policy: ${policy}`,
    "x-frame-options: deny",
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
  ])
    expect(answer).toContain(`\r\n${field}\r\n`);
});

test.each([
  ["the same", "Host: 127.0.0.1"],
  ["another", "host: evil.example"],
])("two Host fields, %s, are 400", async (_name, field) => {
  const answer = await ask(request("GET /healthz", field));
  expect(answer).toContain("HTTP/1.1 400 ");
  expect(answer).toContain("more than one Host field");
});
