/** Endpoints for the probes of random health checks: each passes what is as its check says, and remembers what is not. */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import type { HealthCheckIr } from "../../ir/index.ts";
import { close, listen } from "./wire.ts";

/** Where the probes of a model go. */
export interface ProbedEndpoints {
  /** By name of the check. */
  readonly ports: Readonly<Record<string, number>>;
  /** What the checks are that probe these ports, as they were compiled; before that none passes. */
  readonly expect: (checks: readonly HealthCheckIr[]) => void;
  /** Probes that were not as their check says. */
  readonly faults: () => readonly string[];
  readonly stop: () => Promise<void>;
}

/** A check as it is written in a model. */
export interface WrittenCheck {
  readonly name: string;
  readonly type?: unknown;
}

/** Statuses without a body, and below them those that are no answer yet. */
const BODILESS = [204, 205, 304];
const FIRST_ANSWER = 200;
/** What every expression of the fuzz finds its text in. */
const REGEX_SAMPLE = "up ab it's ok";
/** `HealthCheckResponse` of grpc.health.v1 with SERVING, in a frame that is not compressed. */
const SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 1]);
/** Of a frame; and of the field in `HealthCheckRequest` with a length of one byte. */
const [FRAME_BYTES, FIELD_BYTES] = [5, 2];

/** An endpoint for each check. */
export async function probedEndpoints(checks: readonly WrittenCheck[]): Promise<ProbedEndpoints> {
  const [byPort, faults] = [new Map<number, HealthCheckIr>(), [] as string[]];
  const [servers, sockets] = [[] as Server[], new Set<Socket>()];
  const ports: Record<string, number> = {};
  for (const { name, type } of checks) {
    const tell = (fault: string): void => void faults.push(`probe of ${name}: ${fault}`);
    const server = MAKERS[type as HealthCheckIr["kind"]](() => byPort.get(ports[name] as number), tell);
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    });
    servers.push(server);
    ports[name] = await listen(server, "127.0.0.1");
  }
  return {
    ports,
    expect: (compiled) => {
      for (const check of compiled) if (check.port !== null) byPort.set(check.port, check);
    },
    faults: () => faults,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map(close));
    },
  };
}

type Current = () => HealthCheckIr | undefined;
type Tell = (fault: string) => void;

const MAKERS: Readonly<Record<HealthCheckIr["kind"], (current: Current, tell: Tell) => Server>> = {
  tcp: (current, tell) => createServer((socket) => greet(socket, current()?.tcp ?? null, tell)),
  http: (current, tell) => createHttpServer((asked, answer) => answerHttp({ asked, answer }, current(), tell)),
  grpc: (current, tell) => {
    const server = createHttp2Server();
    server.on("stream", (stream, fields) => {
      let received = Buffer.alloc(0);
      stream.on("error", () => {});
      stream.on("data", (part: Buffer) => {
        received = Buffer.concat([received, part]);
      });
      stream.on("end", () => {
        const wanted = current()?.grpc?.service;
        const service = received.subarray(FRAME_BYTES + FIELD_BYTES).toString("latin1");
        if (service !== wanted || fields[":path"] !== "/grpc.health.v1.Health/Check")
          return tell(`service ${JSON.stringify(service)} at ${fields[":path"]}, not ${JSON.stringify(wanted)}`);
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.end(SERVING);
      });
    });
    return server;
  },
};

/** Says what is expected once it got what is to be sent. */
function greet(socket: Socket, tcp: HealthCheckIr["tcp"], tell: Tell): void {
  const { send, expect } = tcp ?? { send: null, expect: null };
  let received = "";
  const answer = (): void => {
    if (expect !== null) socket.write(expect, "latin1");
  };
  if (send === null) answer();
  socket.on("data", (part) => {
    received += part.toString("latin1");
    if (received === send) answer();
    else if (!(send ?? "").startsWith(received)) tell(`got ${JSON.stringify(received)}, not ${JSON.stringify(send)}`);
  });
}

function answerHttp(
  { asked, answer }: { readonly asked: IncomingMessage; readonly answer: ServerResponse },
  check: HealthCheckIr | undefined,
  tell: Tell,
): void {
  const http = check?.http ?? null;
  const status = http === null ? null : statusFor(http);
  if (http === null || status === null) return void answer.writeHead(500).end();
  const { method, url, headers } = asked;
  const line = `${method} ${url} of ${headers.host}`;
  const wanted = `${http.method} ${http.path} of ${http.host}`;
  if (line !== wanted) tell(`${line}, not ${wanted}`);
  const got = listsOf(asked.rawHeaders);
  for (const { name, value } of http.headers) {
    const bytes = Buffer.from(value, "utf8").toString("latin1");
    if (got.get(name.toLowerCase())?.includes(bytes) !== true)
      tell(`${name}: ${JSON.stringify(got.get(name.toLowerCase()))}, not ${JSON.stringify(bytes)}`);
  }
  answer.writeHead(status);
  answer.end(BODILESS.includes(status) ? undefined : `<${http.bodyContains ?? REGEX_SAMPLE}>`);
}

function listsOf(raw: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const lists = new Map<string, string[]>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = String(raw[at]).toLowerCase();
    lists.set(name, [...(lists.get(name) ?? []), String(raw[at + 1])]);
  }
  return lists;
}

/** A status that is expected, with a body where one is looked for; null: there is none. */
function statusFor(http: NonNullable<HealthCheckIr["http"]>): number | null {
  const isSearched = http.bodyContains !== null || http.bodyRegex !== null;
  for (const { low, high } of http.expectedStatus)
    for (let status = Math.max(low, FIRST_ANSWER); status <= high; status++)
      if (!isSearched || !BODILESS.includes(status)) return status;
  return null;
}
