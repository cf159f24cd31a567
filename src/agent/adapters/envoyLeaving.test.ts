/** What a real Envoy says of an endpoint that drains while a stream to it goes on. */
import { existsSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort, scratchDir, until } from "../testSupport.ts";
import { createEnvoyAgent } from "./envoyAgent.ts";

const installed = join(import.meta.dirname, "../../../.trimtab/bin/envoy");
const binary = process.env.TRIMTAB_ENVOY ?? (existsSync(installed) ? installed : "envoy");
const LOOK_EVERY_MS = 100;

const loopback = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } });

/** Streams to one endpoint that drains: as its panic threshold is not 0, and there is no other, Envoy sends them there all the same. */
function bootstrap(port: number, upstream: number): string {
  const type = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
  const filter = {
    name: "envoy.filters.network.tcp_proxy",
    typed_config: { "@type": type, stat_prefix: "s", cluster: "c" },
  };
  const endpoints = [{ endpoint: { address: loopback(upstream) }, health_status: "DRAINING" }];
  return JSON.stringify({
    admin: { address: loopback(0) },
    static_resources: {
      listeners: [{ name: "l", address: loopback(port), filter_chains: [{ filters: [filter] }] }],
      clusters: [{ name: "c", load_assignment: { cluster_name: "c", endpoints: [{ lb_endpoints: endpoints }] } }],
    },
  });
}

test("an endpoint that drains is told of until its last connection is gone", async () => {
  const scratch = await scratchDir();
  const upstream = createServer((socket) => socket.on("error", () => undefined).pipe(socket)).listen(0, "127.0.0.1");
  await new Promise((resolve) => upstream.on("listening", resolve));
  const upstreamPort = (upstream.address() as AddressInfo).port;
  const port = await freePort();
  let drained = 0;
  const agent = createEnvoyAgent(
    {
      runDir: scratch.path,
      binary,
      bootstrap: bootstrap(port, upstreamPort),
      args: ["--concurrency", "1"],
      onEvent: ({ kind }) => {
        if (kind === "drained") drained += 1;
      },
    },
    LOOK_EVERY_MS,
  );
  try {
    await agent.start();
    await until(() => agent.state().state === "serving");
    expect(agent.leaving()).toEqual({ processes: 0, endpoints: [] });
    const client = connect(port, "127.0.0.1", () => client.write("hello"));
    await new Promise((resolve) => client.on("data", resolve));
    await until(() => agent.leaving().endpoints.length > 0);
    expect(agent.leaving()).toEqual({
      processes: 0,
      endpoints: [{ endpoint: `127.0.0.1:${upstreamPort}`, connections: 1 }],
    });
    client.destroy();
    await until(() => drained > 0);
    expect(agent.leaving().endpoints).toEqual([]);
  } finally {
    await agent.close();
    upstream.close();
    await scratch.remove();
  }
});
