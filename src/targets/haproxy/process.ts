/** How HAProxy runs: what stands in `global`. */
import type { ProcessIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { buffersBoundHeads } from "../buffers.ts";
import type { Support } from "../target.ts";
import { number, time } from "./quote.ts";

/** HAProxy numbers threads, and CPUs in sets, up to this. */
const MOST_THREADS = 64;

const waits = {
  approximated: "leaves what is too much in the kernel's queue until there is room; Envoy closes it",
  code: "PROCESS-CONNECTIONS-HAPROXY",
} as const satisfies Support;

/** What HAProxy says of the leaves of `process`. */
export const processCapabilities = {
  "fleet.process.workers": "exact",
  "fleet.process.cpuAffinity": "exact",
  "fleet.process.openFiles": "exact",
  "fleet.process.maxConnections": waits,
  "fleet.process.bufferSize": buffersBoundHeads,
  "fleet.process.shutdownGrace": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Part of `global.hbs`. */
export interface ProcessView {
  /** Null: as many as the machine has CPUs. */
  readonly workers: Quoted<"number"> | null;
  /** Threads, and the CPU of each; null: the kernel decides. */
  readonly cpuMap: CpuMapView | null;
  readonly openFiles: Quoted<"number"> | null;
  readonly maxConnections: Quoted<"number"> | null;
  readonly shutdownGrace: Quoted<"time">;
}

interface CpuMapView {
  readonly threads: Quoted<"number">;
  /** Runs of CPUs, for a line has 64 words at most; `last` null: one CPU. */
  readonly runs: readonly { readonly first: Quoted<"number">; readonly last: Quoted<"number"> | null }[];
}

/** Workers of before a reload go by the grace that they were started with. */
export function processView({ workers, cpus, openFiles, maxConnections, shutdownGraceMs }: ProcessIr): ProcessView {
  return {
    workers: workers === null ? null : number(workers),
    cpuMap: cpus === null ? null : cpuMapOf(cpus === "auto" ? allCpus(workers ?? MOST_THREADS) : cpus),
    openFiles: openFiles === null ? null : number(openFiles),
    maxConnections: maxConnections === null ? null : number(maxConnections),
    shutdownGrace: time(shutdownGraceMs),
  };
}

function cpuMapOf(cpus: readonly number[]): CpuMapView {
  const runs: { first: number; last: number }[] = [];
  for (const cpu of cpus) {
    const run = runs.at(-1);
    if (run !== undefined && run.last + 1 === cpu) run.last = cpu;
    else runs.push({ first: cpu, last: cpu });
  }
  return {
    threads: number(cpus.length),
    runs: runs.map(({ first, last }) => ({ first: number(first), last: last === first ? null : number(last) })),
  };
}

function allCpus(count: number): readonly number[] {
  return Array.from({ length: count }, (_, cpu) => cpu);
}
