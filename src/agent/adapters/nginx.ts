/** nginx: how it is started, reloaded, stopped and asked which generation it runs. */
import { execFile } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { INNER_SOCKET } from "../../ir/index.ts";
import { childrenOf } from "../childProcesses.ts";
import { currentDir } from "../generations.ts";
import { socketPath } from "../socketPath.ts";
import type { FileAdapter, FileProxy, Leaving } from "../types.ts";

/** The master starts the new workers, sleeps 100 ms and only then tells the old ones to stop accepting. */
const SETTLE_MS = 150;
/** Our status server answers with a generation, 64 characters at most; what is longer is not ours. */
const MAX_ANSWER_BYTES = 256;
/** `nginx -V` prints constants; what takes longer than this hangs. */
const VERSION_TIMEOUT_MS = 5_000;

/**
 * The nginx of `<runDir>/current`. Its prefix is that folder, so relative temp paths live in the generation, and nginx takes
 * the path literally: through the link a HUP reads the files that the link names then (seen on 1.22.1). `daemon off` keeps
 * the master our child; `pid` and `error_log` are ours because rendered files name neither.
 */
function nginxProxy(options: { readonly runDir: string; readonly binary?: string }): FileProxy {
  const binary = options.binary ?? "nginx";
  const prefix = `${currentDir(options.runDir)}/`;
  const socket = socketPath(options.runDir, "nginx.sock");
  const globals = `daemon off; pid ${quote(join(options.runDir, "nginx.pid"))}; error_log stderr warn;`;
  return {
    name: "nginx",
    runDir: options.runDir,
    command: { binary, args: ["-p", prefix, "-c", join(prefix, "nginx.conf"), "-e", "stderr", "-g", globals] },
    reloadSignal: "SIGHUP",
    stopSignal: "SIGQUIT",
    settleMs: SETTLE_MS,
    resendAfterMs: null,
    bindsBesideOwn: false,
    // A bind that finds the socket taken (98) is logged at once but tried five times; only its last line is the verdict.
    saysReloadFailed: (line) => line.includes("[emerg]") && !/ bind\(\) to .* \(98: /.test(line),
    localFiles: async (generation) => {
      const modules = await modulesPath(binary);
      return {
        files: [{ path: "local/generation.conf", text: statusServer(socket, generation), mode: 0o644 }],
        // `load_module modules/x.so` of Debian's modules-enabled is relative to the prefix.
        links: modules === null ? [] : [{ path: "modules", target: modules }],
      };
    },
    // nginx does not bind over the socket files of a killed predecessor.
    beforeStart: async () => {
      const left = (await readdir(options.runDir)).filter((name) => INNER_SOCKET.test(name));
      for (const file of [socket, ...left.map((name) => join(options.runDir, name))]) await rm(file, { force: true });
    },
    runningGeneration: (timeoutMs) => askStatus(socket, timeoutMs),
    leaving: nginxLeaving,
    change: null,
  };
}

/** nginx as the agent runs it. */
export const nginxAdapter: FileAdapter = {
  output: "files",
  program: {
    file: "nginx",
    variable: "TRIMTAB_NGINX",
    versionArgs: ["-v"],
    versionPattern: /nginx\/([0-9.]+)/,
    install: "on Debian: `apt-get install nginx libnginx-mod-stream`",
    setUpPath: null,
  },
  createProxy: nginxProxy,
};

/** It tells nothing of single endpoints; but after a reload the workers of before end with their last connection. */
async function nginxLeaving(master: number): Promise<Leaving> {
  const lines = [...(await childrenOf(master)).values()];
  return { processes: lines.filter((line) => line.includes("shutting down")).length, endpoints: [] };
}

function statusServer(socket: string, generation: string): string {
  return [
    "# Written by the agent: tells which generation this nginx runs.",
    "server {",
    `  listen ${quote(`unix:${socket}`)};`,
    "  access_log off;",
    "  default_type text/plain;",
    `  location / { return 200 "${generation}"; }`,
    "}",
    "",
  ].join("\n");
}

/** nginx's double quotes. Only for `pid` and `listen`, which read no variables: `$` stands for itself. */
function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Where this nginx's dynamic modules lie, or null when it has none or does not run. */
async function modulesPath(binary: string): Promise<string | null> {
  const { stderr } = await promisify(execFile)(binary, ["-V"], { timeout: VERSION_TIMEOUT_MS }).catch(() => ({
    stderr: "",
  }));
  return /--modules-path=(\S+)/.exec(stderr)?.[1] ?? null;
}

function askStatus(socketPath: string, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    // Without an agent there is no keep-alive connection that an old worker would go on answering.
    const sent = request({ socketPath, path: "/", agent: false, timeout: timeoutMs, host: "generation" }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text = (text + part).slice(0, MAX_ANSWER_BYTES);
      });
      answer.on("end", () => resolve(answer.statusCode === 200 ? text : null));
      answer.on("error", () => resolve(null));
    });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve(null));
    sent.on("close", () => resolve(null));
    sent.end();
  });
}
