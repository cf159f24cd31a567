import { ChildProcess } from "node:child_process";
import { readlink } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { finish } from "../util/steps.ts";
import { createFileAgent, type FileAgent } from "./fileAgent.ts";
import type { AgentTiming } from "./generationSwitch.ts";
import {
  ask,
  filesWith,
  freePort,
  groupMembers,
  KINDS,
  loop,
  scratchDir,
  type TestListener,
  until,
} from "./testSupport.ts";
import type { AgentEvent, AgentFiles, FileProxy, ListenerState, LocalFiles } from "./types.ts";

const TIMING = {
  // HAProxy loses a USR2 that comes sooner after its start.
  gapMs: 250,
  graceMs: 2_000,
  proofMs: 8_000,
  backoff: { firstMs: 50, maxMs: 400, stableMs: 60_000 },
  retry: { firstMs: 100, maxMs: 400, waitingMs: 100 },
};

describe.each(KINDS)("a real $name", (kind) => {
  let scratch: Awaited<ReturnType<typeof scratchDir>>;
  let events: AgentEvent[];
  let agent: FileAgent;
  let squatters: Server[];
  let ports: number[];
  let f: TestListener;
  let g: TestListener;

  const runDir = (): string => join(scratch.path, "run");
  const pids = (): number[] => events.flatMap((event) => (event.kind === "started" ? [event.pid] : []));
  const files = (text: string, ...listeners: TestListener[]): AgentFiles => filesWith(kind, text, listeners);

  function create(timing: Partial<AgentTiming> = {}, proxy: FileProxy = kind.create({ runDir: runDir() })): void {
    agent = createFileAgent({
      proxy,
      check: async () => ({ ok: true, message: "" }),
      rebound: async (text, places) => finish(kind.rebind(text, places)),
      takenOut: async (all) => all,
      timing: { ...TIMING, ...timing },
      onEvent: (event) => events.push(event),
    });
  }

  /** Somebody else has the port; gives what ends that. */
  async function take(port: number, address = "127.0.0.1"): Promise<() => Promise<unknown>> {
    const squatter = createServer((socket) => socket.destroy()).listen(port, address);
    squatters.push(squatter);
    await until(() => squatter.listening);
    return () => new Promise((resolve) => squatter.close(resolve));
  }

  const stateOf = (listener: string): ListenerState => agent.listeners().find((state) => state.listener === listener)!;
  const current = async (): Promise<string> => (await readlink(join(runDir(), "current"))).replace("generations/", "");

  beforeEach(async () => {
    scratch = await scratchDir();
    [events, squatters] = [[], []];
    ports = [await freePort(), await freePort(), await freePort()];
    f = { name: "f", port: ports[0]! };
    g = { name: "g", port: ports[1]! };
  });
  afterEach(async () => {
    await agent.close();
    for (const squatter of squatters) {
      squatter.close();
    }
    for (const pid of pids()) {
      expect(groupMembers(pid)).toEqual([]);
    }
    await scratch.remove();
  });

  test("a port that is taken at the first start holds up its listener only, until it is free", async () => {
    const free = await take(g.port);
    create();
    const result = await agent.apply(files("one", f, g));
    expect(result).toMatchObject({
      outcome: "partial",
      generation: expect.stringMatching(/^one-without-[0-9a-f]{8}$/),
      waiting: [{ listener: "g", reason: `127.0.0.1:${g.port} is in use` }],
    });
    expect(await ask(f.port)).toBe("one");
    expect(agent.state()).toMatchObject({
      state: "degraded",
      generation: await current(),
      lastError: `g waits: 127.0.0.1:${g.port} is in use`,
    });
    expect(agent.listeners()).toMatchObject([
      { listener: "f", state: "serving", reason: null },
      { listener: "g", state: "waiting", reason: `127.0.0.1:${g.port} is in use` },
    ]);

    // Others follow changes meanwhile, and the same is not told again.
    const { since } = stateOf("g");
    expect(await agent.apply(files("two", f, g))).toMatchObject({ outcome: "partial" });
    expect(await ask(f.port)).toBe("two");
    expect(stateOf("g").since).toBe(since);
    const told = events.filter(({ kind: word }) => word !== "line").length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(events.filter(({ kind: word }) => word !== "line")).toHaveLength(told);

    await free();
    await until(async () => (await ask(g.port)) === "two");
    await until(() => agent.state().state === "serving");
    expect(agent.state()).toEqual({ state: "serving", generation: "two", lastError: null });
    await until(() => stateOf("g").state === "serving");
    expect(events.filter(({ kind: word }) => word === "failed")).toEqual([]);
    expect(pids()).toHaveLength(1);
  });

  test("when all ports are taken the proxy runs without any", async () => {
    const frees = [await take(f.port), await take(g.port)];
    create();
    expect(await agent.apply(files("one", f, g))).toMatchObject({ outcome: "partial" });
    expect(agent.listeners().map(({ state }) => state)).toEqual(["waiting", "waiting"]);
    for (const free of frees) {
      await free();
    }
    await until(() => agent.state().state === "serving");
    expect(await Promise.all([ask(f.port), ask(g.port)])).toEqual(["one", "one"]);
  });

  test("a listener that moves to a taken port is served where it was, with what is new; no request is lost", async () => {
    create();
    await agent.apply(files("one", f, g));
    const free = await take(ports[2]!);
    const traffic = [loop(f.port), loop(g.port)];
    const moved = { ...g, port: ports[2]! };
    expect(await agent.apply(files("two", f, moved))).toMatchObject({ outcome: "partial" });
    const reason = `127.0.0.1:${moved.port} is in use; served on 127.0.0.1:${g.port} until then`;
    expect(stateOf("g")).toMatchObject({ state: "waiting", reason });
    expect(await Promise.all([ask(f.port), ask(g.port)])).toEqual(["two", "two"]);
    expect(await agent.apply(files("three", f, moved))).toMatchObject({ outcome: "partial" });
    expect(await Promise.all([ask(f.port), ask(g.port)])).toEqual(["three", "three"]);
    for (const { stop } of traffic) {
      expect(new Set(await stop())).toEqual(new Set(["one", "two", "three"]));
    }
    await free();
    await until(async () => (await ask(moved.port)) === "three");
    await until(async () => (await ask(g.port)) === null);
    await until(() => stateOf("g").state === "serving");
  });

  test("two listeners that move to one taken socket are served where each was", async () => {
    create();
    await agent.apply(files("one", f, g));
    const free = await take(ports[2]!);
    const both = files("two", { ...f, port: ports[2]! });
    const shared = { ...both, sockets: both.sockets.map((socket) => ({ ...socket, listeners: ["f", "g"] })) };
    expect(await agent.apply(shared)).toMatchObject({ outcome: "partial" });
    expect(await Promise.all([ask(f.port), ask(g.port)])).toEqual(["two", "two"]);
    await free();
    await until(async () => (await ask(ports[2]!)) === "two");
    await until(async () => (await ask(f.port)) === null && (await ask(g.port)) === null);
  });

  test("a removed listener waits no longer, and its port is given up though another waits", async () => {
    const h = { name: "h", port: ports[2]! };
    await take(g.port);
    create();
    expect(await agent.apply(files("one", f, g, h))).toMatchObject({ outcome: "partial" });
    expect(await agent.apply(files("two", f, g))).toMatchObject({ outcome: "partial" });
    expect(await Promise.all([ask(f.port), ask(h.port)])).toEqual(["two", null]);
    expect(await agent.apply(files("three", f))).toEqual({ outcome: "serving", generation: "three" });
    expect(agent.listeners()).toMatchObject([{ listener: "f", state: "serving" }]);
  });

  test("after a death the listeners whose ports are free come back, the others when theirs are", async () => {
    create({ backoff: { ...TIMING.backoff, firstMs: 1_000 } });
    await agent.apply(files("one", f, g));
    process.kill(pids()[0]!, "SIGKILL");
    await until(() => events.some(({ kind: word }) => word === "died"));
    expect(agent.listeners().map(({ state }) => state)).toEqual(["waiting", "waiting"]);
    const free = await take(g.port);
    await until(() => agent.state().state === "degraded" && agent.state().generation !== null);
    expect(await ask(f.port)).toBe("one");
    expect(stateOf("g")).toMatchObject({ state: "waiting", reason: `127.0.0.1:${g.port} is in use` });
    await free();
    await until(async () => (await ask(g.port)) === "one");
    await until(() => agent.state().state === "serving");
  });

  test.each([
    ["0.0.0.0", "127.0.0.1"],
    ["127.0.0.1", "0.0.0.0"],
  ])("an address that overlaps the one before (%s, then %s) is taken over", async (before, after) => {
    create();
    await agent.apply(files("one", f, { ...g, address: before }));
    expect(await agent.apply(files("two", f, { ...g, address: after }))).toEqual({
      outcome: "serving",
      generation: "two",
    });
    expect(await ask(g.port)).toBe("two");
  });

  test("all addresses wait for the one that somebody else has; the address before is kept meanwhile", async () => {
    create();
    await agent.apply(files("one", f, g));
    const free = await take(g.port, "127.0.0.2");
    expect(await agent.apply(files("two", f, { ...g, address: "0.0.0.0" }))).toMatchObject({ outcome: "partial" });
    expect(await ask(g.port)).toBe("two");
    await free();
    await until(() => agent.state().state === "serving");
    expect(await ask(g.port)).toBe("two");
  });

  test("an address that this machine does not have holds up its listener only", async () => {
    create();
    expect(await agent.apply(files("one", f, { ...g, address: "192.0.2.1" }))).toMatchObject({
      outcome: "partial",
      waiting: [{ listener: "g", reason: `192.0.2.1:${g.port} is not an address of this machine` }],
    });
    expect(await ask(f.port)).toBe("one");
  });

  test("IPv6 for all addresses does not wait for an IPv4 socket of the same port", async () => {
    await take(g.port, "0.0.0.0");
    create();
    const all = files("one", f, { ...g, address: "::" });
    const only = all.files.map((file) => ({ ...file, text: file.text.replace(/(bind \[::\]:\d+)/, "$1 v6only") }));
    expect(await agent.apply({ ...all, files: only })).toEqual({ outcome: "serving", generation: "one" });
  });

  test("a port that is taken while the files are written is found before the proxy tries it", async () => {
    const real = kind.create({ runDir: runDir() });
    let free: (() => Promise<unknown>) | null = null;
    const localFiles = async (generation: string): Promise<LocalFiles> => {
      free ??= generation === "two" ? await take(g.port) : null;
      return real.localFiles(generation);
    };
    create({}, { ...real, localFiles });
    await agent.apply(files("one", f));
    const traffic = loop(f.port);
    expect(await agent.apply(files("two", f, g))).toMatchObject({ outcome: "partial" });
    expect(await traffic.stop()).not.toContain(null);
    expect(await ask(f.port)).toBe("two");
    await free!();
    await until(async () => (await ask(g.port)) === "two");
  });

  test("a port that is taken at the very moment of the reload costs that try only", async () => {
    const { reloadSignal } = kind.create({ runDir: runDir() });
    create();
    await agent.apply(files("one", f));
    const squatter = threadThatListens();
    const real = ChildProcess.prototype.kill;
    const kill = vi.spyOn(ChildProcess.prototype, "kill").mockImplementation(function (this: ChildProcess, signal) {
      if (signal === reloadSignal) {
        squatter.take(g.port);
      }
      return real.call(this, signal);
    });
    try {
      expect(await agent.apply(files("two", f, g))).toMatchObject({
        outcome: "partial",
        waiting: [{ listener: "g", reason: `127.0.0.1:${g.port} is in use` }],
      });
    } finally {
      kill.mockRestore();
    }
    expect(await ask(f.port)).toBe("two");
    expect(pids()).toHaveLength(1);
    expect(events.filter(({ kind: word }) => word === "failed")).toEqual([]);
    await squatter.end();
    await until(async () => (await ask(g.port)) === "two");
  });
});

/** Takes a port while this thread stands still; once. */
function threadThatListens(): { take: (port: number) => void; end: () => Promise<unknown> } {
  const done = new Int32Array(new SharedArrayBuffer(4));
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    parentPort.once("message", (port) => require("node:net").createServer().listen(port, "127.0.0.1", () => {
      Atomics.store(workerData, 0, 1);
      Atomics.notify(workerData, 0);
    }));
    parentPort.ref();`;
  const worker = new Worker(code, { eval: true, workerData: done });
  return {
    take: (port) => {
      worker.postMessage(port);
      Atomics.wait(done, 0, 0, 5_000);
    },
    end: () => worker.terminate(),
  };
}
