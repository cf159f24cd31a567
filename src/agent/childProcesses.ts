/** The child processes of a proxy's master: its workers, and those of before a reload. */
import { readFile } from "node:fs/promises";

/** What runs, by pid: its command line, in which nginx writes what a process does. Empty where /proc is missing. */
export async function childrenOf(leader: number): Promise<ReadonlyMap<number, string>> {
  const text = await readFile(`/proc/${leader}/task/${leader}/children`, "utf8").catch(() => "");
  const pids = text
    .split(" ")
    .filter((word) => word !== "")
    .map(Number);
  const found = new Map<number, string>();
  for (const pid of pids) {
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    // Of one that has ended but was not collected yet it is empty.
    if (line !== "") found.set(pid, line.replaceAll("\0", " "));
  }
  return found;
}
