/** Process groups: a proxy and all workers it forks. Each child leads a group of its own, so that none can outlive it. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How long killed processes get to vanish; the kernel needs milliseconds. */
const VANISH_MS = 2_000;
const VANISH_POLL_MS = 10;

/** `num_threads`, counted from the third field. */
const THREADS_FIELD = 17;

const liveGroups = new Set<number>();
let hooked = false;

/** From now on the group is killed when this process exits by itself, however it comes to that (not by SIGKILL). */
export function watchGroup(leader: number): void {
  liveGroups.add(leader);
  if (!hooked) {
    hooked = true;
    process.once("exit", () => {
      for (const group of liveGroups) {
        signalGroup(group, "SIGKILL");
      }
    });
  }
}

/** Kills what is left of a group whose leader is gone, and waits until it has vanished. */
export async function clearGroup(leader: number): Promise<void> {
  await vanished(() => signalGroup(leader, "SIGKILL") && livingMembers(leader).length > 0);
  liveGroups.delete(leader);
}

/** Resolves when none is left: only then are their sockets free. */
async function vanished(anyLeft: () => boolean): Promise<void> {
  const deadline = performance.now() + VANISH_MS;
  while (anyLeft() && performance.now() < deadline) {
    await sleep(VANISH_POLL_MS);
  }
}

/** False when no such group is there. */
export function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-leader, signal);
    return true;
  } catch {
    return false;
  }
}

const pidFile = (runDir: string): string => join(runDir, "child.pid");

/** Notes the group that runs in `runDir`, for `killLeftovers` of a later run. */
export async function recordGroup(runDir: string, leader: number | null): Promise<void> {
  await (leader === null ? rm(pidFile(runDir), { force: true }) : writeFile(pidFile(runDir), `${leader}\n`));
}

/**
 * Kills what a run that was itself killed left in `runDir`: the members of the recorded group that still have `runDir` as
 * their working folder. A number that another program has by now is thus left alone. Does nothing where /proc is missing.
 *
 * @returns how many were killed.
 */
export async function killLeftovers(runDir: string): Promise<number> {
  const leader = readOr(() => Number.parseInt(readFileSync(pidFile(runDir), "utf8"), 10), 0);
  if (!(leader > 1)) {
    return 0;
  }
  const home = realpathSync(runDir);
  const members = livingMembers(leader).filter((pid) => readOr(() => readlinkSync(`/proc/${pid}/cwd`), "") === home);
  for (const pid of members) {
    readOr(() => process.kill(pid, "SIGKILL"), false);
  }
  await vanished(() => livingMembers(leader).some((pid) => members.includes(pid)));
  await recordGroup(runDir, null);
  return members.length;
}

/** Without zombies: where nobody collects them they stay in the group for good. Empty where /proc is missing. */
function livingMembers(leader: number): readonly number[] {
  return readOr(() => readdirSync("/proc"), [])
    .filter((name) => /^[0-9]+$/.test(name) && isLivingMember(name, leader))
    .map(Number);
}

/**
 * Fields 3, 5 and 20 of /proc/PID/stat; the second field, a name in brackets, may hold spaces and brackets itself. A process whose first
 * thread has ended looks like a zombie, but has its sockets until its last thread ends.
 */
function isLivingMember(pid: string, leader: number): boolean {
  const stat = readOr(() => readFileSync(`/proc/${pid}/stat`, "utf8"), "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, , group] = fields;
  return Number(group) === leader && (state !== "Z" || Number(fields[THREADS_FIELD]) > 1);
}

function readOr<T>(read: () => T, fallback: T): T {
  try {
    return read();
  } catch {
    return fallback;
  }
}
