/** A real nginx for tests: files in a temporary folder, ephemeral ports, raw requests; ended by its own process handle. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RenderedFile } from "../target.ts";

export { freePorts } from "../../util/testingPorts.ts";

/** Debian's folder of dynamic modules; a dangling link elsewhere harms nobody. */
const MODULES = "/usr/lib/nginx/modules";
/** As much as a crowded machine may need, and less than a hook may take. */
const START_TIMEOUT_MS = 50_000;
const ANSWER_TIMEOUT_MS = 5_000;

export interface RunningNginx {
  /** What nginx wrote to stderr so far. */
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

/** Starts nginx on files (a text is `nginx.conf`) and waits until `port` answers. */
export async function startNginx(files: string | readonly RenderedFile[], port: number): Promise<RunningNginx> {
  const folder = mkdtempSync(join(tmpdir(), "trimtab-test-nginx-"));
  const all = typeof files === "string" ? [{ path: "nginx.conf", text: files }] : files;
  for (const { path, text } of all) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  mkdirSync(join(folder, "local"));
  symlinkSync(MODULES, join(folder, "modules"));
  const globals = "daemon off; pid nginx.pid; error_log stderr warn;";
  const child = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr", "-g", globals], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (piece) => {
    log += piece;
  });
  await untilListening(port, child, () => log);
  const stop = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { log: () => log, stop };
}

async function untilListening(port: number, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (isUp) return;
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`nginx did not start: ${log()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface Answer {
  readonly status: number;
  /** Lower-case names; repeated fields in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly header: (name: string) => string | undefined;
  readonly body: string;
}

/** Sends bytes on a connection of their own and reads one answer to its end (by length, chunks or close). */
export function exchange(port: number, request: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received = Buffer.alloc(0);
    const finish = (): void => {
      const answer = parseAnswer(received, true);
      if (answer === null) reject(new Error(`no answer: ${received.toString("latin1").slice(0, 200)}`));
      else resolve(answer);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error("no answer in time")));
    socket.on("data", (piece: Buffer) => {
      received = Buffer.concat([received, piece]);
      const answer = parseAnswer(received, false);
      if (answer === null) return;
      resolve(answer);
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("end", finish);
    socket.write(request);
  });
}

/** `GET /x` to `host`, with further header lines. */
export function request(line: string, host: string, headers: readonly string[] = []): string {
  return [`${line} HTTP/1.1`, `Host: ${host}`, "Connection: close", ...headers, "", ""].join("\r\n");
}

function parseAnswer(received: Buffer, isClosed: boolean): Answer | null {
  const text = received.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^ +| +$/g, "")] as const;
  });
  const header = (name: string) => headers.find(([found]) => found === name)?.[1];
  const rest = received.subarray(end + 4);
  const isChunked = header("transfer-encoding") === "chunked";
  const length = header("content-length");
  const isWhole =
    isClosed ||
    (isChunked ? rest.toString("latin1").endsWith("0\r\n\r\n") : rest.length >= Number(length ?? "Infinity"));
  if (!isWhole) return null;
  const body = isChunked ? unchunk(rest.toString("utf8")) : rest.toString("utf8");
  return { status: Number(first.split(" ")[1]), headers, header, body };
}

function unchunk(text: string): string {
  return text.replace(/[0-9a-f]+\r\n([\s\S]*?)\r\n/g, "$1");
}

/** A backend that answers with its name and what it was sent; `/hang`, `/reset`, `/garbage` and `/etag` misbehave as they say. */
export async function startBackend(
  name: string,
): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let received = "";
    socket.on("data", (piece) => {
      received += piece.toString("latin1");
      for (let end = received.indexOf("\r\n\r\n"); end >= 0; end = received.indexOf("\r\n\r\n")) {
        const length = /^content-length: (\d+)$/im.exec(received.slice(0, end))?.[1];
        const next = end + 4 + Number(length ?? 0);
        if (received.length < next) return;
        reply(name, received.slice(0, next).trimEnd(), socket);
        received = received.slice(next);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as { port: number }).port, stop };
}

function reply(name: string, asked: string, socket: Socket): void {
  const path = asked.split(" ")[1] ?? "";
  if (path.includes("/hang")) return;
  if (path.includes("/reset")) {
    socket.resetAndDestroy();
    return;
  }
  if (path.includes("/bad502")) {
    socket.write("HTTP/1.1 502 Mine\r\nContent-Length: 4\r\n\r\nmine");
    return;
  }
  if (/^upgrade: websocket$/im.test(asked)) {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    socket.removeAllListeners("data");
    socket.on("data", (piece) => socket.write(piece));
    return;
  }
  const body = `${name}\n${asked.replaceAll("\r\n", "\n")}\n`;
  const fields = [
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Server: backend",
    'ETag: "own"',
    "X-Accel-Redirect: /x",
    "X-R: 1",
  ];
  socket.write(`HTTP/1.1 200 OK\r\n${fields.join("\r\n")}\r\n\r\n${asked.startsWith("HEAD") ? "" : body}`);
}
