import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MAX_LINE, MAX_LOG_LINE } from "./lines.ts";
import { createSupervisor, type Supervisor } from "./supervisor.ts";
import { groupMembers, scratchDir, until } from "./testSupport.ts";

const GRACE_MS = 2_000;
let scratch: Awaited<ReturnType<typeof scratchDir>>;
let pids: number[];
let lines: string[];
let logged: string[];
let supervisor: Supervisor;

beforeEach(async () => {
  scratch = await scratchDir();
  [pids, lines, logged] = [[], [], []];
});
afterEach(async () => {
  await supervisor.stop("SIGKILL", GRACE_MS);
  for (const pid of pids) expect(groupMembers(pid)).toEqual([]);
  await scratch.remove();
});

/** Keeps a shell running that does this. */
function keeping(script: string): void {
  supervisor = createSupervisor({
    command: { binary: "/bin/sh", args: ["-c", script] },
    runDir: scratch.path,
    backoff: { firstMs: 60_000, maxMs: 60_000, stableMs: 60_000 },
    onStart: (pid) => pids.push(pid),
    onDeath: () => undefined,
    onLine: (line) => lines.push(line),
    onLogged: (line) => logged.push(line),
  });
}

test("lines of the access log are told apart; what is too long is cut, what is no UTF-8 is replaced", async () => {
  const long = (length: number, end: string) => `head -c ${length} /dev/zero | tr '\\0' '${end}'; echo`;
  keeping(`
    echo '{"path":"/"}'; echo hello; printf '{"agent":"\\377\\303\\244"}\\n'
    printf '{'; ${long(4 * MAX_LOG_LINE, "x")}; ${long(4 * MAX_LOG_LINE, "y")}; echo bad >&2; echo end; exec sleep 60`);
  await supervisor.start();
  await until(() => lines.includes("end") && lines.includes("bad"));
  expect(logged).toEqual(['{"path":"/"}', '{"agent":"\ufffd\u00e4"}', `{${"x".repeat(MAX_LOG_LINE - 1)}`]);
  expect(lines.filter((line) => line !== "bad")).toEqual(["hello", "y".repeat(MAX_LINE), "end"]);
});

test("starts and stops leave neither a file descriptor nor a pipe behind", async () => {
  keeping("echo started; exec sleep 60");
  const open = () => readdirSync("/proc/self/fd").length;
  const cycle = async (): Promise<void> => {
    await supervisor.start();
    await supervisor.stop("SIGTERM", GRACE_MS);
  };
  await cycle();
  const before = open();
  for (let round = 0; round < 10; round += 1) await cycle();
  await until(() => open() <= before);
  expect(pids).toHaveLength(11);
  expect(readdirSync(scratch.path)).toEqual([]);
});

test("a stop while a start is on its way ends it, and the next start is another", async () => {
  keeping("exec sleep 60");
  for (let turns = 0; turns < 12; turns += 1) {
    const started = supervisor.start();
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resume) => setImmediate(resume));
    await supervisor.stop("SIGTERM", GRACE_MS);
    await started;
    expect(supervisor.pid()).toBeNull();
  }
  await supervisor.start();
  expect(groupMembers(supervisor.pid()!)).toHaveLength(1);
  expect(supervisor.deaths()).toBe(0);
});

test("who left the group and kept the output open holds nothing up, and says nothing in the next child's name", async () => {
  // It says when it is out of the group, and waits for `go`, ten seconds at most.
  const wait = "for i in $(seq 200); do [ -e go ] && break; sleep 0.05; done";
  const leaver = `touch left; trap "" PIPE; ${wait}; echo late; echo late >&2; touch said`;
  keeping(`[ -e left ] || { setsid sh -c '${leaver}' & }; exec sleep 60`);
  const has = (name: string) => until(() => readdirSync(scratch.path).includes(name));
  await supervisor.start();
  await has("left");
  await supervisor.stop("SIGTERM", GRACE_MS);
  await supervisor.start();
  await writeFile(join(scratch.path, "go"), "");
  await has("said");
  // What was said would be read by now.
  await sleep(50);
  expect(lines).toEqual([]);
});
