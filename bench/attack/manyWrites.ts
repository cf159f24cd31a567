/** Many valid writes of one resource at once, without an end. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Attack } from "./types.ts";

const COUNTS = { short: { clients: 20, ms: 1000 }, whole: { clients: 100, ms: 5000 } };

/** They wait in turn with the others. */
export const manyWrites: Attack = {
  name: "many writes at once",
  promise: "writes are taken in turn, and nobody is refused while there is room",
  async run(server, size) {
    const { clients, ms } = COUNTS[size];
    const statuses = new Set<number>();
    let isOver = false;
    const write = async (client: number): Promise<void> => {
      for (let turn = 1; !isOver; turn++) {
        const endpoints = [{ address: "127.0.0.1", port: 1 + (turn % 60_000) }];
        const body = JSON.stringify({ name: `writer-${client}`, endpoints });
        const { status } = await server.call("PUT", `/v1/clusters/writer-${client}`, body);
        statuses.add(status);
      }
    };
    const all = Array.from({ length: clients }, (_, client) => write(client));
    await sleep(ms);
    isOver = true;
    await Promise.all(all);
    const wrong = [...statuses].filter((status) => ![200, 201].includes(status));
    return wrong.length === 0 ? [] : [`writes were answered ${wrong.join(", ")}`];
  },
};
