/** How a server goes: clients are sent elsewhere at once, and nobody is waited for long. */
import { connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import { performance } from "node:perf_hooks";
import { expect, it } from "vitest";
import { CLOSE_GRACE_MS } from "./limits.ts";
import { CLUSTER, connect, fleet, resource, startServer, subscriber } from "./testing.ts";
import { within } from "./testingTimes.ts";

const UNAVAILABLE = 14;

it("ends streams with UNAVAILABLE, after it told clients to go elsewhere and freed the port", async () => {
  const { server, address } = await startServer();
  fleet(server).set(resource(CLUSTER, "a"));
  const client = connect(address);
  const streams = [0, 1].map(() => client.stream({ delta: true, ads: true }));
  subscriber(streams[0]!, CLUSTER).wantAll();
  await streams[0]!.next();
  const raw = connectHttp2(`http://${address}`);
  const goneAway = new Promise<number>((resolve) => raw.on("goaway", resolve));
  await new Promise((resolve) => raw.once("remoteSettings", resolve));
  const start = performance.now();
  const closed = server.close();
  for (const stream of streams) expect(await stream.ended()).toMatchObject({ code: UNAVAILABLE });
  expect(await goneAway).toBe(constants.NGHTTP2_NO_ERROR);
  await closed;
  expect(performance.now() - start).toBeLessThan(CLOSE_GRACE_MS);
  await expect(dial(address)).rejects.toThrow("ECONNREFUSED");
  expect(server.metrics()).toMatchObject({ openStreams: 0, clientBytes: 0 });
  expect(server.metrics().ended.get("closing")).toBe(2);
  client.close();
  raw.close();
});

it("waits a second at most for clients that do not read, do not answer or say nothing", async () => {
  const { server, address } = await startServer();
  fleet(server).set(resource(CLUSTER, "a", "x".repeat(5_000_000)));
  const client = connect(address);
  const stalled = client.stream({ delta: true, ads: true });
  stalled.pause();
  subscriber(stalled, CLUSTER).wantAll();
  const silent = await dial(address);
  await expect.poll(() => server.metrics().types.get("Cluster")?.responses).toBe(1);
  const start = performance.now();
  await server.close();
  expect(performance.now() - start).toBeLessThan(within(CLOSE_GRACE_MS + 500));
  silent.destroy();
  client.close();
});

it("closes when it never listened, and twice", async () => {
  const { server } = await startServer();
  await server.close();
  await server.close();
});

function dial(address: string) {
  const [host, port] = address.split(":");
  return new Promise<ReturnType<typeof connectTcp>>((resolve, reject) => {
    const socket = connectTcp(Number(port), host, () => resolve(socket));
    socket.once("error", reject);
  });
}
