/** The hand-written configurations beside this file on real proxies, and a client that can come from two addresses. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { echoUpstream, listen, runEnvoy, type Seen } from "../../targets/envoy/testing.ts";
import { startProxy } from "../../targets/haproxy/testSupport/proxy.ts";
import { freePorts, startNginx } from "../../targets/nginx/testNginx.ts";

const ANSWER_TIMEOUT_MS = 10_000;
/** `u` with the password `p`. */
const USERS = "u:{SHA}UWuXg/ylF+7L0dBk2i0WUxCxl1k=\n";
const FILES = { envoy: "envoy.yaml", nginx: "nginx.conf", haproxy: "haproxy.cfg" } as const;

/** The proxies that the order must hold on. */
export const KINDS = ["envoy", "nginx", "haproxy"] as const;
export type Kind = (typeof KINDS)[number];

/** The proxy under test and what stands behind it. */
export interface Stand {
  readonly port: number;
  /** Requests that the receiver of copies got. */
  readonly copies: readonly Seen[];
  /** What the authorization service has been asked. */
  readonly asked: readonly Seen[];
  readonly stop: () => Promise<void>;
}

/** Starts a backend, a receiver of copies, an authorization service and the proxy. `change` may alter the configuration. */
export async function startStand(kind: Kind, change = (text: string) => text): Promise<Stand> {
  const copies: Seen[] = [];
  const asked: Seen[] = [];
  const servers: Server[] = [];
  let served = 0;
  const serve = async (name: string): Promise<number> => {
    const server = echoUpstream(name, (request, response) => {
      const headers = request.headers as Record<string, string>;
      const seen = { upstream: name, method: request.method ?? "", url: request.url ?? "", headers };
      if (name === "copies") copies.push(seen);
      if (name === "authorizer") asked.push(seen);
      response.setHeader("cache-control", "max-age=60");
      response.setHeader("content-type", "text/plain");
      response.setHeader("x-served", String(++served));
      if (name !== "authorizer") return false;
      response.writeHead(headers["x-key"] === "secret" ? 200 : 401).end();
      return true;
    });
    servers.push(server);
    return await listen(server);
  };
  const folder = mkdtempSync(join(tmpdir(), "trimtab-order-"));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, "users"), USERS);
  const behind = {
    BACKEND: await serve("backend"),
    COPIES: await serve("copies"),
    AUTHORIZER: await serve("authorizer"),
  };
  const [port = 0, admin = 0] = await freePorts(2);
  const values: Values = { ...behind, PROXY: port, ADMIN: admin, FOLDER: folder };
  const text = change(readFileSync(join(import.meta.dirname, FILES[kind]), "utf8"));
  const proxy = await start(
    kind,
    text.replaceAll(/@([A-Z]+)@/g, (_, name) => String(values[name])),
    values,
  );
  const stop = async () => {
    await proxy.stop();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(folder, { recursive: true, force: true });
  };
  return { port, copies, asked, stop };
}

type Values = Readonly<Record<string, string | number>>;

async function start(kind: Kind, text: string, values: Values): Promise<{ readonly stop: () => Promise<void> }> {
  const port = values.PROXY as number;
  if (kind === "nginx") return await startNginx(text, port);
  if (kind === "haproxy") {
    const users = { path: "users.map", text: USERS.replace(":{SHA}", " ") };
    return await startProxy([{ path: "haproxy.cfg", text }, users], port);
  }
  const file = join(values.FOLDER as string, "envoy.yaml");
  writeFileSync(file, text);
  return await runEnvoy(file, values.ADMIN as number);
}

/** A request; what is left out is harmless. */
export interface Ask {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The body goes in chunks, without a length. */
  readonly isChunked?: boolean;
  /** The client's own address. */
  readonly from?: string;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What the backend was asked, when it answered. */
  readonly seen: Seen | undefined;
}

/** Sends one request on a connection of its own. */
export function send(port: number, { path, method, headers, body, isChunked, from }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined || isChunked === true ? {} : { "content-length": String(body.length) };
    const fields = { ...headers, ...length, ...(isChunked === true ? { "transfer-encoding": "chunked" } : {}) };
    const request = httpRequest(
      {
        port,
        path,
        method: method ?? (body === undefined ? "GET" : "POST"),
        host: "127.0.0.1",
        agent: false,
        headers: fields,
        localAddress: from ?? "127.0.0.1",
        timeout: ANSWER_TIMEOUT_MS,
      },
      (response) => {
        let text = "";
        response.on("data", (piece) => (text += piece));
        response.on("error", reject);
        response.on("end", () => {
          const seen =
            response.headers["x-echo"] === undefined || !text.startsWith("{") ? undefined : (JSON.parse(text) as Seen);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, seen });
        });
      },
    );
    request.on("timeout", () => request.destroy(new Error(`no answer to ${path}`)));
    request.on("error", reject);
    request.end(body);
  });
}
