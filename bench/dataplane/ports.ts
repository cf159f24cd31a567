/** Free ports in the place of those that model and hand-written files name. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** What the written files say: the listener, and the endpoint of each cluster. */
const WRITTEN = { listener: 8080, blue: 9101, green: 9102, red: 9103 } as const;

export type Ports = Readonly<Record<keyof typeof WRITTEN, number>>;
export type Upstreams = Omit<Ports, "listener">;

/** Ports that nobody listens on at this moment. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = [];
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) server.close();
  return ports;
}

/** The text with these ports. */
export function withPorts(text: string, ports: Ports): string {
  const byWritten = new Map(
    Object.entries(WRITTEN).map(([name, port]) => [String(port), String(ports[name as keyof Ports])]),
  );
  return text.replace(/\b(?:8080|910[123])\b/g, (port) => byWritten.get(port) as string);
}
