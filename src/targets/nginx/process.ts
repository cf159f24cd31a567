/** How nginx runs: what stands in front of all blocks, and what it may have. */
import type { FleetIr, ProcessIr } from "../../ir/index.ts";
import { buffersBoundHeads } from "../buffers.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";
import { milliseconds, type Word, word } from "./quote.ts";

/** Of each worker. */
const USUAL_OPEN_FILES = 16_384;
const USUAL_CONNECTIONS = 8_192;
/** Of a client's connection: it, and the one to an endpoint. */
const SOCKETS_OF_CONNECTION = 2;
/** Beside those: listening sockets, files of logs, the other workers. */
const OWN_FILES = 512;

const halvesAndParts = {
  approximated:
    "is an equal part for each worker, with as many connections to endpoints: nginx refuses what is too much for one worker while " +
    "another has room",
  code: "PROCESS-CONNECTIONS-NGINX",
} as const satisfies Support;

const withoutWorkers = {
  refused: "needs `workers` (or CPUs in `cpuAffinity`): nginx has a limit of each worker only",
  code: "PROCESS-WORKERS-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** What nginx says of the leaves of `process`. */
export const processCapabilities = {
  "fleet.process.workers": "exact",
  "fleet.process.cpuAffinity": "exact",
  "fleet.process.openFiles": "exact",
  "fleet.process.maxConnections": [halvesAndParts, withoutWorkers],
  "fleet.process.bufferSize": buffersBoundHeads,
  "fleet.process.shutdownGrace": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** A limit that cannot be divided. */
export function inspectProcess({ name, process: { maxConnections, workers } }: FleetIr): readonly Finding[] {
  if (maxConnections === null || workers !== null) return [];
  return [
    {
      code: withoutWorkers.code,
      severity: "error",
      message: withoutWorkers.refused,
      resource: { kind: "fleet", name },
      pointer: "/process/maxConnections",
    },
  ];
}

/** Part of `nginx.hbs`. */
export interface ProcessView {
  readonly workers: Word;
  /** `auto`, or a mask for each worker; none: the kernel decides. */
  readonly cpus: readonly { readonly mask: Word }[];
  readonly openFiles: Word;
  readonly connections: Word;
  readonly shutdownGrace: Word;
}

/** Workers of before a reload go by the grace that they were started with. */
export function processView(process: ProcessIr): ProcessView {
  const { workers, cpus, openFiles, shutdownGraceMs } = process;
  const connections = connectionsOf(process);
  const masks = cpus === null ? [] : cpus === "auto" ? [cpus] : cpus.map(mask);
  return {
    workers: word(workers ?? "auto"),
    cpus: masks.map((text) => ({ mask: word(text) })),
    openFiles: word(openFiles ?? Math.max(USUAL_OPEN_FILES, connections + OWN_FILES)),
    connections: word(connections),
    shutdownGrace: milliseconds(shutdownGraceMs),
  };
}

function connectionsOf({ maxConnections, workers }: ProcessIr): number {
  if (maxConnections === null || workers === null) return USUAL_CONNECTIONS;
  return Math.ceil((maxConnections * SOCKETS_OF_CONNECTION) / workers) + OWN_FILES;
}

/** One bit, the first CPU on the right. */
function mask(cpu: number): string {
  return `1${"0".repeat(cpu)}`;
}
