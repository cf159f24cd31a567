import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, freePort, groupMembers, scratchDir, until } from "../testSupport.ts";
import type { AgentEvent } from "../types.ts";
import { createEnvoyAgent, type EnvoyAgent } from "./envoyAgent.ts";

const installed = join(import.meta.dirname, "../../../.trimtab/bin/envoy");
const binary = process.env.TRIMTAB_ENVOY ?? (existsSync(installed) ? installed : "envoy");

/** A static listener that answers by itself. */
function bootstrap(port: number, text: string): string {
  const route = { match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: text } } };
  const manager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "s",
    route_config: { virtual_hosts: [{ name: "v", domains: ["*"], routes: [route] }] },
    http_filters: [
      {
        name: "envoy.filters.http.router",
        typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
      },
    ],
  };
  const filter = { name: "envoy.filters.network.http_connection_manager", typed_config: manager };
  const loopback = (port_value: number) => ({ socket_address: { address: "127.0.0.1", port_value } });
  return JSON.stringify({
    admin: { address: loopback(0) },
    static_resources: { listeners: [{ name: "l", address: loopback(port), filter_chains: [{ filters: [filter] }] }] },
  });
}

let scratch: Awaited<ReturnType<typeof scratchDir>>;
const agents: EnvoyAgent[] = [];
let events: AgentEvent[];
const pids = (): number[] => events.flatMap((event) => (event.kind === "started" ? [event.pid] : []));

beforeEach(async () => {
  scratch = await scratchDir();
  events = [];
});
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.close()));
  for (const pid of pids()) {
    expect(groupMembers(pid)).toEqual([]);
  }
  await scratch.remove();
});

async function start(name: string, text: string): Promise<{ agent: EnvoyAgent; port: number }> {
  const port = await freePort();
  const agent = createEnvoyAgent({
    runDir: join(scratch.path, name),
    binary,
    bootstrap: bootstrap(port, text),
    args: ["--concurrency", "1"],
    backoff: { firstMs: 50, maxMs: 400, stableMs: 60_000 },
    onEvent: (event) => events.push(event),
  });
  agents.push(agent);
  expect(agent.state().state).toBe("stopped");
  await agent.start();
  return { agent, port };
}

test("two Envoys side by side become ready; a killed one is restarted; close ends them", async () => {
  const a = await start("a", "from a");
  const b = await start("b", "from b");
  await until(() => a.agent.state().state === "serving" && b.agent.state().state === "serving");
  expect(await ask(a.port)).toBe("from a");
  expect(await ask(b.port)).toBe("from b");
  expect(await a.agent.adminAddress()).not.toBe(await b.agent.adminAddress());

  process.kill(pids()[0]!, "SIGKILL");
  await until(() => a.agent.state().state === "degraded");
  expect(a.agent.state().lastError).toMatch(/was ended by SIGKILL/);
  await until(() => a.agent.state().state === "serving");
  expect(await ask(a.port)).toBe("from a");
  expect(pids()).toHaveLength(3);

  await a.agent.close();
  expect(a.agent.state().state).toBe("stopped");
  expect(await ask(a.port)).toBeNull();
  expect(await ask(b.port)).toBe("from b");
});

test("a run folder that is gone is made again; one that cannot be made is told and tried again", async () => {
  const { agent, port } = await start("a", "from a");
  const runDir = join(scratch.path, "a");
  await until(() => agent.state().state === "serving");
  await rm(runDir, { recursive: true });
  process.kill(pids()[0]!, "SIGKILL");
  await until(() => pids().length === 2 && agent.state().state === "serving");
  expect(await ask(port)).toBe("from a");

  await rm(runDir, { recursive: true });
  await writeFile(runDir, "in the way");
  process.kill(pids()[1]!, "SIGKILL");
  await until(() => events.filter((event) => event.kind === "died").length > 3);
  expect(agent.state()).toMatchObject({ state: "degraded" });
  expect(agent.state().lastError).toMatch(/^envoy cannot be started: EEXIST/);
  await rm(runDir);
  await until(() => agent.state().state === "serving");
  expect(await ask(port)).toBe("from a");
});

test("a bootstrap that Envoy refuses is reported with Envoy's words", async () => {
  const agent = createEnvoyAgent({ runDir: join(scratch.path, "bad"), binary, bootstrap: '{"nonsense": 1}' });
  agents.push(agent);
  await agent.start();
  await until(() => agent.state().state === "failed");
  expect(agent.state().lastError).toMatch(/nonsense/);
});
