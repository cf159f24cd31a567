import { spawn } from "node:child_process";
import { readdir, readlink, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { finish } from "../util/steps.ts";
import { createFileAgent, type FileAgent, type FileAgentOptions } from "./fileAgent.ts";
import { KEPT_GENERATIONS } from "./generations.ts";
import {
  ask,
  checkWith,
  filesOf,
  filesWith,
  freePort,
  groupMembers,
  KINDS,
  loop,
  scratchDir,
  until,
} from "./testSupport.ts";
import type { AgentEvent, AgentFiles } from "./types.ts";

describe.each(KINDS)("a real $name", (kind) => {
  let scratch: Awaited<ReturnType<typeof scratchDir>>;
  let runDir: string;
  let port: number;
  let events: AgentEvent[];
  let agent: FileAgent;

  const FAST = { gapMs: 50, graceMs: 2_000, proofMs: 8_000, backoff: { firstMs: 50, maxMs: 400, stableMs: 60_000 } };
  /** Long after the end of a test: only tests of retries shorten it. */
  const NO_RETRY = { firstMs: 60_000, maxMs: 60_000, waitingMs: 60_000 };
  const pids = (): number[] => events.flatMap((event) => (event.kind === "started" ? [event.pid] : []));
  const files = (text: string) => filesOf(kind, port, text);
  const broken = (generation: string) => ({
    generation,
    sockets: [],
    files: [{ path: kind.file, text: "complete nonsense {\n", mode: 0o644 }],
  });

  /** Files that open `port` and another one. */
  const wanting = (generation: string, other: number) =>
    filesWith(kind, generation, [
      { name: "f", port },
      { name: "g", port: other },
    ]);

  function create(options: Partial<FileAgentOptions> = {}): FileAgent {
    agent = createFileAgent({
      proxy: kind.create({ runDir }),
      check: checkWith(kind, join(scratch.path, "check")),
      rebound: async (text, places) => finish(kind.rebind(text, places)),
      takenOut: async (all) => all,
      timing: { ...FAST, retry: NO_RETRY },
      onEvent: (event) => events.push(event),
      ...options,
    });
    return agent;
  }

  beforeEach(async () => {
    scratch = await scratchDir();
    runDir = join(scratch.path, "run dir");
    port = await freePort();
    events = [];
  });
  afterEach(async () => {
    await agent.close();
    for (const pid of pids()) {
      expect(groupMembers(pid)).toEqual([]);
    }
    await scratch.remove();
  });

  test("starts, applies new generations without a failed request, prunes old ones, and ends without a trace", async () => {
    create();
    expect(agent.state()).toEqual({ state: "stopped", generation: null, lastError: null });
    expect(await agent.apply(files("one"))).toEqual({ outcome: "serving", generation: "one" });
    expect(agent.state()).toEqual({ state: "serving", generation: "one", lastError: null });
    expect(await ask(port)).toBe("one");

    const traffic = loop(port);
    const names = Array.from({ length: KEPT_GENERATIONS + 2 }, (_, index) => `next-${index}`);
    for (const name of names) {
      expect(await agent.apply(files(name))).toEqual({ outcome: "serving", generation: name });
      expect(await ask(port)).toBe(name);
    }
    const answers = await traffic.stop();
    expect(answers.filter((answer) => answer === null)).toEqual([]);
    expect(new Set(answers).size).toBeGreaterThan(names.length / 2);

    expect(pids()).toHaveLength(1);
    expect(await readlink(join(runDir, "current"))).toBe(`generations/${names.at(-1)}`);
    expect(await readdir(join(runDir, "generations"))).toHaveLength(KEPT_GENERATIONS + 1);
    await agent.close();
    expect(groupMembers(pids()[0]!)).toEqual([]);
    expect(await ask(port)).toBeNull();
    expect(agent.state().state).toBe("stopped");
    expect(await agent.apply(files("late"))).toEqual({ outcome: "superseded", generation: "late" });
  });

  test("a configuration that the checker refuses changes nothing", async () => {
    create();
    await agent.apply(files("one"));
    const result = await agent.apply(broken("bad"));
    expect(result).toMatchObject({ outcome: "failed", generation: "bad", restoreError: null });
    expect(result.outcome === "failed" && result.error).toMatch(/unknown.*complete/);
    expect(agent.state()).toMatchObject({ state: "degraded", generation: "one" });
    expect(agent.failures()).toBe(1);
    expect(await ask(port)).toBe("one");
    expect(await readlink(join(runDir, "current"))).toBe("generations/one");
    // The same good files again: served already, and all is well again.
    expect(await agent.apply(files("one"))).toEqual({ outcome: "serving", generation: "one" });
    expect(agent.state()).toEqual({ state: "serving", generation: "one", lastError: null });
  });

  test.each<readonly [string, (taken: number) => AgentFiles]>([
    ["refused when it is read", () => broken("bad")],
    // Of HAProxy 2.6 that costs requests: its new worker silences the old one's listeners while it tries.
    ...(kind.name === "haproxy"
      ? []
      : [
          [
            "wants a port that was taken after we looked",
            (taken: number) => ({ ...wanting("bad", taken), sockets: [] }),
          ] as const,
        ]),
  ])("a reload that fails after the check (%s) leaves the old generation serving", async (_, bad) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const address = taken.address();
    create({ check: async () => ({ ok: true, message: "" }) });
    await agent.apply(files("one"));
    const traffic = loop(port);
    const result = await agent.apply(bad(typeof address === "object" && address !== null ? address.port : 0));
    const answers = await traffic.stop();
    taken.close();
    expect(result).toMatchObject({ outcome: "failed", generation: "bad", restoreError: null });
    expect(new Set(answers)).toEqual(new Set(["one"]));
    expect(agent.state()).toMatchObject({ state: "degraded", generation: "one" });
    expect(await readlink(join(runDir, "current"))).toBe("generations/one");
    expect(await agent.apply(files("two"))).toEqual({ outcome: "serving", generation: "two" });
    expect(await ask(port)).toBe("two");
    expect(pids()).toHaveLength(1);
  });

  test("a first configuration that does not start fails with the proxy's own words and leaves nothing running", async () => {
    create({ check: async () => ({ ok: true, message: "" }) });
    const result = await agent.apply(broken("bad"));
    expect(result.outcome === "failed" && result.error).toMatch(/unknown.*complete/);
    expect(agent.state()).toMatchObject({ state: "failed", generation: null });
    expect(await readdir(runDir)).not.toContain("current");
    const started = pids().length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(pids()).toHaveLength(started);
    expect(await agent.apply(files("good"))).toEqual({ outcome: "serving", generation: "good" });
  });

  test("a killed proxy is reported and restarted with the generation it had, its workers are gone", async () => {
    create();
    await agent.apply(files("one"));
    const first = pids()[0]!;
    expect(groupMembers(first).length).toBeGreaterThan(1);
    process.kill(first, "SIGKILL");
    await until(() => events.some((event) => event.kind === "died"));
    expect(agent.state()).toMatchObject({ state: "degraded", generation: null });
    expect(groupMembers(first)).toEqual([]);
    await until(() => agent.state().state === "serving");
    expect(agent.state()).toEqual({ state: "serving", generation: "one", lastError: null });
    expect(agent.failures()).toBe(1);
    expect(await ask(port)).toBe("one");
    expect(pids()).toHaveLength(2);
    expect(await agent.apply(files("two"))).toEqual({ outcome: "serving", generation: "two" });
  });

  test.each(["while files are written", "while it reloads", "after its first right answer"])(
    "a kill in the middle of an apply (%s) does not throw the new generation away",
    async (moment) => {
      const real = kind.create({ runDir });
      let killAt: string | null = null;
      const reached = (now: string): void => {
        if (killAt === now) {
          killAt = null;
          process.kill(pids()[0]!, "SIGKILL");
        }
      };
      const localFiles = (generation: string) => {
        reached("while files are written");
        return real.localFiles(generation);
      };
      const runningGeneration = async (timeoutMs: number) => {
        reached("while it reloads");
        const answer = await real.runningGeneration(timeoutMs);
        if (answer === "two") reached("after its first right answer");
        return answer;
      };
      create({ proxy: { ...real, localFiles, runningGeneration } });
      await agent.apply(files("one"));
      killAt = moment;
      expect(await agent.apply(files("two"))).toEqual({ outcome: "serving", generation: "two" });
      const died = () => events.filter((event) => event.kind === "died");
      // Its workers may have proved the generation before the master's end was noticed; and an apply that finds it gone replaces it
      // by itself, which is no death to be told.
      await until(() => (died().length > 0 || pids().length > 1) && agent.state().state === "serving");
      expect(agent.state()).toEqual({ state: "serving", generation: "two", lastError: null });
      expect(await ask(port)).toBe("two");
      // A restart that was on its way with the generation before is ended by the apply: one start more, on a busy machine.
      expect([2, 3]).toContain(pids().length);
      expect(died().length).toBeLessThanOrEqual(1);
      expect(events.filter((event) => event.kind === "failed")).toEqual([]);
    },
  );

  test("a restart that is on its way does not point an apply's proxy back to the generation before", async () => {
    const real = kind.create({ runDir });
    const current = () => readlink(join(runDir, "current"));
    let isHeld = false;
    const localFiles = async (generation: string) => {
      if (isHeld && generation === "one") {
        isHeld = false;
        // As long as the apply wants to overtake; it does not, so this takes its time.
        await until(async () => (await current()) === "generations/two", 400).catch(() => undefined);
      }
      return real.localFiles(generation);
    };
    create({ proxy: { ...real, localFiles } });
    await agent.apply(files("one"));
    await rm(join(runDir, "generations"), { recursive: true });
    isHeld = true;
    process.kill(pids()[0]!, "SIGKILL");
    await until(() => !isHeld);
    expect(await agent.apply(files("two"))).toEqual({ outcome: "serving", generation: "two" });
    expect(await current()).toBe("generations/two");
    expect(await ask(port)).toBe("two");
    expect(events.filter((event) => event.kind === "failed")).toEqual([]);
  });

  test("a proxy that is slow to start is not asked to reload meanwhile, which would end it", async () => {
    const binary = join(scratch.path, "slow");
    await writeFile(binary, `#!/bin/sh\nsleep 0.4\nexec ${kind.name} "$@"\n`, { mode: 0o755 });
    create({ proxy: { ...kind.create({ runDir, binary }), resendAfterMs: 50 } });
    expect(await agent.apply(files("one"))).toEqual({ outcome: "serving", generation: "one" });
    process.kill(pids()[0]!, "SIGKILL");
    await until(() => pids().length > 1 && agent.state().state === "serving");
    expect(pids()).toHaveLength(2);
  });

  test("deaths in a row: the pause doubles up to its bound", async () => {
    create();
    await agent.apply(files("one"));
    for (let round = 1; round <= 5; round += 1) {
      const count = pids().length;
      process.kill(pids().at(-1)!, "SIGKILL");
      await until(() => pids().length > count && agent.state().state === "serving");
    }
    const pauses = events.flatMap((event) => (event.kind === "died" ? [event.restartInMs] : []));
    expect(pauses).toEqual([50, 100, 200, 400, 400]);
  });

  test("a run folder that is removed is made again when the proxy is restarted", async () => {
    create();
    await agent.apply(files("one"));
    await rm(runDir, { recursive: true });
    process.kill(pids()[0]!, "SIGKILL");
    await until(() => events.some((event) => event.kind === "died"));
    await until(() => agent.state().state === "serving");
    expect(agent.state()).toEqual({ state: "serving", generation: "one", lastError: null });
    expect(await ask(port)).toBe("one");
    expect(await agent.apply(files("two"))).toEqual({ outcome: "serving", generation: "two" });
  });

  test("a run folder that is removed under a running proxy costs a restart at the next apply, no more", async () => {
    create();
    await agent.apply(files("one"));
    await rm(runDir, { recursive: true });
    expect(await agent.apply(files("two"))).toEqual({ outcome: "serving", generation: "two" });
    expect(await ask(port)).toBe("two");
    expect(await agent.apply(files("three"))).toEqual({ outcome: "serving", generation: "three" });
    expect(pids()).toHaveLength(2);
  });

  test("a run folder that cannot be made is told, and tried again until it can", async () => {
    create();
    await agent.apply(files("one"));
    await rm(runDir, { recursive: true });
    await writeFile(runDir, "in the way");
    process.kill(pids()[0]!, "SIGKILL");
    await until(() => events.filter((event) => event.kind === "died").length > 2);
    expect(agent.state().lastError).toMatch(/cannot be started: EEXIST/);
    const result = await agent.apply(files("two"));
    expect(result.outcome === "failed" && result.error).toMatch(/ENOTDIR|EEXIST/);
    await rm(runDir);
    await until(async () => (await ask(port)) === "one");
    expect(await agent.apply(files("two"))).toEqual({ outcome: "serving", generation: "two" });
    expect(agent.state()).toEqual({ state: "serving", generation: "two", lastError: null });
  });

  test("what failed is tried again by itself until it serves, and told once", async () => {
    let isFull = true;
    create({
      check: async () => (isFull ? { ok: false, message: "no room" } : { ok: true, message: "" }),
      timing: { ...FAST, retry: { ...NO_RETRY, firstMs: 100, maxMs: 400 } },
    });
    expect(await agent.apply(files("two"))).toMatchObject({
      outcome: "failed",
      error: `${kind.name} refuses the configuration: no room`,
    });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(agent.state()).toMatchObject({ state: "failed", generation: null });
    isFull = false;
    await until(() => agent.state().state === "serving");
    expect(agent.state()).toEqual({ state: "serving", generation: "two", lastError: null });
    expect(events.filter((event) => event.kind === "failed")).toHaveLength(1);
  });

  test("a failure that differs in times and process ids only is told once", async () => {
    let tries = 0;
    create({
      check: async () => ({ ok: false, message: `2026/11/21 10:00:0${++tries} [emerg] ${tries}#0: no` }),
      timing: { ...FAST, retry: { ...NO_RETRY, firstMs: 20, maxMs: 20 } },
    });
    expect(await agent.apply(files("one"))).toMatchObject({ outcome: "failed" });
    await until(() => tries > 2);
    expect(events.filter((event) => event.kind === "failed")).toHaveLength(1);
    expect(agent.state().lastError).toMatch(/no$/);
  });

  test("files that are asked for later end the tries of those that failed", async () => {
    create({ timing: { ...FAST, retry: { ...NO_RETRY, firstMs: 100, maxMs: 400 } } });
    await agent.apply(broken("bad"));
    expect(await agent.apply(files("good"))).toEqual({ outcome: "serving", generation: "good" });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(agent.state()).toEqual({ state: "serving", generation: "good", lastError: null });
  });

  test("a restarted proxy that does not answer in time is told once, and serves when it answers", async () => {
    const real = kind.create({ runDir });
    let mute = false;
    const runningGeneration = async (timeoutMs: number) => (mute ? null : real.runningGeneration(timeoutMs));
    create({ proxy: { ...real, runningGeneration }, timing: { ...FAST, proofMs: 600 } });
    await agent.apply(files("one"));
    mute = true;
    process.kill(pids()[0]!, "SIGKILL");
    await until(() => events.some((event) => event.kind === "failed"));
    expect(agent.state()).toMatchObject({ state: "degraded", generation: null });
    expect(agent.state().lastError).toMatch(/runs again, but generation one did not answer within 0.6 s/);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    mute = false;
    await until(() => agent.state().state === "serving");
    expect(agent.state()).toEqual({ state: "serving", generation: "one", lastError: null });
    expect(events.filter((event) => event.kind === "failed")).toHaveLength(1);
    expect(pids()).toHaveLength(2);
  });

  test("of applies that wait the newest wins, and two applies keep their distance", async () => {
    create({ timing: { ...FAST, retry: NO_RETRY, gapMs: 400 } });
    const first = agent.apply(files("one"));
    const second = agent.apply(files("two"));
    const third = agent.apply(files("three"));
    expect(await second).toEqual({ outcome: "superseded", generation: "two" });
    expect(await first).toEqual({ outcome: "serving", generation: "one" });
    const between = performance.now();
    expect(await third).toEqual({ outcome: "serving", generation: "three" });
    expect(performance.now() - between).toBeGreaterThan(390);
    expect(await ask(port)).toBe("three");
    expect(await readdir(join(runDir, "generations"))).not.toContain("two");
  });

  test("however many changes come, reloads are one after the other, and as few as the pauses between them allow", async () => {
    create({ timing: { ...FAST, retry: NO_RETRY, gapMs: 300 } });
    await agent.apply(files("start"));
    const results = Array.from({ length: 40 }, (_, index) => agent.apply(files(`next-${index}`)));
    const outcomes = (await Promise.all(results)).map(({ outcome }) => outcome);
    // None was under way: the first waits for the pause, and by then only the last is wanted.
    expect(outcomes).toEqual([...Array(39).fill("superseded"), "serving"]);
    expect(agent.applied()).toEqual({ applied: "reload", reloads: 1, runtimeChanges: 0 });
    expect(await ask(port)).toBe("next-39");
  });

  test("a reload leaves a process behind until its last connection is gone, which is told", async () => {
    create();
    await agent.apply(files("one"));
    const held = connect({ host: "127.0.0.1", port });
    held.on("error", () => undefined);
    // Half of a request: the process that took it waits for the rest.
    await new Promise((done) => held.write("GET / HTTP/1.1\r\nHost: a\r\n", done));
    // Whoever is asked after it has its turn after it.
    await ask(port);
    await agent.apply(files("two"));
    await until(() => agent.leaving().processes > 0);
    expect(agent.leaving().endpoints).toEqual([]);
    expect(events.some(({ kind: what }) => what === "drained")).toBe(false);
    held.destroy();
    await until(() => events.some(({ kind: what }) => what === "drained"));
    expect(agent.leaving()).toEqual({ processes: 0, endpoints: [] });
  });

  test("what a killed run left behind is ended by the next one", async () => {
    const input = JSON.stringify({ runDir, files: files("one"), kind: kind.name });
    const program = `
      import { adapters, createFileAgent } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
      const { runDir, files, kind } = ${input};
      const proxy = adapters[kind].createProxy({ runDir });
      const onEvent = (event) => event.kind === "started" && console.log(event.pid);
      const check = async () => ({ ok: true, message: "" });
      const agent = createFileAgent({ proxy, check, rebound: async (text) => text, onEvent });
      console.log((await agent.apply(files)).outcome);`;
    const run = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const printed: string[] = [];
    // A new Node on a busy machine takes its time: the test's own is the bound.
    for await (const line of createInterface({ input: run.stdout })) {
      printed.push(line);
      if (printed.length === 2) run.kill("SIGKILL");
    }
    expect(printed).toEqual([expect.stringMatching(/^[0-9]+$/), "serving"]);
    const orphan = Number(printed[0]);
    expect(groupMembers(orphan).length).toBeGreaterThan(1);
    expect(await ask(port)).toBe("one");

    create();
    expect(await agent.apply(files("two"))).toEqual({ outcome: "serving", generation: "two" });
    expect(groupMembers(orphan)).toEqual([]);
    expect(await ask(port)).toBe("two");
  });

  test("a program that is not there is an error with its name", async () => {
    create({ proxy: kind.create({ runDir, binary: "/nonexistent/proxy" }) });
    const result = await agent.apply(files("one"));
    expect(result.outcome === "failed" && result.error).toMatch(/cannot be run.*ENOENT/);
    expect(agent.state().state).toBe("failed");
  });
});
