/** Uploads that stop, as many as there are connections for, and large: others must still be able to send theirs. */
import { setTimeout as sleep } from "node:timers/promises";
import { shoot } from "./expect.ts";
import { dial, head } from "./sockets.ts";
import type { Attack } from "./types.ts";

const COUNTS = { short: { uploads: 12, bytes: 1024 * 1024 }, whole: { uploads: 100, bytes: 16 * 1024 * 1024 } };
/** After this long an upload that stands still counts as slow. */
const STANDING_MS = 2500;

/** How often who is told to come back does so. */
const RETRIES = 5;

/** They take nobody's place. */
export const slowBodies: Attack = {
  name: "uploads that stop",
  promise: "who sends slowly takes neither the memory nor the places of others",
  async run(server, size) {
    const { uploads, bytes } = COUNTS[size];
    const part = Buffer.alloc(bytes, " ");
    const all = await Promise.all(
      Array.from({ length: uploads }, async (_, index) => {
        const raw = await dial(server);
        const length = index % 2 === 0 ? `Content-Length: ${32 * 1024 * 1024}` : "Transfer-Encoding: chunked";
        raw.socket.write(head("PUT /v1/config?dryRun=true", length));
        if (index % 2 === 1) raw.socket.write(`${(32 * 1024 * 1024).toString(16)}\r\n`);
        raw.socket.write(part);
        return raw;
      }),
    );
    await sleep(STANDING_MS);
    const body = `{"clusters":[{"name":"slow","endpoints":[{"address":"127.0.0.1","port":1}]}]}${" ".repeat(bytes)}`;
    const apply = { name: "an apply", method: "POST", path: "/v1/config/apply", body };
    let wrong = await shoot(server, apply, [200]);
    // As its answer says: `Retry-After: 1`.
    for (let retry = 0; retry < RETRIES && wrong.length > 0; retry++) {
      await sleep(1000);
      wrong = await shoot(server, apply, [200]);
    }
    for (const { socket } of all) socket.destroy();
    return wrong;
  },
};
