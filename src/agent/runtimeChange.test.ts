/** Servers of the real HAProxy change while it runs: no reload, the files follow, and what is half done ends in a reload. */
import { readFileSync } from "node:fs";
import { readFile, readlink } from "node:fs/promises";
import { Agent, createServer, get, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runtimeChange } from "../targets/haproxy/runtimeChange.ts";
import { haproxyAdapter } from "./adapters/haproxy.ts";
import { askHaproxy } from "./adapters/haproxySocket.ts";
import { createFileAgent, type FileAgent } from "./fileAgent.ts";
import { freePort, scratchDir, until } from "./testSupport.ts";
import type { AgentEvent, AgentFiles, FindRuntimeChange } from "./types.ts";

const GAP_MS = 100;
/** A server that comes waits for its turn, which is sixteen requests of each of the others away. */
const REQUESTS = 48;
const NEVER = { firstMs: 60_000, maxMs: 60_000, waitingMs: 60_000 };

let scratch: Awaited<ReturnType<typeof scratchDir>>;
let agent: FileAgent;
let events: AgentEvent[];
let port: number;
/** By port; those that are `down` answer their probes with 503. */
let upstreams: Server[];
let ports: number[];
let down: Set<number>;
/** Answers requests for `/hold`. */
let holding: (() => void)[];
let find: FindRuntimeChange;
const client = new Agent({ keepAlive: true, maxSockets: 1 });

