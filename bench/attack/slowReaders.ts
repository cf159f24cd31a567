/** Many ask for the whole configuration, and do not read it. */
import { setTimeout as sleep } from "node:timers/promises";
import { dial, head } from "./sockets.ts";
import type { Attack } from "./types.ts";

const COUNTS = { short: { clusters: 5000, readers: 60 }, whole: { clusters: 19_000, readers: 200 } };
const MS = { short: 1000, whole: 10_000 };

/** Text of a cluster that cannot be packed. */
function clusterOf(index: number): object {
  const endpoints = Array.from({ length: 8 }, (_, port) => ({ address: "127.0.0.1", port: port + 1, weight: 1 }));
  return { name: `reader-${index}`, description: "x".repeat(200), endpoints };
}

/** One text is there once. */
export const slowReaders: Attack = {
  name: "readers that do not read",
  promise: "large answers take their memory once, and hold nobody up",
  async run(server, size) {
    const { clusters, readers } = COUNTS[size];
    const body = JSON.stringify({ clusters: Array.from({ length: clusters }, (_, index) => clusterOf(index)) });
    const { status, text } = await server.call("POST", "/v1/config/apply", body);
    if (status !== 200) return [`the model was not taken: ${status} ${text.slice(0, 200)}`];
    const all = await Promise.all(
      Array.from({ length: readers }, async (_, index) => {
        const raw = await dial(server);
        raw.socket.pause();
        const path = index % 10 === 0 ? "/v1/clusters?limit=1000" : "/v1/config";
        raw.socket.write(head(`GET ${path}`));
        return raw;
      }),
    );
    await sleep(MS[size]);
    for (const { socket } of all) socket.destroy();
    return [];
  },
};
