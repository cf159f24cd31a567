/** `process.shutdownGrace`: twelve changes under held connections. All three proxies end them alike, and no old process is left. */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { e2e, type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { cluster } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { cli } from "../harness/program.ts";
import { connectTo } from "../harness/rawHttp.ts";
import { applyPart, serve } from "../harness/serve.ts";
import { startTcpEcho, type Upstream } from "../harness/upstream.ts";
import { ask } from "../proxies/haproxy.ts";

const CHANGES = 12;
/** What the harness starts Envoy with. */
const GRACE_MS = 2_000;
const WORKERS = 3;
/** The signal's way to the proxy counts with the grace on one side, timers of a busy machine on the other. */
const EARLY_MS = 100;
const LATE_MS = 3_000;
const fleets = proxyNames.map((name) => ({
  name,
  proxy: name,
  bindAddress: proxyAddresses[name],
  process: { workers: WORKERS, shutdownGrace: `${GRACE_MS}ms` },
}));
let upstreams: Upstream[];

interface Held {
  readonly proxy: ProxyName;
  /** The change that ends it. */
  readonly change: number;
  closedAt: number | null;
}

const toward = (weight: number): object => ({
  routes: [
    {
      name: "held",
      listeners: ["held"],
      protocol: "tcp",
      rules: [{ split: upstreams.map(({ name }, index) => ({ cluster: name, weight: index === 0 ? 100 : weight })) }],
    },
  ],
});

beforeAll(async () => {
  upstreams = await Promise.all(["held-a", "held-b"].map((name) => startTcpEcho(name)));
  await serve({
    fleets,
    listeners: [{ name: "held", fleets: [...proxyNames], port: e2e().ports.tcp, protocol: "TCP" }],
    clusters: upstreams.map(({ name, port }) => cluster(name, port)),
    ...toward(99),
  });
});

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

it("Envoy is told what the others read", async () => {
  const file = join(e2e().workDir, "grace.json");
  await writeFile(file, JSON.stringify({ fleets }));
  const text = await cli("bootstrap", "--fleet", "envoy", "--print-arguments", file);
  expect(text).toBe("--drain-time-s 2 --parent-shutdown-time-s 17 --drain-strategy immediate --concurrency 3\n");
});

it(`${CHANGES} changes with a held connection each leave no process and no connection of before`, async () => {
  const before = await steadyProcesses();
  expect(before.nginx).toBe(WORKERS);
  expect(await ask(e2e().proxies.haproxy, "show info")).toContain(`Nbthread: ${WORKERS}\n`);
  const held: Held[] = [];
  const changes: { readonly from: number; readonly to: number }[] = [];
  const most = { ...before };
  for (let change = 0; change < CHANGES; change++) {
    held.push(...(await Promise.all(proxyNames.map((proxy) => hold(proxy, change)))));
    const from = Date.now();
    await applyPart(toward(change));
    changes.push({ from, to: Date.now() });
    for (const proxy of proxyNames) most[proxy] = Math.max(most[proxy], processes(proxy));
  }
  await until("all connections are closed", () => (held.every(({ closedAt }) => closedAt !== null) ? true : null));
  for (const { proxy, change, closedAt } of held) {
    const { from, to } = changes[change]!;
    expect(closedAt! - from, `${proxy} after change ${change}`).toBeGreaterThan(GRACE_MS - EARLY_MS);
    expect(closedAt! - to, `${proxy} after change ${change}`).toBeLessThan(GRACE_MS + LATE_MS);
  }
  for (const proxy of ["nginx", "haproxy"] as const) expect(most[proxy], proxy).toBeGreaterThan(before[proxy]);
  await until("no old process is left", () =>
    proxyNames.every((proxy) => processes(proxy) === before[proxy]) ? true : null,
  );
});

/** An established connection that says nothing more. */
async function hold(proxy: ProxyName, change: number): Promise<Held> {
  const held: Held = { proxy, change, closedAt: null };
  const socket = await until(`${proxy} takes a connection`, async () => {
    const made = await connectTo({ address: e2e().proxies[proxy].address, port: e2e().ports.tcp });
    made.on("error", () => {});
    return new Promise<typeof made>((resolve, reject) => {
      made.once("data", () => resolve(made)).once("close", () => reject(new Error("closed")));
    });
  });
  socket.on("close", () => {
    held.closedAt = Date.now();
  });
  // The echo keeps its half open.
  socket.on("end", () => socket.destroy());
  return held;
}

/** Processes below the proxy's own. */
function processes(proxy: ProxyName): number {
  const { pid } = e2e().proxies[proxy].child;
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).length;
}

/** Those of cases before may have connections of theirs still. */
async function steadyProcesses(): Promise<Record<ProxyName, number>> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, GRACE_MS + EARLY_MS);
  await promise;
  return Object.fromEntries(proxyNames.map((proxy) => [proxy, processes(proxy)])) as Record<ProxyName, number>;
}
