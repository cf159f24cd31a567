/** What every path has in common: access, errors, limits, headers; over real sockets where the socket is the matter. */

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { createLogger } from "../log/index.ts";
import type { FleetStatus } from "../publish/types.ts";
import { MatchTooLongError } from "../regex/match.ts";
import { StoreError } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import { clusterOf, model, startApi, type TestApi } from "./apiHarness.ts";
import type { ApiOptions } from "./index.ts";
import { defaultLimits } from "./limits.ts";

const open: TestApi[] = [];

async function start(options: Partial<ApiOptions> = {}): Promise<TestApi> {
  const t = await startApi(options);
  open.push(t);
  return t;
}

const dialled: Socket[] = [];

afterEach(async () => {
  for (const socket of dialled.splice(0)) socket.destroy();
  for (const t of open.splice(0)) await t.close();
});

const blue = clusterOf("blue");

describe("access", () => {
  const apiToken = "s3cret-token";

  test("with a token every path needs it, but for the probes and what describes the API", async () => {
    const t = await start({ apiToken });
    for (const url of [
      "/v1/config",
      "/v1/clusters/x",
      "/metrics",
      "/readyz?verbose",
      "/nope",
      "/docsx",
      "/docs/../v1/config",
    ]) {
      const answer = await t.call("GET", url);
      expect([url, answer.status]).toEqual([url, 401]);
      expect(answer).toMatchObject({
        body: { code: "API-UNAUTHORIZED" },
        headers: { "www-authenticate": 'Bearer realm="trimtab"' },
      });
    }
    expect((await t.call("GET", "/healthz")).status).toBe(200);
    expect((await t.call("GET", "/readyz")).status).toBe(200);
    for (const url of ["/docs", "/docs/", "/docs/json", "/docs/static/swagger-ui.css", "/openapi.json"])
      expect([url, (await t.call("GET", url)).status]).toEqual([url, 200]);
    expect(await t.call("GET", "/docs/yaml")).toMatchObject({ status: 404, body: { code: "API-NOT-FOUND" } });
    for (const authorization of ["Bearer wrong", `Basic ${apiToken}`, `Bearer ${apiToken}x`, "Bearer", apiToken]) {
      expect([authorization, (await t.call("GET", "/v1/config", { headers: { authorization } })).status]).toEqual([
        authorization,
        401,
      ]);
    }
    const headers = { authorization: `Bearer ${apiToken}`, host: "trimtab.example" };
    expect((await t.call("GET", "/v1/config", { headers })).status).toBe(200);
    expect((await t.call("PUT", "/v1/clusters/blue", { body: blue, headers })).status).toBe(201);
  });

  test("without a token only loopback names are served, and no page of another site may write", async () => {
    const t = await start();
    const get = async (host: string): Promise<number> =>
      (await t.call("GET", "/v1/config", { headers: { host } })).status;
    expect(await Promise.all(["localhost:8400", "127.0.0.1:8400", "[::1]:8400", "LOCALHOST"].map(get))).toEqual([
      200, 200, 200, 200,
    ]);
    expect(
      await Promise.all(["evil.example", "127.0.0.1.evil.example", "10.0.0.1:8400", "localhost@evil"].map(get)),
    ).toEqual([403, 403, 403, 403]);
    const restore = async (origin: string): Promise<number> =>
      (await t.call("POST", "/v1/revisions/0/restore", { headers: { origin, host: "127.0.0.1:8400" } })).status;
    expect(await restore("http://127.0.0.1:8400")).toBe(200);
    expect(await Promise.all(["http://evil.example", "http://127.0.0.1:3000", "null"].map(restore))).toEqual([
      403, 403, 403,
    ]);
  });

  test("an address beyond this machine needs a token", async () => {
    const t = await start();
    for (const address of ["0.0.0.0:0", "[::]:0", "10.0.0.1:0", "example.com:0", "127.0.0.1.example.com:0"]) {
      await expect(t.api.listen(address)).rejects.toThrow("needs an API token");
    }
    await expect(t.api.listen("127.0.0.1:99999")).rejects.toThrow("is no address to listen on");
    const address = await t.api.listen("127.0.0.1:0");
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
  });

  test("the log has no token", async () => {
    const lines: string[] = [];
    const clock = { now: () => new Date(), after: () => () => {} };
    const write = (line: string) => void lines.push(line);
    const { library: logger } = createLogger({ format: "json", level: "debug", write, clock });
    const t = await start({ apiToken, logger });
    // biome-ignore lint/correctness/useYield: it fails in its first step
    t.publisher.explain = function* () {
      throw new Error("defect");
    };
    const headers = { authorization: `Bearer ${apiToken}` };
    const answer = await t.call("POST", "/v1/explain", { body: { fleet: "edge", host: "x", path: "/" }, headers });
    expect(answer).toMatchObject({
      status: 500,
      body: { code: "API-INTERNAL", detail: "a defect in Trimtab; see its log" },
    });
    t.app.log.warn({ headers, req: { headers } }, "careless");
    expect(lines.join("")).toContain("defect");
    expect(lines.join("")).toContain("[redacted]");
    expect(lines.join("")).not.toContain(apiToken);
  });
});

