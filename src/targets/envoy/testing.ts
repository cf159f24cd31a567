/** For tests: a real Envoy on ephemeral loopback ports, echo upstreams, and a client that writes requests byte by byte. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  ActionIr,
  ClusterIr,
  ConditionIr,
  FleetIr,
  ForwardIr,
  HeaderChangesIr,
  HttpPortIr,
  PathMatchIr,
  PoliciesIr,
  PortIr,
  RuleIr,
  SplitIr,
  TcpPortIr,
  TestIr,
  TimeoutsIr,
} from "../../ir/index.ts";
import { NO_CONNECTION_LIMIT, USUAL_CLIENT_TIMEOUTS, USUAL_PROCESS } from "../../ir/index.ts";
import { envoyBinary } from "../../tooling/binaries.ts";
import { finish } from "../../util/steps.ts";
import { freePort } from "../../util/testingPorts.ts";
import { inlineBootstrap } from "./inline.ts";
import { createRenderer } from "./render.ts";

export { freePort };

const START_TIMEOUT_MS = 20_000;
const ANSWER_TIMEOUT_MS = 10_000;

/** Listens on an ephemeral loopback port. */
export async function listen(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A started proxy. Stop it in `afterAll`. */
export interface RunningEnvoy {
  /** Text of an admin page. */
  readonly admin: (path: string) => Promise<string>;
  readonly stop: () => Promise<void>;
  /** The end of what it has said so far. */
  readonly log: () => string;
}

/** Starts Envoy with the fleet's rendering, inlined. Throws with its log when it does not come up. */
export async function startEnvoy(ir: FleetIr): Promise<RunningEnvoy> {
  const folder = await mkdtemp(join(tmpdir(), "trimtab-envoy-test-"));
  const adminPort = await freePort();
  const file = join(folder, "bootstrap.pb");
  await writeFile(
    file,
    await inlineBootstrap(finish(createRenderer().render(ir)), { address: "127.0.0.1", port: adminPort }),
  );
  const { admin, stop, log } = await runEnvoy(file, adminPort);
  return {
    admin,
    log,
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs Envoy on a file that names this admin port, until it is ready. Throws with its log when it does not come up. */
export async function runEnvoy(file: string, adminPort: number, more: readonly string[] = []): Promise<RunningEnvoy> {
  const argv = ["-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning", ...more];
  const child = spawn(envoyBinary(), argv, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr?.on("data", (data) => {
    log = (log + data).slice(-10_000);
  });
  const admin = async (path: string) => (await fetch(`http://127.0.0.1:${adminPort}${path}`)).text();
  const stop = () => ended(child);
  const until = Date.now() + START_TIMEOUT_MS;
  while (true) {
    const state = await admin("/ready").catch(() => "");
    if (state.startsWith("LIVE")) return { admin, stop, log: () => log };
    if (child.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`Envoy did not start: ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exit;
}

/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  /** Lower-case names; repeated lines joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What the echo upstream saw, when it answered. */
  readonly seen: Seen;
}

/** A request as the upstream saw it. */
export interface Seen {
  readonly upstream: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Sends the bytes and reads until `complete` says so or the other side closes (Envoy waits a second for the client to close
 * first).
 */
export async function exchange(port: number, request: string, complete = (_text: string) => false): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error("no answer")));
  socket.write(request, "latin1");
  let text = "";
  for await (const chunk of socket) {
    text += (chunk as Buffer).toString("latin1");
    if (complete(text)) break;
  }
  socket.destroy();
  return text;
}

function answerComplete(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /^content-length: (\d+)\r$/im.exec(text.slice(0, end + 2))?.[1];
  return length === undefined ? text.endsWith("\r\n0\r\n\r\n") : text.length >= end + 4 + Number(length);
}

/** One HTTP request on its own connection. `headers` are lines; Host is among them. */
export async function ask(port: number, line: string, headers: readonly string[] = []): Promise<Answer> {
  const version = line.endsWith("HTTP/1.0") ? "" : " HTTP/1.1";
  const request = [`${line}${version}`, ...headers, "Connection: close", "", ""].join("\r\n");
  return parseAnswer(await exchange(port, request, answerComplete));
}

/** Reads one answer from the bytes of a connection. */
export function parseAnswer(text: string): Answer {
  const end = text.indexOf("\r\n\r\n");
  const [status = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [name = "", ...value] = line.split(": ");
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value.join(": ") : `${headers[key]}, ${value.join(": ")}`;
  }
  const raw = text.slice(end + 4);
  const body = headers["transfer-encoding"] === "chunked" ? unchunk(raw) : raw;
  const seen = headers["x-echo"] === undefined ? NOTHING : (JSON.parse(body) as Seen);
  return { status: Number(status.split(" ")[1]), headers, body: Buffer.from(body, "latin1").toString(), seen };
}

const NOTHING: Seen = { upstream: "", method: "", url: "", headers: {} };

function unchunk(text: string): string {
  let out = "";
  for (let rest = text; rest !== ""; ) {
    const line = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, line), 16);
    if (!(size > 0)) break;
    out += rest.slice(line + 2, line + 2 + size);
    rest = rest.slice(line + 4 + size);
  }
  return out;
}

/** Answers with what it was asked, as JSON. */
export function echoUpstream(name: string, before?: (request: IncomingMessage, response: ServerResponse) => boolean) {
  return createHttpServer((request, response) => {
    if (before?.(request, response)) return;
    const headers: Record<string, string> = {};
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      const key = (request.rawHeaders[at] as string).toLowerCase();
      const value = request.rawHeaders[at + 1] as string;
      headers[key] = headers[key] === undefined ? value : `${headers[key]},${value}`;
    }
    const body = JSON.stringify({ upstream: name, method: request.method, url: request.url, headers });
    response.writeHead(200, { "x-echo": "1", server: "echo", "x-up": "u", "content-length": Buffer.byteLength(body) });
    response.end(body);
  });
}

/** A forward to one cluster. */
export function forward(cluster: string): ForwardIr {
  return { kind: "forward", split: [{ cluster, weight: 1 }] };
}

/** Header changes. */
export function changes(more: Partial<HeaderChangesIr>): HeaderChangesIr {
  return { set: [], add: [], remove: [], ...more };
}

/** A test of a header. */
export function header(name: string, test: TestIr, value = ""): ConditionIr {
  return { field: { kind: "header", name }, test, value };
}

/** Only this method. */
export function method(value: string): ConditionIr {
  return { field: { kind: "method" }, test: "exact", value };
}

const TIMEOUTS: TimeoutsIr = { idleMs: 60_000, requestMs: null };

type RuleDraft = { path: string; action: ActionIr; policies?: Partial<PoliciesIr> } & Partial<
  Omit<RuleIr, "path" | "action" | "policies">
>;

/** A rule. `id` must be its own; `path` as `=/exact`, `~regex` or `/prefix`. A forward has timeouts. */
export function rule(id: string, { path, policies, ...more }: RuleDraft): RuleIr {
  const [route = "", index = "0"] = id.split(".");
  const timeouts = more.action.kind === "forward" ? TIMEOUTS : null;
  const none = { rewrite: null, requestHeaders: null, timeouts, retry: null, responseHeaders: null };
  const protocol = "http" as const;
  const base = {
    protocol,
    id,
    name: `${route}/${index}`,
    route,
    ruleName: null,
    pointer: `/rules/${index}`,
    conditions: [],
  };
  return { ...base, ...more, path: pathOf(path), policies: { ...none, ...policies } };
}

function pathOf(path: string): PathMatchIr {
  if (path.startsWith("=")) return { kind: "exact", value: path.slice(1) };
  return path.startsWith("~") ? { kind: "regex", value: path.slice(1) } : { kind: "prefix", value: path };
}

/** A cluster of equal endpoints on loopback. */
export function cluster(name: string, ports: readonly number[], more: Partial<ClusterIr> = {}): ClusterIr {
  return {
    name,
    endpoints: ports.map((port) => ({ address: "127.0.0.1", port, weight: 1, state: "active" as const, priority: 0 })),
    balance: { policy: "roundRobin" },
    affinity: null,
    limits: null,
    connectTimeoutMs: 1000,
    pool: { maxIdle: null, idleTimeoutMs: null, maxRequestsPerConnection: null },
    healthCheck: null,
    outlierDetection: null,
    near: null,
    drainTimeoutMs: null,
    tls: null,
    slowStart: null,
    protocol: "http1",
    proxyProtocol: null,
    ...more,
  };
}

/** An Envoy fleet. */
export function fleet(ports: readonly PortIr[], clusters: readonly ClusterIr[]): FleetIr {
  return {
    name: "test",
    proxy: "envoy",
    version: null,
    healthChecks: null,
    accessLog: null,
    process: USUAL_PROCESS,
    ports,
    clusters,
    certificates: [],
    authorities: [],
    sources: [],
  };
}

/** An HTTP port on loopback with virtual hosts given as hostnames (one or more, with a space between them) and rules. */
export function httpPort(port: number, hosts: Readonly<Record<string, readonly RuleIr[]>>): HttpPortIr {
  const virtualHosts = Object.entries(hosts).map(([hostnames, rules]) => {
    return { hostnames: hostnames.split(" "), rules, groups: null };
  });
  const id = `http-127-0-0-1-${port}`;
  const clientTimeouts = USUAL_CLIENT_TIMEOUTS;
  return {
    kind: "http",
    id,
    address: "127.0.0.1",
    port,
    listeners: ["web"],
    tls: null,
    passed: null,
    clientTimeouts,
    connectionLimit: NO_CONNECTION_LIMIT,
    geoTables: [],
    http2: "off" as const,
    http3: null,
    proxyProtocol: null,
    via: null,
    virtualHosts,
  };
}

/** A TCP port on loopback. */
export function tcpPort(port: number, split: SplitIr, more: Partial<TcpPortIr> = {}): TcpPortIr {
  const id = `tcp-127-0-0-1-${port}`;
  return {
    kind: "tcp",
    id,
    address: "127.0.0.1",
    port,
    listeners: ["raw"],
    split,
    idleTimeoutMs: 1000,
    connectionLimit: NO_CONNECTION_LIMIT,
    proxyProtocol: null,
    ...more,
  };
}
