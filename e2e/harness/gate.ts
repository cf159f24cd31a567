/** An upstream that answers when it is told to: requests are held as long as a case needs them to be under way. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Gate {
  readonly port: number;
  /** Requests with this path that came so far. */
  readonly seen: (path: string) => number;
  /** Answers all with this path, and from now on whatever comes with it. */
  readonly open: (path: string) => void;
  readonly close: () => Promise<void>;
}

/** On 127.0.0.1; it answers 200 with its name. */
export async function startGate(name: string): Promise<Gate> {
  const seen = new Map<string, number>();
  const held = new Map<string, ServerResponse[]>();
  const open = new Set<string>();
  const server = createServer({ keepAliveTimeout: 60_000 }, ({ url = "" }, response) => {
    seen.set(url, (seen.get(url) ?? 0) + 1);
    if (open.has(url)) response.end(name);
    else held.set(url, [...(held.get(url) ?? []), response]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen: (path) => seen.get(path) ?? 0,
    open: (path) => {
      open.add(path);
      for (const response of held.get(path) ?? []) response.end(name);
      held.delete(path);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