test("a type is no body: what takes none is done, what takes one says what is missing", async () => {
  const t = await start();
  await t.call("PUT", "/v1/clusters/blue", { body: blue });
  const empty = { body: "", headers: { "content-type": "application/json" } };
  expect(await t.call("DELETE", "/v1/clusters/blue", empty)).toMatchObject({ status: 200, body: { revision: 2 } });
  expect(await t.call("POST", "/v1/revisions/1/restore", empty)).toMatchObject({ status: 200, body: { revision: 3 } });
  expect(await t.call("GET", "/v1/clusters/blue", empty)).toMatchObject({ status: 200 });
  for (const [method, url] of [
    ["PUT", "/v1/clusters/blue"],
    ["PUT", "/v1/config"],
    ["POST", "/v1/config/apply"],
  ] as const)
    expect(await t.call(method, url, empty)).toMatchObject({ status: 400, body: { code: "API-BAD-REQUEST" } });
  expect(t.store.head().revision).toBe(3);
});

describe("errors", () => {
  test("unknown paths, wrong methods, unreadable types", async () => {
    const t = await start();
    await t.call("PUT", "/v1/clusters/blue", { body: blue });
    const cases = [
      ["GET", "/nope", {}, 404, "API-NOT-FOUND"],
      ["GET", "/v1/clusters/nope", {}, 404, "API-NOT-FOUND"],
      ["GET", "/v1/clusters/%zz", {}, 400, "API-BAD-REQUEST"],
      ["POST", "/v1/clusters", { body: "x", headers: { "content-type": "text/plain" } }, 405, "API-METHOD-NOT-ALLOWED"],
      ["DELETE", "/v1/config", {}, 405, "API-METHOD-NOT-ALLOWED"],
      ["PUT", "/healthz", {}, 405, "API-METHOD-NOT-ALLOWED"],
      ["GET", "/v1/config", { headers: { accept: "text/html" } }, 406, "API-NOT-ACCEPTABLE"],
      ["GET", "/v1/clusters/blue", { headers: { accept: "application/yaml" } }, 406, "API-NOT-ACCEPTABLE"],
      [
        "PUT",
        "/v1/clusters/blue",
        { body: "name: blue", headers: { "content-type": "application/yaml" } },
        415,
        "API-UNSUPPORTED-MEDIA-TYPE",
      ],
      [
        "PUT",
        "/v1/clusters/blue",
        { body: "{}", headers: { "content-type": "application/merge-patch+json" } },
        415,
        "API-UNSUPPORTED-MEDIA-TYPE",
      ],
      [
        "PUT",
        "/v1/clusters/blue",
        { body: "x", headers: { "content-type": "text/plain" } },
        415,
        "API-UNSUPPORTED-MEDIA-TYPE",
      ],
      ["PUT", "/v1/clusters/blue", { body: "{" }, 400, "API-BAD-REQUEST"],
      ["PUT", "/v1/clusters/blue", { body: '{"__proto__": {}}' }, 422, "API-INVALID"],
      ["PUT", "/v1/clusters/blue", {}, 422, "API-INVALID"],
      ["PUT", "/v1/clusters/blue", { body: "null" }, 422, "API-INVALID"],
    ] as const;
    for (const [method, url, options, status, code] of cases) {
      const answer = await t.call(method, url, options);
      expect([method, url, answer.status, answer.body?.code]).toEqual([method, url, status, code]);
      expect(answer.headers["content-type"]).toContain("application/problem+json");
      expect(answer.body).toMatchObject({
        type: `urn:trimtab:error:${code}`,
        status,
        title: expect.any(String),
        detail: expect.any(String),
      });
    }
    expect((await t.call("DELETE", "/v1/config")).headers.allow).toBe("GET, HEAD, PUT");
  });

  test("bodies over their limit are 413: 512 KiB for a resource, 32 MiB for a configuration", async () => {
    const t = await start();
    const large = { ...blue, description: "x".repeat(defaultLimits.resourceBodyBytes) };
    expect(await t.call("PUT", "/v1/clusters/blue", { body: large })).toMatchObject({
      status: 413,
      body: { code: "API-TOO-LARGE" },
    });
    expect(await t.call("PUT", "/v1/config", { body: { clusters: [large] } })).toMatchObject({ status: 422 });
    const huge = " ".repeat(defaultLimits.configBodyBytes + 1);
    expect(await t.call("PUT", "/v1/config", { body: huge })).toMatchObject({
      status: 413,
      body: { code: "API-TOO-LARGE" },
    });
  });

  test("a disk that fails is 503, a full one 507, a foreign lock, a full queue and a closed store are 503", async () => {
    const t = await start();
    const answer = async (error: StoreError): Promise<unknown> => {
      const store: Store = { ...t.store, write: () => Promise.reject(error) };
      const { status, body, headers } = await (await start({ store })).call("PUT", "/v1/clusters/blue", { body: blue });
      return [status, body.code, headers["retry-after"]];
    };
    expect(await answer(new StoreError("STORE-WRITE-FAILED", "quota"))).toEqual([503, "STORE-WRITE-FAILED", "30"]);
    expect(await answer(new StoreError("STORE-FULL", "disk full"))).toEqual([507, "STORE-FULL", "30"]);
    expect(await answer(new StoreError("STORE-BUSY", "locked"))).toEqual([503, "STORE-BUSY", "1"]);
    expect(await answer(new StoreError("STORE-QUEUE-FULL", "full"))).toEqual([503, "STORE-QUEUE-FULL", "1"]);
    await t.store.close();
    expect(await t.call("PUT", "/v1/clusters/blue", { body: blue })).toMatchObject({
      status: 503,
      body: { code: "STORE-CLOSED" },
    });
  });

  test("large writes are bounded: one more is told to come back, and a place is freed by its end", async () => {
    const t = await start({ limits: { configWrites: 1 } });
    const write = t.store.write.bind(t.store);
    const gate = Promise.withResolvers<void>();
    t.store.write = (async (request: Parameters<typeof write>[0]) => {
      await gate.promise;
      return write(request);
    }) as typeof write;
    const address = await t.api.listen("127.0.0.1:0");
    // Who has not sent all of it takes no place.
    const slow = await dial(address);
    slow.socket.write(`${head("PUT /v1/config", "Content-Type: application/json", "Content-Length: 100")}{`);
    const url = `http://${address}/v1/config`;
    const init = { method: "PUT", body: "{}", headers: { "content-type": "application/json" } };
    const first = fetch(url, init);
    await sleep(100);
    const refused = await fetch(url, init);
    expect([
      refused.status,
      refused.headers.get("retry-after"),
      ((await refused.json()) as { code: string }).code,
    ]).toEqual([503, "1", "API-BUSY"]);
    expect((await fetch(url)).status).toBe(200);
    gate.resolve();
    expect((await first).status).toBe(200);
    expect((await fetch(url, init)).status).toBe(200);
  });
});

