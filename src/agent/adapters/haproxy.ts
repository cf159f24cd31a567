/** HAProxy: how it is started, reloaded, stopped and asked which generation it runs. */
import { rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { currentDir } from "../generations.ts";
import { socketPath } from "../socketPath.ts";
import type { FileAdapter, FileProxy } from "../types.ts";

/** The new worker tells the old one to stop as soon as its own listeners are ready; this covers the signal's way. */
const SETTLE_MS = 60;
/** A USR2 soon after the start was lost in 3 of 30 runs on 2.6; a reload of 2000 backends takes up to 540 ms. */
const RESEND_AFTER_MS = 1_500;
/** `show info` is about 3 KiB. */
const MAX_ANSWER_BYTES = 65_536;

/**
 * The HAProxy of `<runDir>/current` in master-worker mode: on USR2 the master runs itself again with the same arguments, so
 * through the link it reads the files that the link names then (seen on 2.6.12), and a refused file leaves the old worker
 * serving. The agent's second file sets `description` (the generation) and the socket that is asked for it; that the
 * listeners pass from worker to worker without a closed moment is HAProxy's own doing (`-x sockpair@`).
 */
function haproxyProxy(options: { readonly runDir: string; readonly binary?: string }): FileProxy {
  const current = currentDir(options.runDir);
  const socket = socketPath(options.runDir, "haproxy.sock");
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
    runningGeneration: async (timeoutMs) => {
      const info = await askSocket(socket, timeoutMs);
      return /^description: (.*)$/m.exec(info)?.[1] ?? null;
    },
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
    `  description ${generation}`,
    `  stats socket '${socket.replaceAll("'", "'\\''")}' mode 600 level operator expose-fd listeners`,
    "",
  ].join("\n");
}

function askSocket(path: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ path });
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write("show info\n"));
    socket.on("data", (part: string) => {
      text = (text + part).slice(0, MAX_ANSWER_BYTES);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}
