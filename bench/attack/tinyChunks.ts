/** Bodies in chunks of one byte: each costs the server an event, and six bytes of the sender's. */
import { setTimeout as sleep } from "node:timers/promises";
import { dial, head } from "./sockets.ts";
import type { Attack } from "./types.ts";

const COUNTS = { short: { clients: 4, chunks: 100_000 }, whole: { clients: 60, chunks: 1_000_000 } };
const MS = { short: 1000, whole: 5000 };

/** With the token and without: what is not read is paid for too. */
export const tinyChunks: Attack = {
  name: "chunks of one byte",
  promise: "a body in tiny pieces costs no more memory than in one, and does not hold the loop",
  async run(server, size) {
    const { clients, chunks } = COUNTS[size];
    const pieces = Buffer.from("1\r\n \r\n".repeat(chunks));
    const all = await Promise.all(
      Array.from({ length: clients }, async (_, index) => {
        const raw = await dial(server);
        const request = head("PUT /v1/config", "Transfer-Encoding: chunked");
        raw.socket.write(index % 2 === 0 ? request : request.replace(/Bearer \S+/, "Bearer wrong"));
        raw.socket.write(pieces);
        return raw;
      }),
    );
    await sleep(MS[size]);
    for (const { socket } of all) socket.destroy();
    return [];
  },
};
