/** What a proxy's processes use, by the kernel's count. */
import { readFileSync } from "node:fs";

/** Clock ticks of a second in /proc: the same on all Linux systems of today. */
const TICKS = 100;
const KIB = 1024;

export interface Usage {
  readonly cpuSeconds: number;
  readonly mebibytes: number;
}

/** Of a process and those that it started. */
export function usageOf(pid: number): Usage {
  const all = [pid, ...childrenOf(pid)];
  let [cpuSeconds, mebibytes] = [0, 0];
  for (const each of all) {
    const stat = read(`/proc/${each}/stat`);
    // Behind the name, which may have blanks: state is the first, utime and stime the 12th and 13th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    cpuSeconds += (Number(fields[11]) + Number(fields[12])) / TICKS;
    mebibytes += Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${each}/status`))?.[1] ?? 0) / KIB;
  }
  return { cpuSeconds, mebibytes };
}

function childrenOf(pid: number): number[] {
  const found = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return found.flatMap((child) => [child, ...childrenOf(child)]);
}

function read(path: string): string {
  return readFileSync(path, "utf8");
}
