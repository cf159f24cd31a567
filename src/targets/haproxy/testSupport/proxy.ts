/** Real HAProxy processes for this target's tests: on loopback, on free ports, ended by their own pid. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RenderedFiles } from "../../target.ts";

export { freePorts } from "../../../util/testingPorts.ts";

/** As much as a crowded machine may need, and less than a hook may take. */
const START_TIMEOUT_MS = 50_000;

/** A process of ours; `stop` ends it and removes its folder. */
export interface RunningProxy {
  readonly folder: string;
  readonly stop: () => Promise<void>;
}

/** Writes the files and an agent-like second configuration, starts HAProxy, and waits until `port` takes connections. */
export async function startProxy(
  files: readonly { path: string; text: string }[],
  port: number,
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), "haproxy-test-"));
  writeFiles(folder, files);
  const second = `global\n  description test-generation\n  stats socket ${join(folder, "stats.sock")} mode 600\n`;
  writeFiles(folder, [{ path: "local/agent.cfg", text: second }]);
  const argv = ["-f", folder, "-f", join(folder, "local/agent.cfg")];
  const child = spawn("haproxy", argv, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (output += data));
  const stop = async (): Promise<void> => {
    await stopChild(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`HAProxy did not start: ${output}`);
    }
    await sleep(20);
  }
  return { folder, stop };
}

/** Writes files below a folder. */
export function writeFiles(folder: string, files: readonly { path: string; text: string }[]): void {
  for (const { path, text } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** A rendering as `startProxy` takes it. */
export function filesOf(rendered: { readonly kind: string }): RenderedFiles["files"] {
  if (rendered.kind !== "files") throw new Error("not files");
  return (rendered as RenderedFiles).files;
}

/** Waits. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** A TCP server on a free loopback port. Half-closed connections stay open. */
export function listen(take: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      take(socket);
    });
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}

/** An HTTP/1 answer as it came, and its parts. */
export interface Answer {
  readonly raw: string;
  readonly status: number;
  /** Lower-case names; repeated fields joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends raw bytes on a new connection to a loopback port or a socket file, and reads until the peer closes. */
export function exchange(peer: number | string, raw: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = typeof peer === "string" ? connect(peer) : connect({ host: "127.0.0.1", port: peer });
    const parts: Buffer[] = [];
    socket.setTimeout(15_000, () => socket.destroy(new Error("no answer in 15 s")));
    socket.on("data", (data) => parts.push(data));
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(parts).toString("utf8")));
    socket.write(raw);
  });
}

/** What differs between requests; an empty host sends no Host line. */
export interface Ask {
  readonly method?: string;
  readonly host?: string;
  /** Whole lines, as `X-A: b`. */
  readonly headers?: readonly string[];
  readonly version?: "1.0" | "1.1";
}

/** One request on a connection of its own. */
export async function ask(port: number, target: string, { method, host, headers, version }: Ask = {}): Promise<Answer> {
  const lines = [
    `${method ?? "GET"} ${target} HTTP/${version ?? "1.1"}`,
    ...(host === "" ? [] : [`Host: ${host ?? "a.test"}`]),
    ...(headers ?? []),
    "Connection: close",
  ];
  return parseAnswer(await exchange(port, `${lines.join("\r\n")}\r\n\r\n`));
}

/** Takes an answer apart. */
export function parseAnswer(raw: string): Answer {
  const [head = "", ...rest] = raw.split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  return { raw, status: Number(statusLine.split(" ")[1] ?? 0), headers, body: rest.join("\r\n\r\n") };
}

/** An upstream that says what it was asked, as JSON, and closes. */
export function echoUpstream(name: string): Promise<Server> {
  return listen((socket) => {
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      const [head = ""] = text.split("\r\n\r\n");
      const [requestLine, ...headers] = head.split("\r\n");
      const body = JSON.stringify({ name, requestLine, headers });
      socket.end(
        `HTTP/1.1 200 OK\r\nX-Up: ${name}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
    });
  });
}
