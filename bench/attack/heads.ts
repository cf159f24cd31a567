/** Heads of requests: many fields, long lists of conditions, queries, several requests in one packet. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { dial, head } from "./sockets.ts";
import type { Attack } from "./types.ts";

const COUNTS = { short: { clients: 4, requests: 2000 }, whole: { clients: 40, requests: 20_000 } };

const heads: readonly (readonly [name: string, status: RegExp, head: string])[] = [
  ["many fields", /431|400/, head("GET /v1/config", ...Array.from({ length: 3000 }, (_, index) => `x${index}: 1`))],
  ["1 900 short fields", /200|431/, head("GET /healthz", ...Array.from({ length: 1900 }, () => "a:b"))],
  ["a long If-Match", /400/, head("DELETE /v1/clusters/x", `If-Match: ${'"a",'.repeat(3900)}"a"`)],
  ["an If-None-Match of commas", /200|400/, head("GET /v1/clusters", `If-None-Match: ${",".repeat(15_000)}`)],
  ["an Accept of commas", /200|406/, head("GET /v1/config", `Accept: ${"a;q=0,".repeat(2500)}`)],
  ["one parameter 3 000 times", /400/, head(`GET /v1/clusters?${"label=a&".repeat(1900)}`)],
  [
    "3 000 parameters",
    /400/,
    head(`GET /v1/clusters?${Array.from({ length: 1800 }, (_, index) => `a${index}`).join("&")}`),
  ],
  ["a path of escapes", /404|414|400/, head(`GET /v1/clusters/${"%41".repeat(5000)}`)],
  [
    "a type of parameters",
    /415/,
    head("PUT /v1/clusters/x", "Content-Length: 2").replace("application/json", `a/b${";a=b".repeat(3800)}`),
  ],
  ["a packed body", /400|415/, `${head("PUT /v1/clusters/x", "Content-Encoding: gzip", "Content-Length: 2")}{}`],
  ["two hosts", /400/, head("GET /healthz", "Host: evil.example")],
  ["two lengths", /400/, head("PUT /v1/clusters/x", "Content-Length: 1", "Content-Length: 2")],
];

/** Heads are refused or answered, and many at once are answered in turns. */
export const requestHeads: Attack = {
  name: "heads and pipelines",
  promise: "no head holds the loop, and who sends many requests at once waits behind others",
  async run(server, size) {
    const wrong: string[] = [];
    for (const [name, status, bytes] of heads) {
      const { socket, received } = await dial(server);
      socket.write(bytes);
      await Promise.race([once(socket, "data"), once(socket, "close"), sleep(5000)]);
      const line = received().split("\r\n")[0] ?? "";
      if (!status.test(line.split(" ")[1] ?? "")) wrong.push(`${name}: ${line}`);
      socket.destroy();
    }
    const { clients, requests } = COUNTS[size];
    const bytes = Buffer.from(head("GET /v1/clusters/good-1").repeat(requests));
    const all = await Promise.all(
      Array.from({ length: clients }, async () => {
        const raw = await dial(server);
        raw.socket.write(bytes);
        return raw;
      }),
    );
    await sleep(size === "short" ? 1000 : 5000);
    for (const { socket } of all) socket.destroy();
    return wrong;
  },
};
