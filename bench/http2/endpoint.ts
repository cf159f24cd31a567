/** An endpoint in a thread of its own, which answers all at once: `ok`, or so many bytes as the path says. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const ROLE = "endpoint";

/** Its port, and how it ends. */
export async function startEndpoint(): Promise<{ readonly port: number; readonly stop: () => Promise<unknown> }> {
  const worker = new Worker(new URL(import.meta.url), { workerData: ROLE });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
  });
  return { port, stop: () => worker.terminate() };
}

function serve(): void {
  const server = createServer((request, response) => {
    request.resume();
    const bytes = Number(request.url?.slice(1));
    response.end(bytes > 0 ? Buffer.alloc(bytes) : "ok");
  });
  server.listen(0, "127.0.0.1", 4096, () => parentPort?.postMessage((server.address() as AddressInfo).port));
}

if (!isMainThread && workerData === ROLE) serve();
