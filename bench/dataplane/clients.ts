/** Those who ask: one request at a time each, on a connection that is kept or on one of its own. */
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { type Probe, requestOf, SHOP } from "./cases.ts";
import { Connection, type Door, enter, parseAnswer } from "./http.ts";

/** One of those who ask at the same time. */
export interface Asker {
  ask(): Promise<void>;
  close(): void;
}

/** Comes to a door to ask for something. */
export type Client = (door: Door, probe: Probe) => Promise<Asker>;

/** HTTP/1.1 on a connection that is kept. */
export const keptConnection: Client = async (door, probe) => {
  const connection = await Connection.open(door);
  const request = requestOf(probe);
  return {
    async ask() {
      const { status } = parseAnswer(await connection.ask(request));
      if (status !== probe.status) throw new Error(`${probe.name}: ${status} came`);
    },
    close: () => connection.close(),
  };
};

/** HTTP/2 inside TLS on a connection that is kept. */
export const keptHttp2: Client = async (door, probe) => {
  const socket = await enter({ ...door, tls: { ...door.tls, ALPNProtocols: ["h2"] } });
  const session = connectHttp2(`https://${SHOP}`, { createConnection: () => socket });
  session.on("error", () => undefined);
  return { ask: () => askHttp2(session, probe), close: () => session.destroy() };
};

function askHttp2(session: ClientHttp2Session, { name, method = "GET", host = SHOP, target, status }: Probe) {
  return new Promise<void>((resolve, reject) => {
    const stream = session.request({ ":method": method, ":authority": host, ":path": target, ...BROWSER });
    stream.on("response", (head) => {
      if (head[":status"] !== status) reject(new Error(`${name}: ${head[":status"]} came`));
    });
    stream.on("error", reject);
    stream.on("end", resolve);
    stream.resume();
  });
}

/** What a browser sends over HTTP/2: the same as over HTTP/1.1. */
const BROWSER = Object.fromEntries(
  requestOf({ name: "", target: "/", status: 0 })
    .toString("latin1")
    .split("\r\n")
    .filter((line) => /^(?:user-agent|accept[a-z-]*|cookie): /i.test(line))
    .map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]),
);

/** A connection for each handshake, which ends as soon as it is made; `hello` beside what all clients of the door say. */
export function handshakes(hello: ConnectionOptions): Client {
  return (door) => Promise.resolve({ ask: () => shake(door, hello, false), close: () => undefined });
}

/** The same, with a session of before. */
export function resumptions(hello: ConnectionOptions): Client {
  return async (door, probe) => {
    const session = await sessionOf(door, probe, hello);
    return { ask: () => shake(door, { ...hello, session }, true), close: () => undefined };
  };
}

/** What the proxy does until the connection is closed is part of it. */
function shake({ port, tls }: Door, hello: ConnectionOptions, resumes: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...tls, ...hello, port, host: "127.0.0.1" });
    let isMade = false;
    socket.on("secureConnect", () => {
      isMade = true;
      if (socket.isSessionReused() !== resumes)
        reject(new Error(resumes ? "no session was resumed" : "one was resumed"));
      socket.end();
    });
    socket.on("error", reject);
    socket.on("close", () => (isMade ? resolve() : reject(new Error("closed amid a handshake"))));
    socket.resume();
  });
}

/** Some proxies tell of a session not before they have an answer to send. */
async function sessionOf({ port, tls }: Door, probe: Probe, hello: ConnectionOptions): Promise<Buffer> {
  const socket = connectTls({ ...tls, ...hello, port, host: "127.0.0.1" });
  const session = once(socket, "session") as Promise<[Buffer]>;
  await once(socket, "secureConnect");
  socket.write(requestOf(probe));
  socket.resume();
  const [found] = await session;
  socket.destroy();
  return found;
}
