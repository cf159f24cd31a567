/** `process` of a fleet, where it shows in sockets: backlog, a socket for each worker, and the kernel's probes. */
import { execFile } from "node:child_process";
import type { Socket } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { cluster } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { serve } from "../harness/serve.ts";
import { startTcpEcho, type Upstream } from "../harness/upstream.ts";

const run = promisify(execFile);
const BACKLOG = 77;
const WORKERS = 2;
/** In seconds: longer than the test, and like nothing else's. */
const IDLE = 33;
const keepalive = { idle: `${IDLE}s`, interval: "7s", probes: 5 };
let echo: Upstream;

const fleet = (name: ProxyName, process: object) => {
  return { name, proxy: name, bindAddress: e2e().proxies[name].address, process };
};

async function use(process: object): Promise<void> {
  await serve({
    fleets: proxyNames.map((name) => fleet(name, process)),
    listeners: [{ name: "sockets", fleets: proxyNames, port: e2e().ports.tcp, protocol: "TCP" }],
    clusters: [cluster("sockets", echo.port)],
    routes: [
      { name: "sockets", listeners: ["sockets"], protocol: "tcp", rules: [{ split: [{ cluster: "sockets" }] }] },
    ],
  });
  await Promise.all(
    proxyNames.map((proxy) =>
      until(`${proxy} listens`, async () => ((await sockets(proxy, "-ltn")).length > 0 ? true : null)),
    ),
  );
}

beforeAll(async () => {
  echo = await startTcpEcho("sockets");
  await use({ workers: WORKERS, backlog: BACKLOG, reusePort: true, tcpKeepalive: keepalive });
});

afterAll(() => echo.close());

/** Lines of `ss` about the proxy's TCP port. */
async function sockets(proxy: ProxyName, flags: string): Promise<string[]> {
  const { address } = e2e().proxies[proxy];
  const { stdout } = await run("ss", ["-H", flags, "src", `${address}:${e2e().ports.tcp}`]);
  return stdout.split("\n").filter((line) => line !== "");
}

/** A connection that has come through. */
async function connected(proxy: ProxyName): Promise<Socket> {
  const socket = await connectTo({ address: e2e().proxies[proxy].address, port: e2e().ports.tcp });
  await new Promise((resolve) => socket.once("data", resolve));
  return socket;
}

async function hasTimers(proxy: ProxyName): Promise<boolean[]> {
  const socket = await connected(proxy);
  const client = await sockets(proxy, "-tno");
  const { stdout } = await run("ss", ["-H", "-tno", "dst", `127.0.0.1:${echo.port}`]);
  socket.destroy();
  const isOurs = (line: string): boolean => /timer:\(keepalive,(?:3[0-3])(?:\.\d+)?sec,0\)/.test(line);
  return [client.some(isOurs), stdout.split("\n").some(isOurs)];
}

describe.each(proxyNames)("%s", (proxy) => {
  it("opens a socket with the backlog for each worker", async () => {
    await until("the sockets of before are gone", async () => {
      const listening = await sockets(proxy, "-ltn");
      const backlogs = listening.map((line) => Number(line.trim().split(/\s+/)[2]));
      // The Envoy of the suite has as many workers as the machine has CPUs.
      const isWhole = proxy === "envoy" ? listening.length > 0 : listening.length === WORKERS;
      // HAProxy hands a socket on as it is: of one that another case has opened, the new one beside it shows the backlog.
      const isSet = proxy === "haproxy" ? backlogs.includes(BACKLOG) : backlogs.every((each) => each === BACKLOG);
      return isWhole && isSet ? true : null;
    });
  });

  it("probes silent connections with clients and endpoints", async () => {
    const [client, endpoint] = await hasTimers(proxy);
    expect(client).toBe(true);
    // nginx has the machine's times there.
    if (proxy !== "nginx") expect(endpoint).toBe(true);
  });
});

// nginx hands its sockets on to the next process, and what is not written it leaves as it is: there it counts from a restart on.
const forgetting = ["envoy", "haproxy"] as const;

it("goes back to what proxies do by themselves", async () => {
  await use({});
  const probesNobody = (proxy: ProxyName) =>
    until(`${proxy} probes nobody`, async () => ((await hasTimers(proxy)).includes(true) ? null : true));
  await Promise.all(forgetting.map(probesNobody));
});
