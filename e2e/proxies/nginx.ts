/** nginx, this machine's or another: started by hand from the rendered files, reloaded by SIGHUP, asked by `nginx -T`. */
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { isRunning, logTail, startChild, stopChild, until } from "../harness/process.ts";
import type { ProxyAdapter, RunningProxy } from "./adapter.ts";
import { fetchFiles } from "./files.ts";

const run = promisify(execFile);
const LOG = "e2e.log";
/** Made by nginx and by this adapter; everything else in the directory comes from the program. */
const OWN_ENTRIES = [
  "modules",
  LOG,
  "nginx.pid",
  "client_body_temp",
  "proxy_temp",
  "fastcgi_temp",
  "uwsgi_temp",
  "scgi_temp",
  "logs",
];

/** nginx's own sockets. */
const OWN_SOCKET = /^trimtab-.*\.sock$/;

const configArgs = (dir: string): string[] => ["-p", dir, "-c", join(dir, "nginx.conf"), "-e", "stderr"];

const isOwn = (entry: string): boolean => OWN_ENTRIES.includes(entry) || OWN_SOCKET.test(entry);

/** The nginx of this program. */
export function nginxOf(binary: string): ProxyAdapter {
  return {
    kind: "nginx",
    live: false,

    async start({ program, fleet, address, dir, fromDir, under = [] }) {
      if (fromDir !== true) await fetchFiles(program, fleet, { dir, keep: isOwn });
      await mkdir(join(dir, "logs"), { recursive: true });
      await linkModules(binary, dir);
      await run(binary, ["-t", ...configArgs(dir)], { cwd: dir });
      const args = [...configArgs(dir), "-g", "daemon off; pid nginx.pid;"];
      const [command = binary, ...before] = [...under, binary];
      const child = startChild(command, [...before, ...args], { logFile: join(dir, LOG), cwd: dir });
      const proxy: RunningProxy = { kind: "nginx", fleet, address, child, dir, admin: "" };
      await until("nginx has workers", async () => {
        if (!isRunning(child)) throw new Error(logTail(child));
        return (await workers(child.pid)).length > 0 ? true : null;
      });
      return proxy;
    },

    async sync(proxy, program) {
      await fetchFiles(program, proxy.fleet, { dir: proxy.dir, keep: isOwn });
      await run(binary, ["-t", ...configArgs(proxy.dir)], { cwd: proxy.dir });
      const before = new Set(await workers(proxy.child.pid));
      process.kill(proxy.child.pid, "SIGHUP");
      await until("new nginx workers have replaced the old", async () => {
        const now = await workers(proxy.child.pid);
        return now.length > 0 && now.every((pid) => !before.has(pid)) ? true : null;
      });
    },

    async ask(proxy) {
      return (await run(binary, ["-T", ...configArgs(proxy.dir)], { maxBuffer: 64 * 1024 * 1024 })).stdout;
    },

    stop: (proxy) => stopChild(proxy.child),
  };
}

export const nginx: ProxyAdapter = nginxOf("nginx");

/** The head of nginx.conf says that `modules` must be there: Debian's modules-enabled names modules relative to the prefix. */
async function linkModules(binary: string, dir: string): Promise<void> {
  const { stderr } = await run(binary, ["-V"]);
  const folder = /--modules-path=(\S+)/.exec(stderr)?.[1];
  if (folder === undefined) return;
  await rm(join(dir, "modules"), { force: true });
  await symlink(folder, join(dir, "modules"));
}

/** Pids of the workers that accept connections (those that finish their last requests have another title). */
async function workers(master: number): Promise<string[]> {
  const children = (await readFile(`/proc/${master}/task/${master}/children`, "utf8")).trim().split(" ");
  const accepting: string[] = [];
  for (const pid of children.filter((entry) => entry !== "")) {
    const title = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
    if (title.includes("nginx: worker process") && !title.includes("shutting down")) accepting.push(pid);
  }
  return accepting;
}
