import { chmodSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scratchDir } from "../agent/testSupport.ts";
import { type AgentRunOptions, runAgent } from "./runAgent.ts";

let scratch: Awaited<ReturnType<typeof scratchDir>>;
beforeEach(async () => {
  scratch = await scratchDir();
});
afterEach(() => scratch.remove());

function options(runDir: string, more: Partial<AgentRunOptions> = {}): AgentRunOptions {
  const none = async (): Promise<never> => Promise.reject(new Error("not asked"));
  return {
    fleets: ["edge", "legacy"],
    node: "lb-1",
    runDir,
    client: { send: none, close: () => undefined },
    intervalMs: 1_000,
    run: "run-1",
    version: "0.1.0",
    find: none,
    tools: { check: none, rebound: none, runtimeChange: none, takenOut: none },
    random: () => 0,
    tell: () => undefined,
    onStart: () => undefined,
    stop: AbortSignal.abort(),
    ...more,
  };
}

test("the folder is its owner's, and has one for each fleet; one agent at a time has it, and lets it go", async () => {
  const runDir = join(scratch.path, "run");
  const stop = new AbortController();
  const { promise: started, resolve: onStart } = Promise.withResolvers<void>();
  const running = runAgent(options(runDir, { stop: stop.signal, onStart }));
  await started;
  await expect(runAgent(options(runDir))).rejects.toThrow(`another \`trimtab agent\` runs in ${runDir}`);
  stop.abort();
  await running;
  // Workers of an nginx that root starts pass through.
  const mode = process.geteuid?.() === 0 ? 0o711 : 0o700;
  expect([runDir, join(runDir, "edge"), join(runDir, "legacy")].map((path) => statSync(path).mode & 0o777)).toEqual([
    mode,
    mode,
    mode,
  ]);
  await runAgent(options(runDir));
});

test("a folder in which others can write is refused", async () => {
  const runDir = join(scratch.path, "open");
  mkdirSync(runDir);
  chmodSync(runDir, 0o777);
  await expect(runAgent(options(runDir))).rejects.toThrow(/others can write to .*chmod go-w/);
});
