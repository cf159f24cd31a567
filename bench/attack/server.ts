/** The built server as a child process: started for one attack, watched, asked afterwards what it kept. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import type { Server } from "./types.ts";

/** What every client carries. */
export const TOKEN = "the-token-of-the-attacked-server";

const MAIN = join(import.meta.dirname, "../../dist/main.js");
/** A start of an empty store takes half a second. */
const START_MS = 30_000;
/** Who waits longer for an answer has none. */
const ANSWER_MS = 120_000;

/** A server that runs, or ran. */
export interface Started extends Server {
  /** How it ended, when it did. */
  readonly ended: () => string | null;
  /** Resident memory now, in bytes; 0 when it has ended. */
  readonly memory: () => number;
  stop(): Promise<void>;
}

/** Starts one with an empty store. */
export async function startServer(): Promise<Started> {
  const dir = mkdtempSync(join(tmpdir(), "trimtab-attack-"));
  const tokenFile = join(dir, "token");
  writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
  const args = ["serve", "--data", join(dir, "data"), "--http", "127.0.0.1:0", "--xds", "127.0.0.1:0"];
  const child = spawn(process.execPath, [MAIN, ...args, "--api-token-file", tokenFile], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let ended: string | null = null;
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = `${errors}${String(chunk)}`.slice(-2000);
  });
  child.once("exit", (code, signal) => {
    ended = `${signal ?? code}: ${errors.trim()}`;
  });
  const url = await addressOf(child);
  const pid = child.pid as number;
  return {
    url,
    pid,
    dir: join(dir, "data"),
    call: (...[method, path, body, headers]) => call(url, { method, path, body, headers }),
    ended: () => ended,
    memory: () => (ended === null ? residentBytes(pid) : 0),
    async stop() {
      if (ended === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** What the server says of itself when it listens. */
async function addressOf(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = (await once(lines, "line", { signal: AbortSignal.timeout(START_MS) })) as [string];
  const url = /http:\/\/[\d.]+:\d+/.exec(line)?.[0];
  if (url === undefined) throw new Error(`the server says: ${line}`);
  return url;
}

function residentBytes(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string | Buffer | undefined;
  readonly headers?: Record<string, string> | undefined;
}

function call(url: string, { method, path, body, headers }: Call): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const sent = request(`${url}${path}`, {
      method,
      agent: false,
      headers: { authorization: `Bearer ${TOKEN}`, ...type, ...length, ...headers },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    sent.once("response", (answer) => {
      text(answer).then((all) => resolve({ status: answer.statusCode as number, text: all }), reject);
    });
    // An answer may come before all was sent, and the rest is not wanted then: only without an answer is that an error.
    sent.on("error", reject);
    sent.end(body);
  });
}
