/** Connections of which an attack says every byte. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { TOKEN } from "./server.ts";
import type { Server } from "./types.ts";

export interface Raw {
  readonly socket: Socket;
  /** What came back so far. */
  readonly received: () => string;
}

/** A connection; errors on it are what an attacker may get. */
export async function dial({ url }: Server): Promise<Raw> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = "";
  socket.on("data", (chunk) => {
    received = (received + String(chunk)).slice(-65_536);
  });
  socket.on("error", () => {});
  await once(socket, "connect");
  return { socket, received: () => received };
}

/** A request's head with the token. */
export function head(line: string, ...fields: string[]): string {
  const first = [`${line} HTTP/1.1`, "Host: 127.0.0.1", `Authorization: Bearer ${TOKEN}`];
  return [...first, "Content-Type: application/json", ...fields, "", ""].join("\r\n");
}
