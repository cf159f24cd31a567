/** A thousand connections a second, while a client with the token sends slowly. */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { dial, head } from "./sockets.ts";
import type { Attack } from "./types.ts";

const SECONDS = { short: 1.5, whole: 10 };
const PER_SECOND = 1000;
const TICK_MS = 10;

const body = JSON.stringify({ name: "slow", endpoints: [{ address: "127.0.0.1", port: 1 }] });

/** Strangers are dropped, known clients are not. */
export const churn: Attack = {
  name: "1 000 connections a second",
  promise: "a connection that carried the token is not dropped for strangers",
  async run(server, size) {
    const { hostname, port } = new URL(server.url);
    const uploads = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => {
        const raw = await dial(server);
        raw.socket.write(head(`PUT /v1/clusters/slow?dryRun=${index > 0}`, `Content-Length: ${body.length}`));
        return raw;
      }),
    );
    const ticks = (SECONDS[size] * 1000) / TICK_MS;
    for (let tick = 0; tick < ticks; tick++) {
      for (let count = 0; count < (PER_SECOND * TICK_MS) / 1000; count++) {
        const socket = connect(Number(port), hostname).on("error", () => {});
        // Some say nothing, some half of a request.
        if (count % 2 === 0) socket.write("GET /v1/config HTTP/1.1\r\nHost: ");
      }
      const [from, to] = [tick, tick + 1].map((at) => Math.floor((body.length * at) / ticks));
      for (const { socket } of uploads) socket.write(body.slice(from, to));
      await sleep(TICK_MS);
    }
    for (const { socket, received } of uploads) {
      if (received() === "" && !socket.closed)
        await Promise.race([once(socket, "data"), once(socket, "close"), sleep(5000)]);
    }
    const lost = uploads.filter(({ received }) => !/^HTTP\/1\.1 20[01] /.test(received())).length;
    return lost === 0 ? [] : [`${lost} of ${uploads.length} slow uploads were lost`];
  },
};
