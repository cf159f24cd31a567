/** Bytes on sockets: a client that writes a request as it is, and upstreams that remember what they were asked. */
import { connect, createServer, type Server, type Socket } from "node:net";

export { freePort } from "../../util/testingPorts.ts";

/** Fields in order; names in lower case. */
export type Fields = readonly (readonly [string, string])[];

/** A message as it came. */
export interface Message {
  readonly startLine: string;
  readonly fields: Fields;
  /** Latin-1: one character per byte. */
  readonly body: string;
}

/** Where a proxy listens. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

/** Not 127.0.0.1: thousands of connections would take ports that other tests have found free there. */
export const CLIENT_ADDRESSES = ["127.0.0.20", "127.0.0.24", "127.0.1.20", "127.1.0.20"] as const;
/** Every proxy answers at once or after a refused connection; the machine may be busy. */
const ANSWER_TIMEOUT_MS = 20_000;
/** Tells the request of one client on one proxy from all others. */
export const PROBE_FIELD = "x-probe";
/** What the client wants the upstream to answer. */
export const WANTED_STATUS_FIELD = "x-want-status";

/** What every upstream answers besides its length: names that header changes of models set, add to or remove. */
export const UPSTREAM_FIELDS: Fields = [
  ["server", "upstream"],
  ["date", "Sat, 21 Nov 2026 00:00:00 GMT"],
  ["content-type", "text/x-upstream"],
  ["etag", '"e"'],
  ["set-cookie", "a=1"],
  ["set-cookie", "b=2"],
  ["location", "http://127.0.0.1/up"],
  ["x-set", "up"],
  ["x-set", "up too"],
  ["x-add", "up"],
  ["x-gone", "up"],
  ["x-envoy-upstream-service-time", "7"],
];

/** Body of every upstream's answer. */
export const UPSTREAM_BODY = "from upstream";

/** What of a request is not in its bytes, or must be known to read the answer. */
export interface Asking {
  readonly method: string;
  /** The address to ask from. */
  readonly source?: string;
}

/** Sends one request on a connection of its own and reads its answer. Rejects when there is none. */
export function exchange(place: Place, bytes: string, { method, source }: Asking): Promise<Message> {
  return new Promise((resolve, reject) => {
    const localAddress = source ?? CLIENT_ADDRESSES[0];
    const socket = connect({ host: place.address, port: place.port, localAddress });
    let received = "";
    const settle = (ended: boolean, error?: Error): void => {
      const found = takeMessage(received, { ended, bodiless: method === "HEAD" });
      if (found === null && !ended) return;
      socket.destroy();
      if (found === null) reject(error ?? new Error(`no whole answer: ${JSON.stringify(received.slice(0, 300))}`));
      else resolve(found.message);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => settle(true));
    socket.on("data", (data) => {
      received += data.toString("latin1");
      settle(false);
    });
    socket.on("end", () => settle(true));
    // An answer may stand in front of a reset.
    socket.on("error", (error) => settle(true, error));
    socket.write(bytes, "latin1");
  });
}

interface Taken {
  readonly message: Message;
  readonly rest: string;
}

/** The first whole message of a stream, without interim answers; null: more is needed. */
function takeMessage(text: string, how: { readonly ended: boolean; readonly bodiless: boolean }): Taken | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [startLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const rest = text.slice(end + 4);
  if (/^HTTP\/1\.1 1/.test(startLine)) return takeMessage(rest, how);
  const fields = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const field = (name: string): string | undefined => fields.find(([found]) => found === name)?.[1];
  const make = (body: string, used: number): Taken => ({
    message: { startLine, fields, body },
    rest: rest.slice(used),
  });
  if (how.bodiless || /^HTTP\/1\.[01] (204|304)/.test(startLine)) return make("", 0);
  if (field("transfer-encoding") !== undefined) return takeChunks(rest, make);
  const length = field("content-length");
  if (length !== undefined)
    return rest.length < Number(length) ? null : make(rest.slice(0, Number(length)), Number(length));
  // A request without a length has no body; an answer without one ends with its connection.
  if (!startLine.startsWith("HTTP/")) return make("", 0);
  return how.ended ? make(rest, rest.length) : null;
}

function takeChunks(text: string, make: (body: string, used: number) => Taken): Taken | null {
  let body = "";
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    at = lineEnd + 2;
    if (text.length < at + size + 2) return null;
    body += text.slice(at, at + size);
    at += size + 2;
    if (size === 0) return make(body, at);
  }
}

/** What an upstream was asked. */
export interface Seen extends Message {
  readonly upstream: string;
}

/** How an upstream behaves: answers; closes without an answer; answers with a head that is not HTTP. */
export type Behaviour = "answer" | "close" | "garbage";

/** Upstreams that write into one record. */
export interface Upstreams {
  /** Requests by the value of their probe field, in order; what was asked is forgotten. */
  readonly take: (probe: string) => readonly Seen[];
  readonly open: (name: string, behaviour: Behaviour) => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** No upstream yet. */
export function upstreams(): Upstreams {
  const seen = new Map<string, Seen[]>();
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const note = (name: string, message: Message): void => {
    const probe = message.fields.find(([field]) => field === PROBE_FIELD)?.[1] ?? "";
    seen.set(probe, [...(seen.get(probe) ?? []), { ...message, upstream: name }]);
  };
  const open = async (name: string, behaviour: Behaviour): Promise<number> => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      serve(socket, behaviour, (message) => note(name, message));
    });
    servers.push(server);
    return await listen(server, "127.0.0.1");
  };
  const take = (probe: string): readonly Seen[] => {
    const found = seen.get(probe) ?? [];
    seen.delete(probe);
    return found;
  };
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map(close));
  };
  return { take, open, stop };
}

function serve(socket: Socket, behaviour: Behaviour, note: (message: Message) => void): void {
  let received = "";
  socket.on("data", (data) => {
    received += data.toString("latin1");
    for (;;) {
      const found = takeMessage(received, { ended: false, bodiless: false });
      if (found === null) return;
      received = found.rest;
      note(found.message);
      if (behaviour === "answer") socket.write(answerTo(found.message));
      else if (behaviour === "close") socket.destroy();
      else socket.end("HTTP/1.1 200 OK\r\nno field\r\n\r\n");
    }
  });
}

function answerTo({ startLine, fields }: Message): string {
  const status = fields.find(([name]) => name === WANTED_STATUS_FIELD)?.[1] ?? "200";
  const bodiless = status === "204" || status === "304";
  const lines = UPSTREAM_FIELDS.map(([name, value]) => `${name}: ${value}`);
  const length = bodiless ? [] : [`content-length: ${UPSTREAM_BODY.length}`];
  const body = bodiless || startLine.startsWith("HEAD ") ? "" : UPSTREAM_BODY;
  return `${[`HTTP/1.1 ${status} Upstream's`, ...lines, ...length].join("\r\n")}\r\n\r\n${body}`;
}

/** Listens on a free port, or on the one given. */
export function listen(server: Server, address: string, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address, port }, () => resolve((server.address() as { port: number }).port));
  });
}

/** Stops listening. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
