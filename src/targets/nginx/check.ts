/**
 * nginx's own checker on a rendering. `nginx -t` binds the listeners; that works beside a running nginx only because of a
 * quirk, needs the addresses on this machine, and needs root below port 1024. So the check runs in a network namespace of its
 * own where one can be made, in which every address can be bound.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { CheckResult, Rendered, RenderedFiles } from "../target.ts";

const run = promisify(execFile);
/** 10 000 routes take nginx about half a second; what takes longer than this hangs. */
const TIMEOUT_MS = 60_000;
/** What nginx prints about a broken file is a few lines. */
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** As in `mkdtemp`. */
const FOLDER_PREFIX = "trimtab-nginx-";

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
export async function checkNginx(rendered: Rendered, options: { readonly binary?: string } = {}): Promise<CheckResult> {
  if (rendered.kind !== "files") throw new Error("the nginx checker takes files");
  const binary = options.binary ?? "nginx";
  const folder = await mkdtemp(join(tmpdir(), FOLDER_PREFIX));
  try {
    await writeFiles(folder, rendered);
    const modules = await modulesFolder(binary);
    if (modules.missing) {
      return {
        ok: false,
        message: `${binary} was not found: install nginx (Debian: apt install nginx libnginx-mod-stream)`,
      };
    }
    // Debian's modules-enabled names modules relative to the prefix.
    if (modules.folder !== null) await symlink(modules.folder, join(folder, "modules"));
    namespace ??= findNamespace();
    const { command, globals } = await namespace;
    const configuration = ["-p", folder, "-c", join(folder, "nginx.conf")];
    const nginx = [binary, "-t", "-q", ...configuration, "-e", "stderr", "-g", `pid nginx.pid;${globals}`];
    const [program = "", ...args] = [...command, ...nginx];
    return await verdict(program, args, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeFiles(folder: string, { files }: RenderedFiles): Promise<void> {
  for (const { path, text, mode } of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { mode });
  }
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

async function verdict(program: string, args: readonly string[], folder: string): Promise<CheckResult> {
  try {
    await run(program, args, { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES });
    return { ok: true, message: "" };
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string };
    const text = (stderr === "" ? message : stderr).replaceAll(`${folder}/`, "").trim();
    // `2026/11/21 11:12:33 [emerg] 13318#13318: …`: time and process tell the user nothing.
    return { ok: false, message: text.replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d (\[\w+\]) \d+#\d+: /gm, "$1 ") };
  }
}
