/** Keeps one local Envoy running. It pulls its configuration by xDS, so there are no files to apply: only a bootstrap. */
import { mkdirSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { watchLeaving } from "../leaving.ts";
import { createSupervisor, DEFAULT_BACKOFF } from "../supervisor.ts";
import type { AgentState, ResourceAgent, ResourceAgentOptions } from "../types.ts";
import { envoyLeaving } from "./envoyLeaving.ts";

/** A question to the admin address costs Envoy's main thread next to nothing. */
const READY_POLL_MS = 100;
const READY_TIMEOUT_MS = 1_000;
/** Envoy ends on SIGTERM at once; what hangs longer than this is killed. */
const GRACE_MS = 5_000;

/** It does not tell when an endpoint drains: who drains one sees within this that it has something left. */
const LOOK_EVERY_MS = 5_000;

/** As any proxy that pulls; `serving`: the admin address says ready, so the first listeners and clusters are there. */
export interface EnvoyAgent extends ResourceAgent {
  /** `127.0.0.1:9901`; null until Envoy has told. */
  adminAddress(): Promise<string | null>;
}

/** As often as nginx is told to write its access log; Envoy's own is 10 s. */
const LOG_FLUSH = ["--file-flush-interval-msec", "1000"];

/**
 * Creates `runDir`. The bootstrap is JSON or YAML and must set `admin.address` (port 0 is fine). Hot restart is off: nobody
 * restarts this Envoy in place, and without it several Envoys on one machine share neither a base id nor a region of shared
 * memory.
 */
export function createEnvoyAgent(options: ResourceAgentOptions, lookEveryMs = LOOK_EVERY_MS): EnvoyAgent {
  const { runDir } = options;
  const tell = options.onEvent ?? (() => undefined);
  const bootstrapFile = join(runDir, "bootstrap.yaml");
  const addressFile = join(runDir, "admin-address");
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  let ready = false;
  let wasReady = false;
  let closed = false;
  let started = false;
  let lastError: string | null = null;

  const fixedArgs = ["-c", bootstrapFile, "--admin-address-path", addressFile, "--disable-hot-restart", ...LOG_FLUSH];
  const supervisor = createSupervisor({
    command: {
      binary: options.binary ?? "envoy",
      args: [...fixedArgs, "--log-level", "warning", ...(options.args ?? [])],
    },
    runDir,
    backoff: options.backoff ?? DEFAULT_BACKOFF,
    beforeStart: async () => {
      await rm(addressFile, { force: true });
      // A bootstrap may hold a token.
      await writeFile(bootstrapFile, options.bootstrap, { mode: 0o600 });
    },
    onStart: (pid) => {
      tell({ kind: "started", pid });
      void awaitReady(pid);
    },
    onDeath: (reason, restartInMs) => {
      ready = false;
      leaving.forget();
      const output = supervisor.output();
      lastError = `envoy ${reason}${output === "" ? "" : `:\n${output}`}`;
      tell({ kind: "died", reason: lastError, restartInMs });
    },
    onLine: (line) => tell({ kind: "line", line }),
    onLogged: (line) => tell({ kind: "logged", line }),
  });

  const leaving = watchLeaving({
    pid: () => supervisor.pid(),
    idleMs: lookEveryMs,
    ask: async (_pid, timeoutMs) => envoyLeaving(await adminAddress(), timeoutMs),
    onLeft: () => tell({ kind: "drained" }),
  });

  async function awaitReady(pid: number): Promise<void> {
    while (!closed && supervisor.pid() === pid) {
      const address = await adminAddress();
      if (address !== null && (await isReady(address)) && supervisor.pid() === pid) {
        ready = true;
        wasReady = true;
        lastError = null;
        tell({ kind: "serving", generation: "", applied: "start" });
        leaving.look();
        return;
      }
      await sleep(READY_POLL_MS);
    }
  }

  async function adminAddress(): Promise<string | null> {
    const text = await readFile(addressFile, "utf8").catch(() => "");
    return text.trim() === "" ? null : text.trim();
  }

  function state(): AgentState {
    if (closed || !started) {
      return { state: "stopped", generation: null, lastError };
    }
    if (ready) {
      return { state: "serving", generation: null, lastError };
    }
    const down = wasReady ? "degraded" : "failed";
    return { state: lastError === null ? "starting" : down, generation: null, lastError };
  }

  return {
    start: () => {
      started = true;
      return supervisor.start();
    },
    state,
    leaving: leaving.now,
    adminAddress,
    close: async () => {
      closed = true;
      leaving.close();
      ready = false;
      await supervisor.stop("SIGTERM", options.graceMs ?? GRACE_MS);
    },
  };
}

function isReady(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    // Half an address may be in the file yet.
    if (!URL.canParse(`http://${address}`)) {
      resolve(false);
      return;
    }
    const sent = get(`http://${address}/ready`, { agent: false, timeout: READY_TIMEOUT_MS }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve(false));
  });
}
