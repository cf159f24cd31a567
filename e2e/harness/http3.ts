/** A client of HTTP/3 (aioquic, which set-up has fetched): a Python program that does what it is told. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ShownByClient } from "./clientCertificates.ts";
import { repositoryRoot } from "./program.ts";
import type { RawResponse, SocketAddress } from "./rawHttp.ts";

/** A handshake, by which the connection is known from then on. */
export interface Hello extends SocketAddress {
  readonly connection: string;
  /** Null: none is asked for. */
  readonly serverName: string | null;
  /** The client's own address. */
  readonly from?: string | undefined;
  /** How long it may take; default: 5. */
  readonly seconds?: number | undefined;
  /** A connection whose session is to be resumed. */
  readonly resumes?: string;
  /** The client's certificate, where it is asked for one. */
  readonly shown?: ShownByClient;
}

/** What came of it; `shown`: CN of the certificate, null where a session was resumed. */
export interface Shaken {
  readonly shown: string | null;
  readonly resumed: boolean;
  readonly alpn: string;
}

/** A request. */
export interface Asked {
  readonly authority: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
  /** The end of the body never comes. */
  readonly unfinished?: boolean;
}

/** An answer, or the code with which the other side has cancelled the request; -1: the connection is gone. */
export interface Answered extends Pick<RawResponse, "status" | "headers" | "body"> {
  readonly trailers: RawResponse["headers"];
  readonly reset: number | null;
}

export interface Http3Client {
  /** Null: there was no handshake. */
  readonly open: (hello: Hello) => Promise<Shaken | null>;
  readonly ask: (connection: string, asked: Asked) => Promise<Answered>;
  /** The head is all but its last byte. */
  readonly askHalf: (connection: string, asked: Asked) => Promise<Answered>;
  /** So many requests, each cancelled at once; how many there were when the connection ended. */
  readonly cancelMany: (connection: string, times: number, asked: Asked) => Promise<number>;
  /** The connection goes on from another address. */
  readonly move: (connection: string, from: string) => Promise<void>;
  /** Waits for the end of a connection; why it was. */
  readonly ended: (connection: string) => Promise<string>;
  /** Whether a session may be resumed with requests before its handshake is done. */
  readonly takesEarly: (connection: string) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/** Starts it. It ends when its standard input does, so with whoever has started it. */
export function startHttp3Client(): Http3Client {
  const lib = join(repositoryRoot, ".trimtab/clients/http3/lib");
  // Of a virtual environment or of a plain folder, as set-up could have it.
  const folders = readdirSync(lib).map((python) => join(lib, python, "site-packages"));
  const env = { ...process.env, PYTHONPATH: [...folders, lib].join(":") };
  const child = spawn("python3", [join(import.meta.dirname, "http3.py")], { env, stdio: "pipe" });
  const tell = commandsOf(child);
  return {
    open: (hello) => tell("open", hello),
    ask: (connection, asked) => tell("ask", { connection, ...asked }),
    askHalf: (connection, asked) => tell("askHalf", { connection, ...asked }),
    cancelMany: (connection, times, asked) => tell("cancelMany", { connection, times, ...asked }),
    move: (connection, from) => tell("move", { connection, from }),
    ended: (connection) => tell("ended", { connection }),
    takesEarly: (connection) => tell("takesEarly", { connection }),
    close: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.stdin.end();
      }),
  };
}

/** What has to be answered: `id` of the command, and either of the two. */
interface Line {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

function commandsOf(child: ChildProcessWithoutNullStreams): <T>(name: string, command: object) => Promise<T> {
  const waiting = new Map<number, (line: Line) => void>();
  let last = 0;
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  child.on("exit", () => {
    for (const [id, answer] of waiting) answer({ id, error: `the client has ended: ${said}` });
  });
  createInterface({ input: child.stdout }).on("line", (text) => {
    const line = JSON.parse(text) as Line;
    waiting.get(line.id)?.(line);
    waiting.delete(line.id);
  });
  return <T>(name: string, command: object) =>
    new Promise<T>((resolve, reject) => {
      const id = ++last;
      waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result as T) : reject(new Error(`${name}: ${error}`)),
      );
      child.stdin.write(`${JSON.stringify({ id, do: name, ...command })}\n`);
    });
}
