import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type HealthCheckIr, MAX_ANSWER_BYTES } from "../../ir/index.ts";
import { freePort } from "../testSupport.ts";
import { probe } from "./probe.ts";
import { check, httpCheck } from "./testSupport.ts";

const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket.on("error", () => undefined).on("close", () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const ask = (port: number, own: HealthCheckIr): Promise<string | null> =>
  probe({ address: "127.0.0.1", port }, own, null);

describe("tcp", () => {
  const serve = (answer: (socket: Socket) => void): Promise<number> => listening(createServer(answer));
  const talk = (send: string | null, expect: string | null): HealthCheckIr => check({ tcp: { send, expect } });

  test("passes where a connection can be made, at the check's own port", async () => {
    const port = await serve(() => undefined);
    expect(await ask(port, check())).toBeNull();
    const closed = await freePort();
    expect(await ask(closed, check())).toBe("the connection was refused");
    expect(await ask(closed, check({ port }))).toBeNull();
  });

  test("sends, and finds the text wherever it stands in what comes", async () => {
    const port = await serve((socket) => {
      socket.on("data", (chunk) => {
        socket.write(`-- ${String(chunk).slice(0, 2)}`);
        setImmediate(() => socket.write("NG and more"));
      });
    });
    expect(await ask(port, talk("PO\r\n", "PONG"))).toBeNull();
    expect(await ask(port, check({ timeoutMs: 60, tcp: { send: "X", expect: "PONG" } }))).toBe(
      "no answer within 60 ms",
    );
  });

  test("an end without the text fails at once, and so does more than is looked at", async () => {
    const port = await serve((socket) => socket.end("no"));
    expect(await ask(port, talk(null, "yes"))).toMatch(/closed the connection/);
    const long = await serve((socket) => socket.write(`${"x".repeat(MAX_ANSWER_BYTES)}yes`));
    expect(await ask(long, talk(null, "yes"))).toMatch(/not in what it sent first/);
  });
});

test("a process that is held up does not blame the endpoint", async () => {
  const server = createServer((socket) => socket.once("data", () => setTimeout(() => socket.write("PONG"), 5)));
  const port = await listening(server);
  const asked = ask(port, check({ timeoutMs: 40, tcp: { send: "PING", expect: "PONG" } }));
  await new Promise((resolve) => setTimeout(resolve, 1));
  const end = performance.now() + 200;
  while (performance.now() < end);
  expect(await asked).toBeNull();
});

describe("http", () => {
  const serve = (answer: RequestListener): Promise<number> => listening(createHttpServer(answer));

  test("asks as the check says, and takes expected statuses only", async () => {
    let asked = "";
    const port = await serve((request, answer) => {
      asked = `${request.method} ${request.url} ${request.rawHeaders.join("|")}`;
      answer.writeHead(Number(request.headers["x-status"] ?? 204)).end();
    });
    const with_ = (status: string) => httpCheck({ headers: [{ name: "x-Status", value: status }], method: "HEAD" });
    expect(await ask(port, with_("299"))).toBeNull();
    expect(asked).toBe("HEAD /health Host|a.test|x-Status|299|Connection|close");
    expect(await ask(port, with_("300"))).toBe("status 300");
    expect(await ask(port, httpCheck({ expectedStatus: [{ low: 204, high: 204 }] }))).toBeNull();
  });

  test("looks for the text in the beginning of the body, and reads no more", async () => {
    const port = await serve(({ url }, answer) => {
      if (url === "/endless") {
        const more = (): void => void (answer.destroyed || answer.write("x".repeat(1_000), () => setImmediate(more)));
        more();
      } else answer.end("all is well");
    });
    expect(await ask(port, httpCheck({ bodyContains: "is w" }))).toBeNull();
    expect(await ask(port, httpCheck({ bodyContains: "wrong" }))).toBe("the expected text is not in the body");
    const endless = httpCheck({ path: "/endless", bodyContains: "wrong" });
    expect(await ask(port, endless)).toBe("the expected text is not in the beginning of the body");
    expect(await ask(port, httpCheck({ bodyRegex: "i. w[a-f]" }))).toBeNull();
    expect(await ask(port, httpCheck({ bodyRegex: "i. x" }))).toBe("the expected text is not in the body");
    const endlessRegex = httpCheck({ path: "/endless", bodyRegex: "x.y" });
    expect(await ask(port, endlessRegex)).toBe("the expected text is not in the beginning of the body");
  });

  test("an expression is found in a body that comes in pieces, also over a line's end", async () => {
    const port = await listening(
      createHttpServer(async (_, answer) => {
        for (const piece of ["status:", "\n", "u", "p"]) {
          answer.write(piece);
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        answer.end();
      }),
    );
    expect(await ask(port, httpCheck({ bodyRegex: "status:.up" }))).toBeNull();
  });

  test("what is no HTTP, an endless head, and silence fail", async () => {
    const rubbish = await listening(createServer((socket) => socket.end("SSH-2.0-x\r\n")));
    expect(await ask(rubbish, httpCheck())).toMatch(/HPE_/);
    const head = await listening(
      createServer((socket) => socket.write(`HTTP/1.1 200 OK\r\n${`a: ${"x".repeat(900)}\r\n`.repeat(40)}`)),
    );
    expect(await ask(head, httpCheck())).toBe("HPE_HEADER_OVERFLOW");
    const silent = await listening(createServer(() => undefined));
    expect(await ask(silent, { ...httpCheck(), timeoutMs: 60 })).toBe("no answer within 60 ms");
  });
});

describe("http over HTTP/2", () => {
  const http2 = (more: Parameters<typeof httpCheck>[0] = {}) => httpCheck({ protocol: "http2", ...more });

  test("asks as the check says, and judges status and body", async () => {
    let asked = "";
    const server = createHttp2Server();
    server.on("stream", (stream: ServerHttp2Stream, head) => {
      asked = [":method", ":path", ":authority", "x-a"].map((name) => String(head[name])).join(" ");
      stream.respond({ ":status": String(head[":path"]) === "/health" ? 200 : 303 });
      stream.end("all is well");
    });
    const port = await listening(server as unknown as Server);
    expect(await ask(port, http2({ headers: [{ name: "x-a", value: "b" }] }))).toBeNull();
    expect(asked).toBe("GET /health a.test b");
    expect(await ask(port, http2({ bodyContains: "is w" }))).toBeNull();
    expect(await ask(port, http2({ bodyContains: "wrong" }))).toBe("the expected text is not in the body");
    expect(await ask(port, http2({ path: "/moved" }))).toBe("status 303");
  });

  test("what speaks HTTP/1.1, and nobody, fail", async () => {
    const port = await listening(createHttpServer((_, answer) => answer.end()));
    expect(await ask(port, http2())).not.toBeNull();
    expect(await ask(await freePort(), http2())).toBe("the connection was refused");
  });
});

describe("grpc", () => {
  const own = (service = ""): HealthCheckIr => check({ kind: "grpc", tcp: null, grpc: { service } });
  const serve = (answer: (stream: ServerHttp2Stream, request: Buffer) => void): Promise<number> => {
    const server = createHttp2Server();
    server.on("stream", (stream) => {
      stream.on("error", () => undefined);
      stream.once("data", (chunk: Buffer) => answer(stream, chunk));
    });
    return listening(server as unknown as Server);
  };
  const reply = (stream: ServerHttp2Stream, bytes: readonly number[], status = "0"): void => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
    stream.end(Buffer.from([0, 0, 0, 0, bytes.length, ...bytes]));
  };

  test("SERVING passes, of the service that was asked for; anything else fails", async () => {
    const port = await serve((stream, request) => {
      const service = request.subarray(7).toString();
      reply(stream, service === "down" ? [8, 2] : [8, 1], service === "error" ? "14" : "0");
    });
    expect(await ask(port, own())).toBeNull();
    expect(await ask(port, own("shop.v1.Cart"))).toBeNull();
    expect(await ask(port, own("down"))).toBe("it does not say SERVING");
    expect(await ask(port, own("error"))).toBe("gRPC status 14");
  });

  test("a server that has no such service, that is no gRPC, that floods, or that closes fails", async () => {
    const none = await serve((stream) => stream.respond({ ":status": 200, "grpc-status": "5" }, { endStream: true }));
    expect(await ask(none, own("x"))).toBe("gRPC status 5");
    const web = await serve((stream) => stream.respond({ ":status": 404 }, { endStream: true }));
    expect(await ask(web, own())).toBe("status 404");
    const flood = await serve((stream) => {
      stream.respond({ ":status": 200 });
      stream.write(Buffer.alloc(100_000));
    });
    expect(await ask(flood, own())).toBe("the answer is no health status");
    const closing = await listening(createServer((socket) => socket.destroy()));
    expect(await ask(closing, own())).toMatch(/closed|reset/);
    expect(await ask(await freePort(), own())).toBe("the connection was refused");
  });
});
