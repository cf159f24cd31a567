/**
 * HAProxy, this machine's or another: started by hand from the rendered files with a second file that opens the stats socket, reloaded
 * through its master process, asked over that socket.
 */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { isRunning, logTail, startChild, stopChild, until } from "../harness/process.ts";
import type { ProxyAdapter, RunningProxy } from "./adapter.ts";
import { fetchFiles } from "./files.ts";

const run = promisify(execFile);
const LOG = "e2e.log";
/** Below the folder: of the folder itself HAProxy reads every `*.cfg`. */
const EXTRA = join("local", "e2e.cfg");
const SOCKET = "stats.sock";

/** One command on the stats socket. */
export function ask(proxy: RunningProxy, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(proxy.admin);
    let text = "";
    socket.setTimeout(2_000, () => socket.destroy(new Error("the stats socket does not answer")));
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      text += chunk.toString("utf8");
    });
    socket.on("end", () => resolve(text));
    socket.on("connect", () => socket.write(`${command}\n`));
  });
}

/** Made by HAProxy and by this adapter; its own sockets as well. */
const isOwn = (entry: string): boolean => [LOG, dirname(EXTRA)].includes(entry) || entry.endsWith(".sock");

const configArgs = (dir: string): string[] => ["-f", dir, "-f", join(dir, EXTRA)];

/** The description is how the running process tells which configuration it has. */
async function writeExtra(dir: string, description: string): Promise<void> {
  const socket = `stats socket ${join(dir, SOCKET)} mode 600 level admin expose-fd listeners`;
  await mkdir(join(dir, dirname(EXTRA)), { recursive: true });
  await writeFile(join(dir, EXTRA), `global\n  ${socket}\n  description ${description}\n`);
}

const described = (tag: string): string => tag.replaceAll(/[^A-Za-z0-9.-]/g, "") || "none";

/** The HAProxy of this program. */
export function haproxyOf(binary: string): ProxyAdapter {
  return {
    kind: "haproxy",
    live: false,

    async start({ program, fleet, address, dir, fromDir, under = [] }) {
      const tag = fromDir === true ? "rendered" : await fetchFiles(program, fleet, { dir, keep: isOwn });
      await writeExtra(dir, described(tag));
      await run(binary, ["-c", ...configArgs(dir)]);
      const [command = binary, ...before] = [...under, binary];
      const child = startChild(command, [...before, "-W", ...configArgs(dir)], { logFile: join(dir, LOG), cwd: dir });
      const proxy: RunningProxy = { kind: "haproxy", fleet, address, child, dir, admin: join(dir, SOCKET) };
      await untilDescribed(proxy, described(tag));
      return proxy;
    },

    async sync(proxy, program) {
      const tag = await fetchFiles(program, proxy.fleet, { dir: proxy.dir, keep: isOwn });
      await writeExtra(proxy.dir, described(tag));
      await run(binary, ["-c", ...configArgs(proxy.dir)]);
      process.kill(proxy.child.pid, "SIGUSR2");
      await untilDescribed(proxy, described(tag));
    },

    ask: async (proxy) => `${await ask(proxy, "show info")}\n${await ask(proxy, "show servers state")}`,
    stop: (proxy) => stopChild(proxy.child),
  };
}

export const haproxy: ProxyAdapter = haproxyOf("haproxy");

async function untilDescribed(proxy: RunningProxy, description: string): Promise<void> {
  await until("HAProxy runs the new configuration", async () => {
    if (!isRunning(proxy.child)) throw new Error(logTail(proxy.child));
    return (await ask(proxy, "show info")).includes(`description: ${description}`) ? true : null;
  });
}