interface Client {
  readonly socket: Socket;
  received: () => string;
}

async function dial(address: string): Promise<Client> {
  const [host, port] = address.split(":");
  const socket = connect({ host: host as string, port: Number(port) });
  let text = "";
  socket.on("data", (chunk) => {
    text += String(chunk);
  });
  socket.on("error", () => {});
  dialled.push(socket);
  await once(socket, "connect");
  return { socket, received: () => text };
}

function head(line: string, ...headers: string[]): string {
  return [`${line} HTTP/1.1`, "Host: 127.0.0.1", ...headers, "", ""].join("\r\n");
}

describe("slow and broken clients", () => {
  const limits = {
    headersTimeoutMs: 300,
    requestTimeoutMs: 600,
    idleTimeoutMs: 900,
    timeoutCheckMs: 50,
    connections: 5,
  };

  test.each([
    ["half a request line", "GET /v1/conf"],
    ["headers that never end", "GET /v1/config HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b\r\n"],
    ["half a body", `${head("PUT /v1/clusters/blue", "Content-Type: application/json", "Content-Length: 50")}{"name":`],
  ])("%s is cut off with 408", async (_name, bytes) => {
    const t = await start({ limits });
    const { socket, received } = await dial(await t.api.listen("127.0.0.1:0"));
    const began = performance.now();
    socket.write(bytes);
    await once(socket, "close");
    expect(performance.now() - began).toBeLessThan(5000);
    expect(received()).toMatch(/^HTTP\/1\.1 408 /);
    expect(received()).toContain('"code":"API-TIMEOUT"');
    expect(t.store.head().revision).toBe(0);
  });

  test("a client that sends nothing at all is cut off", async () => {
    const t = await start({ limits });
    const { socket } = await dial(await t.api.listen("127.0.0.1:0"));
    await Promise.race([once(socket, "close"), sleep(8000).then(() => Promise.reject(new Error("still open")))]);
  });

  const long = { connections: 5, headersTimeoutMs: 60_000, requestTimeoutMs: 60_000, idleTimeoutMs: 60_000 };

  test.each([
    ["silent", ""],
    ["half a request line", "GET /"],
    ["half a body", `${head("PUT /v1/clusters/blue", "Content-Type: application/json", "Content-Length: 50")}{"name":`],
    ["idle after an answer", head("GET /healthz")],
  ])("many slow clients do not keep others out: %s", async (_name, bytes) => {
    const t = await start({ limits: long });
    const address = await t.api.listen("127.0.0.1:0");
    const clients: Client[] = [];
    for (let count = 0; count < 12; count++) {
      const client = await dial(address);
      client.socket.write(bytes);
      clients.push(client);
    }
    expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
    await sleep(100);
    const closed = clients.map(({ socket }) => socket.closed);
    expect([closed.filter(Boolean).length, closed[0]]).toEqual([8, true]);
    const { text } = await t.call("GET", "/metrics");
    expect(text).toMatch(/^trimtab_http_connections_dropped_total 8$/m);
  });

  test("a request that is worked on keeps its connection, whoever comes", async () => {
    const t = await start({ limits: long });
    const write = t.store.write.bind(t.store);
    const gate = Promise.withResolvers<void>();
    t.store.write = (async (request: Parameters<typeof write>[0]) => {
      await gate.promise;
      return write(request);
    }) as typeof write;
    const address = await t.api.listen("127.0.0.1:0");
    const body = JSON.stringify(blue);
    const { socket, received } = await dial(address);
    socket.write(head("PUT /v1/clusters/blue", "Content-Type: application/json", `Content-Length: ${body.length}`));
    socket.write(body);
    await sleep(100);
    for (let count = 0; count < 12; count++) await dial(address);
    expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
    gate.resolve();
    await once(socket, "data");
    expect(received()).toMatch(/^HTTP\/1\.1 201 /);
  });

  test("a slow upload of a client with the token keeps its connection, however many strangers come", async () => {
    const t = await start({ apiToken: "s3cret-token", limits: { ...long, connections: 8 } });
    const address = await t.api.listen("127.0.0.1:0");
    const body = JSON.stringify(blue);
    const { socket, received } = await dial(address);
    const fields = ["Content-Type: application/json", `Content-Length: ${body.length}`];
    socket.write(head("PUT /v1/clusters/blue", "Authorization: Bearer s3cret-token", ...fields));
    const stranger = await dial(address);
    stranger.socket.write(head("PUT /v1/clusters/blue", "Authorization: Bearer wrong", ...fields));
    for (const [index, character] of [...body].entries()) {
      if (index % 8 === 0) for (let count = 0; count < 10; count++) await dial(address);
      socket.write(character);
    }
    if (received() === "") await once(socket, "data");
    expect(received()).toMatch(/^HTTP\/1\.1 201 /);
    expect(stranger.socket.closed).toBe(true);
  });

  test("connections that carried the token leave room for new ones", async () => {
    const t = await start({ apiToken: "s3cret-token", limits: { ...long, connections: 8 } });
    const address = await t.api.listen("127.0.0.1:0");
    const read = head("GET /v1/config", "Authorization: Bearer s3cret-token");
    for (let count = 0; count < 20; count++) {
      const { socket, received } = await dial(address);
      socket.write(read);
      await once(socket, "data");
      expect(received()).toMatch(/^HTTP\/1\.1 200 /);
    }
  });

  test("who is refused before the body came does not keep the connection, and reads why", async () => {
    const t = await start({ apiToken: "s3cret-token", limits: { ...long, connections: 50 } });
    const address = await t.api.listen("127.0.0.1:0");
    const put = head("PUT /v1/clusters/blue", "Content-Type: application/json", "Content-Length: 500000");
    const slow = await dial(address);
    slow.socket.write(`${put}{`);
    const whole = await dial(address);
    whole.socket.write(put + " ".repeat(500_000));
    const began = performance.now();
    await once(slow.socket, "close");
    expect(performance.now() - began).toBeLessThan(5000);
    expect(slow.received()).toMatch(/^HTTP\/1\.1 401 /);
    expect(slow.received()).toMatch(/\r\nconnection: close\r\n/i);
    expect(whole.received()).toMatch(/^HTTP\/1\.1 401 /);
    expect(whole.received()).not.toMatch(/connection: close/i);
    whole.socket.write(head("GET /healthz"));
    await once(whole.socket, "data");
    expect(whole.received()).toContain("HTTP/1.1 200 ");
  });

  test("half-open clients do not keep the server from closing", async () => {
    const t = await start({ limits });
    const address = await t.api.listen("127.0.0.1:0");
    const late = await dial(address);
    late.socket.write("GET /");
    const began = performance.now();
    await t.api.close();
    expect(performance.now() - began).toBeLessThan(3500);
  });

  test("what is no HTTP, and headers that are too large, get a problem", async () => {
    const t = await start({ limits });
    const address = await t.api.listen("127.0.0.1:0");
    for (const [bytes, status, code] of [
      ["\x16\x03\x01 hello\r\n\r\n", 400, "API-BAD-REQUEST"],
      [head("GET /healthz", `X-Large: ${"x".repeat(defaultLimits.headerBytes)}`), 431, "API-HEADERS-TOO-LARGE"],
    ] as const) {
      const { socket, received } = await dial(address);
      socket.write(bytes);
      await once(socket, "close");
      expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(received()).toContain(code);
    }
  });
});

