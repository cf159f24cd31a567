/** HAProxy: how it is started, reloaded, stopped and asked which generation it runs. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DRAIN_PLAN_FILE } from "../../ir/index.ts";
import { currentDir } from "../generations.ts";
import { socketPath } from "../socketPath.ts";
import type { FileAdapter, FileProxy } from "../types.ts";
import { createDrainEnds } from "./haproxyDrains.ts";
import { haproxyLeaving } from "./haproxyLeaving.ts";
import { askGeneration, createChangeHaproxy, GENERATION_VARIABLE } from "./haproxyRuntime.ts";

/** The new worker tells the old one to stop as soon as its own listeners are ready; this covers the signal's way. */
const SETTLE_MS = 60;
/** A USR2 soon after the start was lost in 3 of 30 runs on 2.6; a reload of 2000 backends takes up to 540 ms. */
const RESEND_AFTER_MS = 1_500;

/**
 * The HAProxy of `<runDir>/current` in master-worker mode: on USR2 the master runs itself again with the same arguments, so
 * through the link it reads the files that the link names then (seen on 2.6.12), and a refused file leaves the old worker
 * serving. The agent's second file sets a variable (the generation) and the socket that is asked for it and that changes servers
 * of the running process; that the listeners pass from worker to worker without a closed moment is HAProxy's own doing
 * (`-x sockpair@`).
 */
function haproxyProxy(options: { readonly runDir: string; readonly binary?: string }): FileProxy {
  const current = currentDir(options.runDir);
  const socket = socketPath(options.runDir, "haproxy.sock");
  const ends = createDrainEnds(join(current, DRAIN_PLAN_FILE));
  const agentFile = join("local", "agent.cfg");
  return {
    name: "haproxy",
    runDir: options.runDir,
    command: {
      binary: options.binary ?? "haproxy",
      // Of a folder HAProxy reads every `*.cfg` in it, but not below: the agent's own file comes beside.
      args: ["-W", "-f", current, "-f", join(current, agentFile)],
    },
    reloadSignal: "SIGUSR2",
    stopSignal: "SIGUSR1",
    settleMs: SETTLE_MS,
    resendAfterMs: RESEND_AFTER_MS,
    // It shares ports among its processes (SO_REUSEPORT).
    bindsBesideOwn: true,
    saysReloadFailed: (line) => line.includes("Loading failure!"),
    localFiles: async (generation) => ({
      files: [{ path: agentFile, text: agentConfig(socket, generation), mode: 0o644 }],
      links: [],
    }),
    beforeStart: () => rm(socket, { force: true }),
    runningGeneration: (timeoutMs) => askGeneration(socket, timeoutMs),
    leaving: (pid, timeoutMs) => haproxyLeaving({ socket, master: pid, ends }, timeoutMs),
    change: createChangeHaproxy(socket),
  };
}

/** HAProxy as the agent runs it. */
export const haproxyAdapter: FileAdapter = {
  output: "files",
  program: {
    file: "haproxy",
    variable: "TRIMTAB_HAPROXY",
    versionArgs: ["-v"],
    versionPattern: /version ([0-9.]+)/,
    install: "on Debian: `apt-get install haproxy`",
    setUpPath: null,
  },
  createProxy: haproxyProxy,
};

function agentConfig(socket: string, generation: string): string {
  return [
    "# Written by the agent: tells which generation this HAProxy runs.",
    "global",
    `  set-var ${GENERATION_VARIABLE} str(${generation})`,
    `  stats socket '${socket.replaceAll("'", "'\\''")}' mode 600 level admin expose-fd listeners`,
    "",
  ].join("\n");
}
