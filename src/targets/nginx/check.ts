/**
 * nginx's own checker on a rendering. `nginx -t` binds the listeners; that works beside a running nginx only because of a
 * quirk, needs the addresses on this machine, and needs root below port 1024. So the check runs in a network namespace of its
 * own where one can be made, in which every address can be bound.
 */
import { execFile } from "node:child_process";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { inFolder, missing, placed, runChecker, writeFiles } from "../runChecker.ts";
import type { CheckOptions, CheckResult, Rendered, RenderedFile } from "../target.ts";

const run = promisify(execFile);
/** Of programs that only say something of themselves. */
const TIMEOUT_MS = 10_000;

/**
 * In a new network namespace: brings the loopback up and lets addresses be bound that no interface has. Where a tool or a
 * right is missing it goes on, and nginx's own message tells what was wrong. `"$@"` is the nginx command.
 */
const IN_NAMESPACE = [
  "ip link set lo up 2>/dev/null",
  "for f in /proc/sys/net/ipv4/ip_nonlocal_bind /proc/sys/net/ipv6/ip_nonlocal_bind; do { echo 1 > $f; } 2>/dev/null; done",
  "{ echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start; } 2>/dev/null",
  'exec "$@"',
].join("; ");

/** Whether `unshare` can give this process a network namespace; asked once. As root plainly, else through a user namespace. */
let namespace: Promise<Namespace> | null = null;

interface Namespace {
  /** What stands before the nginx command; empty when no namespace can be had. */
  readonly command: readonly string[];
  readonly globals: string;
}

/** Writes the files to a temporary folder and runs `nginx -t` there. Never throws for a broken rendering or a missing binary. */
export async function checkNginx(rendered: Rendered, options: CheckOptions = {}): Promise<CheckResult> {
  if (rendered.kind !== "files") throw new Error("the nginx checker takes files");
  const { files } = rendered;
  const binary = placed(options.binary ?? "nginx");
  return inFolder(async (folder) => {
    await writeFiles(folder, files.map(withoutLog));
    const modules = await modulesFolder(binary);
    if (modules.missing) return { ok: false, message: missing(binary, INSTALL) };
    // Debian's modules-enabled names modules relative to the prefix.
    if (modules.folder !== null) await symlink(modules.folder, join(folder, "modules"));
    namespace ??= findNamespace();
    const { command, globals } = await namespace;
    const configuration = ["-p", folder, "-c", join(folder, "nginx.conf")];
    const nginx = [binary, "-t", "-q", ...configuration, "-e", "stderr", "-g", `pid nginx.pid;${globals}`];
    const [program = binary, ...args] = [...command, ...nginx];
    return runChecker({ command: [program, ...args], folder, relevantPart: withoutHead, install: INSTALL });
  }, options.folder);
}

/** Where the log goes is of the proxy's machine: nginx would make the file here, or find no folder for it. */
function withoutLog(file: RenderedFile): RenderedFile {
  return { ...file, text: file.text.replace(/^( +access_log) \/\S+/gm, "$1 /dev/null") };
}

const INSTALL = "install nginx (Debian: apt-get install nginx libnginx-mod-stream)";

/** `2026/11/21 11:12:33 [emerg] 13318#13318: …`: time and process tell the user nothing. */
function withoutHead(line: string): string {
  return line.replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d (\[\w+\]) \d+#\d+: /, "$1 ");
}

async function modulesFolder(binary: string): Promise<{ missing: boolean; folder: string | null }> {
  try {
    const { stderr } = await run(binary, ["-V"], { timeout: TIMEOUT_MS });
    return { missing: false, folder: /--modules-path=(\S+)/.exec(stderr)?.[1] ?? null };
  } catch (error) {
    return { missing: (error as NodeJS.ErrnoException).code === "ENOENT", folder: null };
  }
}

/** In a user namespace nginx takes itself for root and would give its folders to a user that does not exist there. */
const WAYS = [
  { flags: ["-n"], globals: "" },
  { flags: ["-rn"], globals: " user root root;" },
];

async function findNamespace(): Promise<Namespace> {
  for (const { flags, globals } of WAYS) {
    try {
      await run("unshare", [...flags, "true"], { timeout: TIMEOUT_MS });
      return { command: ["unshare", ...flags, "sh", "-c", IN_NAMESPACE, "sh"], globals };
    } catch {
      // The next way, or none.
    }
  }
  return { command: [], globals: "" };
}