describe("fleets", () => {
  const generation = "0123456789abcdef";
  const files = [
    { path: "nginx.conf", text: "events {}\n", mode: 0o644 },
    { path: "maps/a.map", text: "ü\n", mode: 0o600 },
  ];

  test("files as JSON and as a tar that is the same every time, with the generation as ETag", async () => {
    const t = await start();
    await t.call("PUT", "/v1/config", { body: model });
    t.publisher.output = { fleet: "legacy", proxy: "nginx", revision: 1, generation, files, sockets: [] };
    const json = await t.call("GET", "/v1/fleets/legacy/files");
    expect(json).toMatchObject({ status: 200, headers: { etag: `"${generation}"` } });
    expect(json.body).toEqual(t.publisher.output);
    expect(
      (await t.call("GET", "/v1/fleets/legacy/files", { headers: { "if-none-match": `"${generation}"` } })).status,
    ).toBe(304);
    const tars: Buffer[] = [];
    for (const [url, accept] of [
      ["/v1/fleets/legacy/files?format=tar", "*/*"],
      ["/v1/fleets/legacy/files", "application/x-tar"],
    ] as const) {
      const response = await t.app.inject({ url, headers: { accept } });
      expect(response.headers).toMatchObject({ "content-type": "application/x-tar", etag: `"${generation}"` });
      tars.push(response.rawPayload);
      t.publisher.output = { ...t.publisher.output, files: [...files].reverse() };
    }
    expect(tars[0]?.equals(tars[1] as Buffer)).toBe(true);
    const listing = execFileSync("tar", ["--utc", "--full-time", "-tvf", "-"], {
      input: tars[0] as Buffer,
      encoding: "utf8",
    });
    expect(
      listing
        .trim()
        .split("\n")
        .map((line) => line.replace(/\s+/g, " ")),
    ).toEqual(["-rw------- 0/0 3 1970-01-01 00:00:00 maps/a.map", "-rw-r--r-- 0/0 10 1970-01-01 00:00:00 nginx.conf"]);
    expect(execFileSync("tar", ["-xOf", "-", "maps/a.map"], { input: tars[0] as Buffer, encoding: "utf8" })).toBe(
      "ü\n",
    );
  });

  test("no such fleet, an Envoy fleet, a fleet that is not rendered yet", async () => {
    const t = await start();
    await t.call("PUT", "/v1/config", { body: model });
    const get = async (name: string): Promise<unknown> => {
      const { status, body } = await t.call("GET", `/v1/fleets/${name}/files`);
      return [status, body.code];
    };
    expect(await get("nope")).toEqual([404, "API-NOT-FOUND"]);
    expect(await get("edge")).toEqual([409, "API-NO-FILES"]);
    expect(await get("legacy")).toEqual([503, "API-NOT-READY"]);
    expect((await t.call("GET", "/v1/fleets/edge/proxies")).body).toEqual({ items: [] });
    expect((await t.call("GET", "/v1/fleets/nope/proxies")).status).toBe(404);
    expect((await t.call("GET", "/v1/fleets/nope/status")).status).toBe(404);
  });

  test("what cannot be made is told: where its files are asked for, in its status, in readiness and in metrics", async () => {
    const t = await start();
    await t.call("PUT", "/v1/config", { body: model });
    const error = { code: "FLEET-NOT-RENDERED", message: "broke", revision: 7, since: "2026-01-02T03:04:05Z" };
    const shape = {
      fleet: "legacy",
      state: "failed",
      revision: 8,
      publishedRevision: null,
      error,
      listeners: [],
    } as const;
    let told: FleetStatus = shape;
    t.publisher.status = (name) => (name === "legacy" ? told : null);
    t.publisher.statuses = () => [told];
    expect(await t.call("GET", "/v1/fleets/legacy/files")).toMatchObject({
      status: 503,
      body: { code: "API-FLEET-FAILED", detail: expect.stringMatching(/revision 7 .*FLEET-NOT-RENDERED: broke/) },
    });
    expect((await t.call("GET", "/v1/fleets/legacy/status")).body).toEqual(shape);
    expect((await t.call("GET", "/v1/fleets/nope/status")).status).toBe(404);
    expect((await t.call("GET", "/readyz")).body).not.toHaveProperty("fleets");
    expect((await t.call("GET", "/readyz?verbose")).body.fleets).toEqual([shape]);
    told = { ...shape, publishedRevision: 6 };
    t.publisher.output = { fleet: "legacy", proxy: "nginx", revision: 6, generation: "g", files: [], sockets: [] };
    const good = await t.call("GET", "/v1/fleets/legacy/files");
    expect(good).toMatchObject({ status: 200, body: { revision: 6, error } });
    expect(good.headers["trimtab-last-good"]).toBe("revision 6; revision 7 failed");
  });

  test("names of fleets are for who has the token; the plain probe needs none", async () => {
    const t = await start({ apiToken: "secret" });
    expect((await t.call("GET", "/readyz")).status).toBe(200);
    expect((await t.call("GET", "/readyz?verbose")).status).toBe(401);
  });

  test("an explanation that would take long is refused", async () => {
    const t = await start();
    // biome-ignore lint/correctness/useYield: it fails in its first step
    t.publisher.explain = function* () {
      throw new MatchTooLongError("the regular expressions take too long");
    };
    expect(await t.call("POST", "/v1/explain", { body: { fleet: "edge", host: "x", path: "/" } })).toMatchObject({
      status: 422,
      body: {
        code: "API-TOO-LONG-TO-EXPLAIN",
        detail: "the regular expressions take too long; ask with a shorter one",
      },
    });
  });

  test("explain passes on the request and its answer; what is misshapen is told whole", async () => {
    const t = await start();
    await t.call("PUT", "/v1/config", { body: model });
    const body = { fleet: "edge", host: "shop.example", path: "/a?b" };
    expect(await t.call("POST", "/v1/explain", { body })).toMatchObject({
      status: 200,
      body: { host: "shop.example" },
    });
    expect(await t.call("POST", "/v1/explain", { body: { ...body, fleet: "nope" } })).toMatchObject({ status: 404 });
    expect(await t.call("POST", "/v1/explain", { body: { ...body, fleet: "legacy" } })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "/port" }] },
    });
    const bad = await t.call("POST", "/v1/explain", {
      body: { fleet: "edge", path: 1, method: "get it", x: 1, headers: [["a"]] },
    });
    expect(bad.status).toBe(422);
    expect(bad.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      "/headers/0",
      "/host",
      "/method",
      "/path",
      "/x",
    ]);
  });
});

