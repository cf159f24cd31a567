/** The three real proxies, started from what the targets rendered. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ProxyKind } from "../../ir/index.ts";
import { inlineBootstrap } from "../../targets/envoy/inline.ts";
import type { Rendered } from "../../targets/target.ts";
import { envoyBinary } from "../../tooling/binaries.ts";
import type { Place } from "./wire.ts";

/** Where each proxy listens: addresses of loopback that nothing else uses. */
export const ADDRESSES: Readonly<Record<ProxyKind, string>> = {
  envoy: "127.0.0.21",
  nginx: "127.0.0.22",
  haproxy: "127.0.0.23",
};
/** Debian's folder of dynamic modules; a dangling link elsewhere harms nobody. */
const NGINX_MODULES = "/usr/lib/nginx/modules";
const START_TIMEOUT_MS = 20_000;
const POLL_MS = 15;

/** A process of ours. */
export interface RunningProxy {
  readonly pid: number;
  /** What it wrote to stderr. */
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

/** What a person wrote for an Envoy. */
interface WrittenBootstrap {
  readonly kind: "bootstrap";
  /** JSON. */
  readonly text: string;
}

/** Starts a proxy and waits until it takes connections. Throws with its log when it does not. */
export async function startProxy(
  proxy: ProxyKind,
  rendered: Rendered | WrittenBootstrap,
  port: number,
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), `trimtab-same-${proxy}-`));
  const [program, argv] = await commandOf(proxy, rendered, folder);
  const child = spawn(program, argv, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (data) => {
    log = (log + data).slice(-20_000);
  });
  child.on("error", (error) => {
    log += String(error);
  });
  const stop = async (): Promise<void> => {
    // nginx's master takes its workers along only when it is asked to end.
    await ended(child, proxy === "nginx" ? "SIGTERM" : "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  const until = Date.now() + START_TIMEOUT_MS;
  while (!(await accepts({ address: ADDRESSES[proxy], port }))) {
    if (child.exitCode !== null || child.pid === undefined || Date.now() > until) {
      await stop();
      throw new Error(`${proxy} did not start: ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return { pid: child.pid as number, log: () => log, stop };
}

async function commandOf(
  proxy: ProxyKind,
  rendered: Rendered | WrittenBootstrap,
  folder: string,
): Promise<[string, string[]]> {
  if (rendered.kind !== "files") {
    const isWritten = rendered.kind === "bootstrap";
    const file = join(folder, isWritten ? "bootstrap.json" : "bootstrap.pb");
    writeFileSync(file, isWritten ? rendered.text : await inlineBootstrap(rendered, null));
    return [envoyBinary(), ["-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]];
  }
  for (const { path, text } of rendered.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  if (proxy === "haproxy") return ["haproxy", ["-f", folder]];
  mkdirSync(join(folder, "local"), { recursive: true });
  symlinkSync(NGINX_MODULES, join(folder, "modules"));
  const globals = "daemon off; pid nginx.pid; error_log stderr warn;";
  return ["nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr", "-g", globals]];
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await exit;
}

function accepts({ address, port }: Place): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
