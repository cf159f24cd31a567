/** How a fleet's proxies run, defaults filled in. */
import { defaults } from "../../gen/defaults.ts";
import { type KeepaliveIr, type ProcessIr, USUAL_PROCESS } from "../../ir/index.ts";
import { durationMs, type Fleet } from "../../model/index.ts";
import { parseByteSize } from "../../util/byteSize.ts";
import { parseCpuList } from "../../util/cpuList.ts";
import { reuse } from "../reuse.ts";

const DEFAULTS = { shutdownGrace: defaults["fleet.process.shutdownGrace"] };
const KEEPALIVE = {
  idle: defaults["fleet.process.tcpKeepalive.idle"],
  interval: defaults["fleet.process.tcpKeepalive.interval"],
  probes: defaults["fleet.process.tcpKeepalive.probes"],
};
const SECOND_MS = 1_000;

type Process = NonNullable<Fleet["process"]>;

/** Gives `before` itself when it says the same: so nearly all fleets have one object. */
export function compileProcess(process: Fleet["process"], before = USUAL_PROCESS): ProcessIr {
  const { shutdownGrace, workers, openFiles, maxConnections, backlog, reusePort, ...more } = {
    ...DEFAULTS,
    ...process,
  };
  const cpus = cpusOf(more);
  return reuse<ProcessIr>(before, {
    workers: workers ?? (Array.isArray(cpus) ? cpus.length : null),
    cpus,
    openFiles: openFiles ?? null,
    maxConnections: maxConnections ?? null,
    sockets: {
      backlog: backlog ?? null,
      reusePort: reusePort ?? null,
      keepalive: keepaliveOf(more),
      bufferBytes: more.bufferSize === undefined ? null : parseByteSize(more.bufferSize),
    },
    shutdownGraceMs: durationMs(shutdownGrace),
  });
}

function cpusOf({ cpuAffinity }: Pick<Process, "cpuAffinity">): ProcessIr["cpus"] {
  if (cpuAffinity === undefined) return null;
  return cpuAffinity === "auto" ? cpuAffinity : parseCpuList(cpuAffinity);
}

function keepaliveOf({ tcpKeepalive }: Pick<Process, "tcpKeepalive">): KeepaliveIr | null {
  if (tcpKeepalive === undefined) return null;
  const { idle, interval, probes } = { ...KEEPALIVE, ...tcpKeepalive };
  return { idleSeconds: durationMs(idle) / SECOND_MS, intervalSeconds: durationMs(interval) / SECOND_MS, probes };
}
