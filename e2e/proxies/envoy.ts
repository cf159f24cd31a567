/** Envoy: started from `trimtab bootstrap`, configured by the program over xDS, asked through its admin interface. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../harness/ports.ts";
import { isRunning, logTail, startChild, stopChild, until } from "../harness/process.ts";
import { cli, repositoryRoot } from "../harness/program.ts";
import type { ProxyAdapter, RunningProxy } from "./adapter.ts";

/** Access logs are written after so long; Envoy's own is 10 s. */
const LOG_FLUSH_MS = 250;
/** How long listeners drain when one is removed; short, so that the cases see the end of it. */
const DRAIN_SECONDS = 2;

/** The binary: `TRIMTAB_ENVOY`, else what set-up put into `.trimtab/bin`, else the one on PATH. */
export function envoyBinary(): string {
  const installed = join(repositoryRoot, ".trimtab", "bin", "envoy");
  return process.env.TRIMTAB_ENVOY ?? (existsSync(installed) ? installed : "envoy");
}

/** One path of the admin interface, as text. */
export async function adminGet(proxy: RunningProxy, path: string): Promise<string> {
  const answer = await fetch(proxy.admin + path);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`Envoy's admin answered ${answer.status} to ${path}: ${text}`);
  return text;
}

/** A counter or gauge by its full name; 0 when Envoy has not made it yet. */
export async function stat(proxy: RunningProxy, name: string): Promise<number> {
  const text = await adminGet(proxy, `/stats?filter=${encodeURIComponent(`^${name.replaceAll(".", "\\.")}$`)}`);
  return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
}

/**
 * Every `version_info` in the configuration dump, per resource: what must not change when nothing was changed. Listeners that
 * still drain after an earlier change are left out with their route tables, which have their names, and with secrets that nothing
 * else names: they go by themselves.
 */
export async function versions(proxy: RunningProxy): Promise<Record<string, string>> {
  const dump = JSON.parse(await adminGet(proxy, "/config_dump?include_eds"));
  const found: Record<string, string> = {};
  const draining = new Set<unknown>();
  const namedSecrets = new Set<unknown>();
  const walk = (value: unknown, path: string): void => {
    if (value === null || typeof value !== "object") return;
    const record = value as Record<string, unknown>;
    if ("draining_state" in record && !("active_state" in record)) draining.add(record.name);
    if ("sds_config" in record) namedSecrets.add(record.name);
    if (typeof record.version_info === "string") found[`${path} ${nameOf(record)}`] = record.version_info;
    for (const [key, entry] of Object.entries(record))
      if (key !== "draining_state") walk(entry, Array.isArray(value) ? path : `${path}/${key}`);
  };
  walk(dump, "");
  const isGoing = (place: string): boolean => {
    const [kind = "", name] = place.split(" ");
    if (kind.endsWith("/dynamic_route_configs")) return draining.has(name);
    return kind.endsWith("/dynamic_active_secrets") && !namedSecrets.has(name);
  };
  return Object.fromEntries(Object.entries(found).filter(([place]) => !isGoing(place)));
}

function nameOf(record: Record<string, unknown>): string {
  for (const key of ["cluster", "route_config", "listener", "endpoint_config"]) {
    const body = record[key] as Record<string, unknown> | undefined;
    const name = body?.name ?? body?.cluster_name;
    if (typeof name === "string") return name;
  }
  return typeof record.name === "string" ? record.name : "";
}

export const envoy: ProxyAdapter = {
  kind: "envoy",
  live: true,

  async start({ program, fleet, address, dir, under = [] }) {
    const admin = `127.0.0.1:${await freePort("127.0.0.1")}`;
    const bootstrap = await cli("bootstrap", "--fleet", fleet, "--xds", program.xds, "--admin", admin);
    const file = join(dir, bootstrap.trimStart().startsWith("{") ? "bootstrap.json" : "bootstrap.yaml");
    await writeFile(file, bootstrap);
    const args = ["-c", file, "--disable-hot-restart", "--concurrency", "2", "--drain-time-s", String(DRAIN_SECONDS)];
    args.push("--file-flush-interval-msec", String(LOG_FLUSH_MS));
    const [command = "", ...before] = [...under, envoyBinary()];
    const child = startChild(command, [...before, ...args, "--log-level", "warning"], {
      logFile: join(dir, "envoy.log"),
    });
    const proxy: RunningProxy = { kind: "envoy", fleet, address, child, dir, admin: `http://${admin}` };
    try {
      // Its admin answers while it waits for its first configuration; whether it serves is for the caller to see.
      await until("Envoy's admin answers", () => (isRunning(child) ? adminGet(proxy, "/server_info") : "ended"));
      if (!isRunning(child)) throw new Error(`Envoy ended:\n${logTail(child)}`);
    } catch (error) {
      await stopChild(child);
      throw error;
    }
    return proxy;
  },

  sync: async () => {},
  ask: (proxy) => adminGet(proxy, "/config_dump?include_eds"),
  stop: (proxy) => stopChild(proxy.child),
};
