/** How each proxy is started on a folder: one worker, in the foreground, as the agent does it otherwise. */
import { execFileSync } from "node:child_process";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { envoyBinary } from "../../src/tooling/binaries.ts";
import type { ProxyName } from "./aims.ts";
import type { Command } from "./processes.ts";

export interface Expert {
  readonly name: string;
  /** Below bench/expert. */
  readonly folder: string;
}

export interface ProxyKind {
  readonly name: ProxyName;
  /** The first is what is judged against; others are for reading (README.md says why). */
  readonly experts: readonly Expert[];
  /** The command that runs the files of a folder. */
  command(folder: string): Command;
}

/** One worker, and no memory shared with another Envoy of this machine. */
const ENVOY_FLAGS = ["--concurrency", "1", "--disable-hot-restart", "-l", "error"];
/** HAProxy allocates by these; its own default follows the limits of the machine. */
const HAPROXY_GLOBALS = "global\n  nbthread 1\n  maxconn 2000\n";

/** Every proxy that the bench knows. */
export const proxies: Readonly<Record<ProxyName, ProxyKind>> = {
  nginx: {
    name: "nginx",
    experts: [{ name: "expert", folder: "nginx" }],
    command(folder) {
      linkModules(folder);
      const globals = "daemon off; master_process off; pid nginx.pid; error_log stderr warn;";
      return {
        binary: "nginx",
        args: ["-p", `${folder}/`, "-c", join(folder, "nginx.conf"), "-e", "stderr", "-g", globals],
      };
    },
  },
  haproxy: {
    name: "haproxy",
    experts: [
      { name: "expert, maps", folder: "haproxy/maps" },
      { name: "expert, lines", folder: "haproxy/lines" },
    ],
    command(folder) {
      const globals = join(folder, "bench.cfg");
      writeFileSync(globals, HAPROXY_GLOBALS);
      // HAProxy reads all `*.cfg` of a folder, by name.
      return { binary: "haproxy", args: ["-db", "-f", folder] };
    },
  },
  envoy: {
    name: "envoy",
    experts: [{ name: "expert", folder: "envoy" }],
    command(folder) {
      return { binary: envoyBinary(), args: ["-c", join(folder, "envoy.yaml"), ...ENVOY_FLAGS] };
    },
  },
};

/** `load_module modules/x.so` of Debian's modules-enabled is relative to the prefix. */
function linkModules(folder: string): void {
  const link = join(folder, "modules");
  if (existsSync(link)) return;
  const told = execFileSync("sh", ["-c", "nginx -V 2>&1"], { encoding: "utf8" });
  const path = /--modules-path=(\S+)/.exec(told)?.[1];
  if (path !== undefined) symlinkSync(path, link);
}
