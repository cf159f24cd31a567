/**
 * `npm run bench:h2held`: what answers that nobody takes cost a proxy. Clients open connections, each with as many requests as one may have
 * at a time and a window of nothing, stay until memory grows no more, leave, and come again. Printed, as rows of docs/http2.md: memory
 * before, while they are there, after they have left and the second time, and how much of it is a request's.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { FLAG, FRAME, fieldsOf, frame, openHttp2, packed, type RawHttp2 } from "../e2e/harness/rawHttp2.ts";
import { HTTP2_STREAMS } from "../src/ir/http2.ts";
import { renderFleet } from "../src/suite/modelFiles.ts";
import { ADDRESSES, startProxy } from "../src/suite/sameBehaviour/proxies.ts";
import { usageOf } from "./http2/processes.ts";
import { serveHttp2 } from "./http2/serve.ts";

const { values } = parseArgs({
  options: {
    connections: { type: "string", multiple: true, default: ["4", "16"] },
    bytes: { type: "string", multiple: true, default: ["2", "1048576"] },
  },
});
const HOST = "held.example";
const KIB = 1024;
/** Memory grows no more when it has been the same for so long. */
const STILL_MS = 1_000;
const LONGEST_MS = 60_000;
const SAMPLE_MS = 100;
const SAME_MEBIBYTES = 0.5;
/** SETTINGS_INITIAL_WINDOW_SIZE. */
const NO_WINDOW = [[4, 0]] as const;

const { endpoint, port, compiled } = await serveHttp2(HOST);

/** So many connections, each with requests whose answers have so many bytes. */
function hold(address: string, { count, bytes }: Held): Promise<readonly RawHttp2[]> {
  const payload = packed(fieldsOf(HOST, `/${bytes}`));
  const flags = FLAG.endHeaders | FLAG.endStream;
  const requests = Array.from({ length: HTTP2_STREAMS }, (_, index) =>
    frame(FRAME.headers, { flags, stream: 2 * index + 1, payload }),
  );
  const open = async (): Promise<RawHttp2> => {
    const client = await openHttp2({ address, port }, NO_WINDOW);
    client.write(...requests);
    return client;
  };
  return Promise.all(Array.from({ length: count }, open));
}

interface Held {
  readonly count: number;
  readonly bytes: number;
}

/** MiB, when they are no longer others. */
async function settled(pid: number): Promise<number> {
  let [last, since] = [usageOf(pid).mebibytes, performance.now()];
  const until = since + LONGEST_MS;
  while (performance.now() - since < STILL_MS && performance.now() < until) {
    await sleep(SAMPLE_MS);
    const now = usageOf(pid).mebibytes;
    if (Math.abs(now - last) >= SAME_MEBIBYTES) [last, since] = [now, performance.now()];
  }
  return last;
}

/** MiB while they are there, and after they have left. */
async function visit(pid: number, address: string, held: Held): Promise<readonly [number, number]> {
  const clients = await hold(address, held);
  const during = await settled(pid);
  for (const client of clients) client.close();
  return [during, await settled(pid)];
}

const columns = ["proxy", "bytes", "requests", "MiB before", "held", "left", "again", "KiB a request"];
process.stdout.write(`| ${columns.join(" | ")} |\n|${columns.map(() => " --- |").join("")}\n`);
for (const ir of compiled.fleets.values()) {
  const { proxy } = ir;
  for (const bytes of values.bytes.map(Number)) {
    for (const count of values.connections.map(Number)) {
      const running = await startProxy(proxy, renderFleet(ir), port);
      try {
        const before = await settled(running.pid);
        const [held, left] = await visit(running.pid, ADDRESSES[proxy], { count, bytes });
        const [again] = await visit(running.pid, ADDRESSES[proxy], { count, bytes });
        const requests = count * HTTP2_STREAMS;
        const each = ((Math.max(held, again) - before) * KIB) / requests;
        const cells = [proxy, bytes, requests, ...[before, held, left, again, each].map((value) => value.toFixed(0))];
        process.stdout.write(`| ${cells.join(" | ")} |\n`);
      } finally {
        await running.stop();
      }
    }
  }
}
await endpoint.stop();
