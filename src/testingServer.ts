/** For tests: `trimtab serve` as a process, its log line by line, and what it answers. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";

/** Processes take a second to start, many times that on a busy machine. */
const PATIENCE = { timeout: 60_000 };

export interface TestServer {
  readonly url: string;
  readonly xds: string;
  /** All that it wrote, on both streams. */
  output(): string;
  /** Lines of the log as objects, of this event or all. */
  lines(event?: string): Record<string, unknown>[];
  /** Waits until there is one. */
  line(event: string, fields?: Record<string, unknown>): Promise<Record<string, unknown>>;
  call(method: string, path: string, more?: { body?: unknown; headers?: Record<string, string> }): Promise<Answered>;
  /** The process. */
  readonly pid: number;
  /** SIGTERM, or another signal; gives the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface Answered {
  readonly status: number;
  readonly text: string;
}

/** A folder for one server's data and files; `file` writes one for its owner alone. */
export function openFolder(): { readonly dir: string; file(name: string, text: string): string; close(): void } {
  const dir = mkdtempSync(join(tmpdir(), "trimtab-server-"));
  return {
    dir,
    file(name, text) {
      writeFileSync(join(dir, name), text, { mode: 0o600 });
      return join(dir, name);
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** `headers` go with every call. */
export async function startTestServer(
  dir: string,
  flags: readonly string[] = [],
  headers: Record<string, string> = {},
): Promise<TestServer> {
  const sockets = ["--http", "127.0.0.1:0", "--xds", "127.0.0.1:0"];
  const args = [join(import.meta.dirname, "main.ts"), "serve", "--data", join(dir, "data"), ...sockets, ...flags];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.on("data", (part) => out.push(String(part)));
  child.stderr.on("data", (part) => err.push(String(part)));
  const closed = once(child, "close");
  try {
    await vi.waitFor(() => expect(out.join("")).toMatch(/REST API on \S+, xDS on \S+,? .*\n/), PATIENCE);
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`the server does not start: ${err.join("")}`, { cause: error });
  }
  const [, url, xds] = /REST API on (http:[^,\s]+), xDS on ([^,\s]+)/.exec(out.join("")) as unknown as string[];
  const lines = (event?: string): Record<string, unknown>[] =>
    err
      .join("")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => event === undefined || line.event === event);
  return {
    url: url as string,
    xds: xds as string,
    output: () => out.join("") + err.join(""),
    lines,
    async line(event, fields = {}) {
      const found = (): unknown => lines(event).find((line) => matches(line, fields)) ?? lines(event).at(-1) ?? null;
      await vi.waitFor(() => expect(found()).toMatchObject({ event, ...fields }), PATIENCE);
      return found() as Record<string, unknown>;
    },
    async call(method, path, { body, headers: more } = {}) {
      const type = body === undefined ? {} : { "content-type": "application/json" };
      const init = { method, headers: { ...type, ...headers, ...more } };
      const answer = await fetch(url + path, body === undefined ? init : { ...init, body: JSON.stringify(body) });
      return { status: answer.status, text: await answer.text() };
    },
    pid: child.pid as number,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      await closed;
      return child.exitCode;
    },
  };
}

function matches(line: Record<string, unknown>, fields: Record<string, unknown>): boolean {
  return Object.entries(fields).every(([key, value]) => JSON.stringify(line[key]) === JSON.stringify(value));
}