beforeEach(async () => {
  scratch = await scratchDir();
  port = await freePort();
  [events, down, upstreams, holding] = [[], new Set(), [], []];
  for (const _ of Array(3)) {
    const server = createServer((asked, answer) => {
      const own = (server.address() as { port: number }).port;
      const end = (): void => void answer.end(String(own));
      answer.statusCode = asked.url === "/up" && down.has(own) ? 503 : 200;
      if (asked.url === "/hold") holding.push(end);
      else end();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    upstreams.push(server);
  }
  ports = upstreams.map((server) => (server.address() as { port: number }).port);
  find = async (before, after) => runtimeChange(before.files, after.files);
  agent = createFileAgent({
    proxy: haproxyAdapter.createProxy({ runDir: scratch.path }),
    check: async () => ({ ok: true, message: "" }),
    rebound: async (text) => text,
    runtimeChange: (before, after) => find(before, after),
    takenOut: async (files) => files,
    timing: { gapMs: GAP_MS, graceMs: 1_000, backoff: { firstMs: 50, maxMs: 400, stableMs: 60_000 }, retry: NEVER },
    onEvent: (event) => events.push(event),
  });
});
afterEach(async () => {
  await agent.close();
  client.destroy();
  for (const upstream of upstreams) {
    upstream.closeAllConnections();
    upstream.close();
  }
  await scratch.remove();
});

const socket = (): string => join(scratch.path, "haproxy.sock");
const cli = (command: string): Promise<string> => askHaproxy(socket(), command, 1_000);
const served = (): readonly AgentEvent[] => events.filter(({ kind }) => kind === "serving");
const worker = async (): Promise<string> => /^Pid: (\d+)$/m.exec(await cli("show info"))?.[1] ?? "";
const endpoint = (at: number, words = "weight 1"): string => `  server 127.0.0.1:${at} 127.0.0.1:${at} ${words}\n`;

/** `probes`: lines of the backend before its servers. */
function files(generation: string, servers: readonly string[], probes = ""): AgentFiles {
  const text = `global
  default-path config
defaults one
  mode http
  option redispatch 1
  timeout client 5s
  timeout server 5s
  timeout connect 1s
backend c from one
${probes}${servers.join("")}frontend f from one
  bind 127.0.0.1:${port}
  default_backend c
`;
  return {
    generation,
    sockets: [{ address: "127.0.0.1", port, listeners: ["f"], file: "haproxy.cfg" }],
    files: [{ path: "haproxy.cfg", text, mode: 0o644 }],
  };
}

/** Who answers, over one connection. */
function ask({ path = "/", keepAlive = false } = {}): Promise<string> {
  return new Promise((resolve) => {
    const sent = get({ host: "127.0.0.1", port, path, agent: keepAlive ? client : false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => resolve(answer.statusCode === 200 ? text : String(answer.statusCode)));
    });
    sent.on("error", ({ message }) => resolve(message));
  });
}

async function takers(): Promise<readonly number[]> {
  const found = new Set<string>();
  for (let asked = 0; asked < REQUESTS; asked++) found.add(await ask());
  return [...found].map(Number).sort((a, b) => a - b);
}

const sorted = (...some: readonly number[]): readonly number[] => [...some].sort((a, b) => a - b);

test("weights, states and addresses: nothing is reloaded, the files follow, and a restart has the same", async () => {
  const [a, b, c] = ports as [number, number, number];
  await agent.apply(files("one", [endpoint(a), endpoint(b)]));
  const first = await worker();
  const steps: readonly [string, readonly string[], readonly number[]][] = [
    ["drain", [endpoint(a, "weight 0"), endpoint(b)], [b]],
    ["down", [endpoint(a), endpoint(b, "weight 1 disabled")], [a]],
    ["both", [endpoint(a, "weight 3"), endpoint(b, "weight 3")], sorted(a, b)],
    ["moved", [endpoint(a), endpoint(c)], sorted(a, c)],
    ["back", [endpoint(b), endpoint(a)], sorted(a, b)],
    ["more", [endpoint(b), endpoint(a), endpoint(c, "weight 9")], sorted(a, b, c)],
    ["less", [endpoint(c)], [c]],
  ];
  expect(await agent.apply(files("zero", [endpoint(a)]))).toMatchObject({ outcome: "serving" });
  await agent.apply(files("two", [endpoint(a), endpoint(b)]));
  for (const [generation, servers, expected] of steps) {
    expect(await ask({ keepAlive: true })).toMatch(/^\d+$/);
    expect(await agent.apply(files(generation, servers))).toEqual({ outcome: "serving", generation });
    expect([generation, await takers()]).toEqual([generation, expected]);
    expect(await readlink(join(scratch.path, "current"))).toBe(`generations/${generation}`);
    expect(await readFile(join(scratch.path, "current/haproxy.cfg"), "utf8")).toContain(servers.join(""));
  }
  expect(await worker()).toBe(first);
  expect(agent.applied()).toEqual({ applied: "runtime", reloads: 0, runtimeChanges: steps.length + 2 });
  expect(agent.state()).toEqual({ state: "serving", generation: "less", lastError: null });
  expect(served().at(-1)).toEqual({ kind: "serving", generation: "less", applied: "runtime" });

  const master = events.flatMap((event) => (event.kind === "started" ? [event.pid] : []))[0] as number;
  process.kill(master, "SIGKILL");
  await until(() => agent.applied().applied === "start");
  expect(await takers()).toEqual([c]);
  // And what it was restarted with is known to be what it has.
  await agent.apply(files("last", [endpoint(c), endpoint(a)]));
  expect(agent.applied()).toMatchObject({ applied: "runtime", reloads: 0 });
  expect(await takers()).toEqual(sorted(a, c));
});

/** A probe of a server that is well may take longer than 50 ms on a busy machine; three in a row do not. */
const PROBES = "  option httpchk GET /up\n  default-server check inter 50ms rise 1 fall 3\n";

test("a server whose check fails stays out, whatever is changed of it; one that is added is probed", async () => {
  const [a, b, c] = ports as [number, number, number];
  const probed = (generation: string, servers: readonly string[]) => agent.apply(files(generation, servers, PROBES));
  down.add(a);
  await probed("one", [endpoint(a), endpoint(b)]);
  await until(async () => (await takers()).join() === String(b));
  await probed("heavier", [endpoint(a, "weight 9"), endpoint(b)]);
  expect(await takers()).toEqual([b]);
  await probed("drained", [endpoint(a, "weight 0"), endpoint(b)]);
  await probed("active", [endpoint(a), endpoint(b), endpoint(c)]);
  expect(await takers()).toEqual(sorted(b, c));
  down.add(c);
  await until(async () => (await takers()).join() === String(b));
  down.delete(a);
  await until(async () => (await takers()).join() === sorted(a, b).join());
  expect(agent.applied()).toEqual({ applied: "runtime", reloads: 0, runtimeChanges: 3 });
});

test("what was done to it by hand is undone by the next change of the backend", async () => {
  const [a, b] = ports as [number, number];
  await agent.apply(files("one", [endpoint(a), endpoint(b)]));
  await cli(`set server c/127.0.0.1:${a} state drain; set server c/127.0.0.1:${b} weight 77`);
  await agent.apply(files("two", [endpoint(a, "weight 5"), endpoint(b)]));
  expect(await takers()).toEqual(sorted(a, b));
  expect(await cli("show servers state c")).not.toContain(" 77 ");
  expect(agent.applied()).toEqual({ applied: "runtime", reloads: 0, runtimeChanges: 1 });
});

test("a server that comes back while it has connections: as it was, or with a reload where it has other settings", async () => {
  const [a, b, c] = ports as [number, number, number];
  await agent.apply(files("one", [endpoint(a), endpoint(b)]));
  const held = Array.from({ length: 6 }, () => ask({ path: "/hold" }));
  await until(() => holding.length === held.length);
  await agent.apply(files("gone", [endpoint(a), endpoint(c)]));
  expect(await takers()).toEqual(sorted(a, c));
  expect(await cli("show servers state c")).toContain(`:${b} `);
  await until(() => agent.leaving().endpoints.length > 0);
  expect(agent.leaving()).toEqual({ processes: 0, endpoints: [{ endpoint: `127.0.0.1:${b}`, connections: 3 }] });
  await agent.apply(files("back", [endpoint(a), endpoint(b, "weight 2")]));
  expect(await takers()).toEqual(sorted(a, b));
  expect(agent.applied()).toMatchObject({ reloads: 0, runtimeChanges: 2 });

  await agent.apply(files("gone-again", [endpoint(a), endpoint(c)]));
  await agent.apply(files("other", [endpoint(a), endpoint(b, "weight 2 maxconn 7")]));
  expect(agent.applied()).toMatchObject({ applied: "reload", reloads: 1 });
  expect(served().at(-1)).toMatchObject({ runtimeError: expect.stringMatching(/is still there/) });
  expect(await takers()).toEqual(sorted(a, b));
  for (const release of holding.splice(0)) release();
  expect((await Promise.all(held)).map(Number).sort()).toEqual([a, a, a, b, b, b].sort());
});

test("what drains is told of until its last connection is gone", async () => {
  const [a, b] = ports as [number, number];
  await agent.apply(files("one", [endpoint(a), endpoint(b)]));
  const held = Array.from({ length: 4 }, () => ask({ path: "/hold" }));
  await until(() => holding.length === held.length);
  await agent.apply(files("drained", [endpoint(a, "weight 0"), endpoint(b)]));
  await until(() => agent.leaving().endpoints.length > 0);
  expect(agent.leaving()).toEqual({ processes: 0, endpoints: [{ endpoint: `127.0.0.1:${a}`, connections: 2 }] });
  expect(events.filter(({ kind }) => kind === "drained")).toEqual([]);
  for (const release of holding.splice(0)) release();
  await until(() => events.some(({ kind }) => kind === "drained"));
  expect(agent.leaving()).toEqual({ processes: 0, endpoints: [] });
});

test("what drains or is gone is ended when its time is over, and nothing else is", async () => {
  const [a, b, c] = ports as [number, number, number];
  const withPlan = (generation: string, servers: readonly string[]): AgentFiles => {
    const made = files(generation, servers);
    const plan = { path: "drains.json", text: JSON.stringify({ groups: { c: 500 } }), mode: 0o644 };
    return { ...made, files: [plan, ...made.files] };
  };
  await agent.apply(withPlan("one", [endpoint(a), endpoint(b), endpoint(c)]));
  const held = Array.from({ length: 3 }, () => ask({ path: "/hold" }));
  await until(() => holding.length === held.length);
  await agent.apply(withPlan("drained", [endpoint(a, "weight 0"), endpoint(b)]));
  // Its client is told 502 where no answer has begun.
  const ended = await Promise.race([
    Promise.all(held.map((each) => each.then((text) => [text]))),
    until(() => events.some(({ kind }) => kind === "drained")),
  ]);
  expect(ended).toBeUndefined();
  for (const release of holding.splice(0)) release();
  expect((await Promise.all(held)).sort()).toEqual([String(b), "502", "502"].sort());
  expect(agent.state().generation).toBe("drained");
  expect(agent.applied().reloads).toBe(0);
});

test("a server that is gone is forgotten by the process when its last connection is", async () => {
  const [a, b, c] = ports as [number, number, number];
  await agent.apply(files("one", [endpoint(a), endpoint(b)]));
  await agent.apply(files("two", [endpoint(a), endpoint(b), endpoint(c)]));
  await agent.apply(files("three", [endpoint(a)].concat(endpoint(b))));
  expect(await cli("show servers state c")).not.toContain(`:${c} `);
});

test("backends of rules of their own, IPv6, an id: names and addresses are as HAProxy tells them", async () => {
  const [a] = ports as [number];
  const six = `  server ::1:${a} [::1]:${a} id 4711 weight 2\n`;
  const both = (generation: string, servers: string): AgentFiles => {
    const { files: own, ...rest } = files(generation, [endpoint(a), endpoint(ports[1] as number)]);
    const text = `${own[0]?.text}backend c:shop:api from one\n  balance hash src\n  hash-type consistent sdbm avalanche\n${servers}`;
    return { ...rest, generation, files: [{ path: "haproxy.cfg", text, mode: 0o644 }] };
  };
  await agent.apply(both("one", endpoint(a, "id 17 weight 1")));
  await agent.apply(both("two", endpoint(a, "id 17 weight 5") + six));
  await agent.apply(both("three", six.replace("weight 2", "weight 2 disabled")));
  await agent.apply(both("four", endpoint(a, "id 17 weight 9") + six));
  expect(agent.applied()).toEqual({ applied: "runtime", reloads: 0, runtimeChanges: 3 });
  expect(await cli("show servers state c:shop:api")).toMatch(/ 17 127\.0\.0\.1:\d+ 127\.0\.0\.1 2 0 9 /);
});

test("shares of a split and backends of rules: their maps change as one, and are looked at", async () => {
  const [a, b] = ports as [number, number];
  const split = "maps/web/split.shop.api.map";
  const backends = "maps/web/backends.map";
  const mapped = (generation: string, shares: string, rules: string): AgentFiles => {
    const { files: own, ...rest } = files(generation, [endpoint(a)]);
    const draw = `  http-request set-var(txn.to) rand(100),map_int(${split}) if { path /split }
  http-request set-var(txn.to) path,map_str(${backends}) if { path /a /b }
  use_backend %[var(txn.to)] if { var(txn.to) -m found }
`;
    const text = `${own[0]?.text}${draw}backend d from one\n${endpoint(b)}`;
    const maps = [
      { path: backends, text: rules, mode: 0o644 },
      { path: split, text: shares, mode: 0o644 },
    ];
    return { ...rest, files: [{ path: "haproxy.cfg", text, mode: 0o644 }, ...maps] };
  };
  const taker = async (path: string): Promise<readonly number[]> => {
    const found = new Set<number>();
    for (let asked = 0; asked < REQUESTS; asked++) found.add(Number(await ask({ path })));
    return [...found].sort((x, y) => x - y);
  };
  await agent.apply(mapped("one", "0:98 c\n99:99 d\n", "/a c\n/b d\n"));
  await agent.apply(mapped("two", "0:49 d\n50:99 c\n", "/a d\n/b d\n"));
  expect([await taker("/split"), await taker("/a"), await taker("/b")]).toEqual([sorted(a, b), [b], [b]]);
  await agent.apply(mapped("three", "0:99 d\n", "/a d\n/b c\n"));
  expect([await taker("/split"), await taker("/a"), await taker("/b")]).toEqual([[b], [b], [a]]);
  expect(agent.applied()).toEqual({ applied: "runtime", reloads: 0, runtimeChanges: 2 });
  expect((await cli(`show map ${split}`)).trim()).toMatch(/^0x\w+ 0:99 d$/);
  const right = find;
  find = async (before, after) => {
    const change = await right(before, after);
    const maps = change?.maps.map((map) => ({ ...map, path: map.path.replace("split", "nowhere") })) ?? [];
    return change && { ...change, maps };
  };
  await agent.apply(mapped("four", "0:99 c\n", "/a c\n/b c\n"));
  expect(served().at(-1)).toMatchObject({ applied: "reload", runtimeError: expect.stringMatching(/nowhere/) });
  expect([await taker("/split"), await taker("/a"), await taker("/b")]).toEqual([[a], [a], [a]]);
});

test("half of a change ends in a reload of the whole, and the next is a change of the running process again", async () => {
  const [a, b, c] = ports as [number, number, number];
  await agent.apply(files("one", [endpoint(a), endpoint(b)]));
  const first = await worker();
  const right = find;
  find = async (before, after) => {
    const change = await right(before, after);
    const [backend] = change?.backends ?? [];
    if (backend === undefined) return null;
    const servers = backend.servers.map((server) => (server.isNew ? { ...server, words: ["nonsense"] } : server));
    return { backends: [{ ...backend, servers }], maps: [], certificates: [] };
  };
  await agent.apply(files("two", [endpoint(a, "weight 7"), endpoint(b), endpoint(c)]));
  expect(served().at(-1)).toMatchObject({
    applied: "reload",
    runtimeError: expect.stringMatching(/not as it is to be.*nonsense/s),
  });
  expect(await worker()).not.toBe(first);
  expect(await takers()).toEqual(sorted(a, b, c));
  find = right;
  await agent.apply(files("three", [endpoint(a), endpoint(b), endpoint(c)]));
  expect(agent.applied()).toEqual({ applied: "runtime", reloads: 1, runtimeChanges: 1 });
});

test("a change that HAProxy cannot take on the way back from one that failed is a reload", async () => {
  const [a, b] = ports as [number, number];
  await agent.apply(files("one", [endpoint(a), endpoint(b)]));
  const bad = files("bad", [endpoint(a, "weight 2 nonsense"), endpoint(b)]);
  expect(await agent.apply(bad)).toMatchObject({ outcome: "failed", restoreError: null });
  expect(agent.applied()).toEqual({ applied: "reload", reloads: 2, runtimeChanges: 0 });
  expect(await readlink(join(scratch.path, "current"))).toBe("generations/one");
  expect(readFileSync(join(scratch.path, "current/haproxy.cfg"), "utf8")).toContain(endpoint(a));
  expect(await takers()).toEqual(sorted(a, b));
});