describe("system", () => {
  test("ready means: what was stored at the start is published", async () => {
    const t = await start();
    expect((await t.call("GET", "/healthz")).body).toEqual({ status: "ok" });
    expect(await t.call("GET", "/readyz")).toMatchObject({ status: 200 });
    await t.call("PUT", "/v1/clusters/blue", { body: blue });
    expect(await t.call("GET", "/readyz")).toMatchObject({ status: 200, body: { revision: 1, publishedRevision: 0 } });
    const late = await start({ store: t.store });
    expect(await late.call("GET", "/readyz")).toMatchObject({ status: 503, body: { code: "API-NOT-READY" } });
    late.publisher.published = 1;
    expect(await late.call("GET", "/readyz")).toMatchObject({ status: 200 });
  });

  test("metrics count writes that the disk refused", async () => {
    const t = await start();
    const { text } = await (await start({ store: { ...t.store, writeFailures: () => 384 } })).call("GET", "/metrics");
    expect(text).toContain("\ntrimtab_store_write_failures_total 384\n");
  });

  test("metrics count by pattern, not by URL", async () => {
    const t = await start();
    await t.call("PUT", "/v1/clusters/blue", { body: blue });
    await t.call("GET", "/v1/clusters/stranger");
    await t.call("GET", "/stranger");
    const { text, headers } = await t.call("GET", "/metrics");
    expect(headers["content-type"]).toContain("text/plain");
    expect(text).toContain(
      'trimtab_http_request_duration_seconds_count{method="GET",route="/v1/clusters/:name",status="404"} 1',
    );
    expect(text).toContain('route="none"');
    expect(text).toMatch(/^trimtab_revision 1$/m);
    expect(text).not.toContain("stranger");
  });

  test("OpenAPI 3.1 describes every path, and every reference resolves", async () => {
    const t = await start();
    const { body } = await t.call("GET", "/openapi.json");
    expect(body.openapi).toBe("3.1.0");
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining([
        "/v1/config",
        "/v1/config/apply",
        "/v1/explain",
        "/v1/revisions/{revision}/restore",
        "/v1/fleets/{name}/files",
        "/v1/canaries/{name}",
      ]),
    );
    expect(Object.keys(body.paths["/v1/routes/{name}"]).sort()).toEqual(["delete", "get", "patch", "put"]);
    expect(body.paths["/v1/routes/{name}"].put.requestBody.content["application/json"].schema.$ref).toBe(
      "#/components/schemas/Route",
    );
    type Operation = { operationId?: string; parameters?: { in: string; name: string }[] };
    const operations = Object.values(body.paths as Record<string, Record<string, Operation>>).flatMap(Object.values);
    const ids = operations.map(({ operationId }: Operation) => operationId);
    expect(ids).toEqual(expect.arrayContaining(["putRoute", "listHealthChecks", "applyConfig", "restoreRevision"]));
    expect(ids).not.toContain(undefined);
    expect(new Set(ids).size).toBe(ids.length);
    const headersOf = (operation: Operation): string[] =>
      (operation.parameters ?? []).filter((parameter) => parameter.in === "header").map(({ name }) => name);
    const written = ["If-Match", "If-None-Match", "Trimtab-Author", "Trimtab-Message"];
    expect(headersOf(body.paths["/v1/routes/{name}"].get)).toEqual(["If-None-Match"]);
    expect(body.paths["/v1/routes/{name}"].get.responses["200"].headers.ETag.schema.type).toBe("string");
    for (const method of ["put", "patch", "delete"])
      expect(headersOf(body.paths["/v1/routes/{name}"][method])).toEqual(written);
    for (const [path, method] of [
      ["/v1/config", "put"],
      ["/v1/config/apply", "post"],
      ["/v1/revisions/{revision}/restore", "post"],
    ] as const)
      expect(headersOf(body.paths[path][method])).toEqual(written);
    const references = [...JSON.stringify(body).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, reference]) => reference as string,
    );
    expect(references.length).toBeGreaterThan(50);
    for (const reference of new Set(references)) {
      const found = reference
        .slice(2)
        .split("/")
        .reduce<Record<string, unknown> | undefined>(
          (node, key) => node?.[key] as Record<string, unknown> | undefined,
          body,
        );
      expect([reference, typeof found]).toEqual([reference, "object"]);
    }
    expect((await t.call("GET", "/docs/")).text).toContain("swagger-ui");
  });
});
