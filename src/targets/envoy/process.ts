/**
 * How an Envoy runs: its command line, and what it is started by. Nothing of it can be told by xDS, so an Envoy that runs keeps what it was
 * started with, which the capability table says.
 */
import type { ProcessIr } from "../../ir/index.ts";
import type { Support } from "../target.ts";

const onCommandLine = {
  approximated:
    "stands on Envoy's command line (`trimtab bootstrap --print-arguments`): those that run keep what they were started with.",
  code: "PROCESS-ENVOY-ARGUMENTS",
} as const satisfies Support;

const byLauncher = {
  approximated:
    "is what an Envoy is started by (`trimtab bootstrap --print-launcher`): those that run keep what they were started with.",
  code: "PROCESS-ENVOY-ARGUMENTS",
} as const satisfies Support;

const noThreads = {
  refused: "`auto` cannot be done: Envoy does not bind its workers; name the CPUs on which it runs, as `0-3`",
  code: "PROCESS-AFFINITY-ENVOY",
  when: (value: unknown) => value === "auto",
} as const satisfies Support;

const alwaysShared = {
  refused: "false cannot be done: each of Envoy's workers has a socket of its own",
  code: "PROCESS-REUSE-PORT-ENVOY",
  when: (value: unknown) => value === false,
} as const satisfies Support;

/** What Envoy says of the leaves of `process`. */
export const processCapabilities = {
  "fleet.process.workers": onCommandLine,
  "fleet.process.cpuAffinity": [byLauncher, noThreads],
  "fleet.process.openFiles": byLauncher,
  "fleet.process.maxConnections": onCommandLine,
  "fleet.process.shutdownGrace": onCommandLine,
  "fleet.process.bufferSize": "exact",
  "fleet.process.backlog": "exact",
  "fleet.process.reusePort": alwaysShared,
  "fleet.process.tcpKeepalive.idle": "exact",
  "fleet.process.tcpKeepalive.interval": "exact",
  "fleet.process.tcpKeepalive.probes": "exact",
} as const satisfies Readonly<Record<string, Support>>;

const SECOND_MS = 1_000;
/** A hot restart's old process ends so long after its listeners have drained: Envoy's own defaults are as far apart in proportion. */
const AFTER_DRAIN_SECONDS = 15;

/** Flags of `envoy` beside `-c`, none with a blank: workers, connections, and how long those of changed listeners may go on. */
export function envoyArguments({ workers, maxConnections, shutdownGraceMs }: ProcessIr): readonly string[] {
  const seconds = shutdownGraceMs / SECOND_MS;
  const drain = ["--drain-time-s", String(seconds), "--parent-shutdown-time-s", String(seconds + AFTER_DRAIN_SECONDS)];
  const concurrency = workers === null ? [] : ["--concurrency", String(workers)];
  const connections =
    maxConnections === null ? [] : ["--config-yaml", JSON.stringify(connectionMonitor(maxConnections))];
  // Gradual, Envoy's default, would close idle connections at random moments of the grace.
  return [...drain, "--drain-strategy", "immediate", ...concurrency, ...connections];
}

const CONNECTIONS_CONFIG = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig";

/** Merged with the bootstrap that `-c` names. */
function connectionMonitor(max: number): object {
  const monitor = {
    name: "envoy.resource_monitors.global_downstream_max_connections",
    typed_config: {
      "@type": `type.googleapis.com/${CONNECTIONS_CONFIG}`,
      max_active_downstream_connections: max,
    },
  };
  return { overload_manager: { resource_monitors: [monitor] } };
}

/** What stands in front of `envoy`, of util-linux: its CPUs, and how much it may have open. Each ends by running the rest. */
export function envoyLauncher({ cpus, openFiles }: ProcessIr): readonly string[] {
  const onCpus = Array.isArray(cpus) ? ["taskset", "--cpu-list", cpus.join(",")] : [];
  const files = openFiles === null ? [] : ["prlimit", `--nofile=${openFiles}:${openFiles}`];
  return [...onCpus, ...files];
}
