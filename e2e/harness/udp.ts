/** Packets: endpoints that answer with their name, and clients that count what comes back. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** An endpoint on 127.0.0.1 that sends each packet back behind its name. */
export interface UdpUpstream {
  readonly name: string;
  readonly port: number;
  readonly close: () => void;
}

export async function startUdpEcho(name: string): Promise<UdpUpstream> {
  const socket = createSocket("udp4");
  socket.on("message", (packet, { address, port }) => socket.send(`${name} ${packet}`, port, address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { name, port: socket.address().port, close: () => socket.close() };
}

/** One client: an address and port that sends to one place. */
export interface UdpClient {
  /** Sends a packet and gives the name of the endpoint that answered; null: no answer came within `waitMs`. */
  readonly ask: (waitMs: number) => Promise<string | null>;
  readonly close: () => void;
}

export async function startUdpClient(place: { readonly address: string; readonly port: number }): Promise<UdpClient> {
  const socket: Socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  // What comes back from a port on which nobody listens is an answer that does not come.
  socket.on("error", () => undefined);
  const waiting = new Map<string, (name: string) => void>();
  socket.on("message", (packet) => {
    const [name = "", number = ""] = packet.toString().split(" ");
    waiting.get(number)?.(name);
    waiting.delete(number);
  });
  let sent = 0;
  return {
    ask: (waitMs) =>
      new Promise((resolve) => {
        const number = String(sent++);
        const timer = setTimeout(() => {
          waiting.delete(number);
          resolve(null);
        }, waitMs);
        waiting.set(number, (name) => {
          clearTimeout(timer);
          resolve(name);
        });
        socket.send(number, place.port, place.address);
      }),
    close: () => socket.close(),
  };
}
