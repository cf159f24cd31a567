/** One fleet that is followed, with a control plane that a test speaks for and a real nginx. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TargetTools } from "../agent/index.ts";
import { checkWith, freePort, KINDS, scratchDir, until } from "../agent/testSupport.ts";
import { finish } from "../util/steps.ts";
import type { ClientAnswer, ClientRequest } from "./client.ts";
import { type FollowOptions, followFleet } from "./follow.ts";
import { readLastGood } from "./lastGood.ts";
import type { FleetFiles, FollowEvent } from "./types.ts";

const nginx = KINDS.find(({ name }) => name === "nginx")!;

let scratch: Awaited<ReturnType<typeof scratchDir>>;
let folder: string;
let port: number;
let events: FollowEvent[];
let requests: ClientRequest[];
let stop: AbortController;
let running: Promise<void>;
let answer: (request: ClientRequest) => Partial<ClientAnswer>;

beforeEach(async () => {
  scratch = await scratchDir();
  folder = join(scratch.path, "edge");
  mkdirSync(folder);
  port = await freePort();
  [events, requests, stop] = [[], [], new AbortController()];
});
afterEach(async () => {
  stop.abort();
  await running;
  await scratch.remove();
});

function files(text: string, more: Partial<FleetFiles> = {}): FleetFiles {
  const listener = { name: "web", port };
  return {
    fleet: "edge",
    proxy: "nginx",
    revision: 1,
    generation: text,
    files: [
      { path: "nginx.conf", text: nginx.main, mode: 0o644 },
      { path: "listeners/web.conf", text: nginx.listener(listener, text), mode: 0o644 },
      { path: "key.pem", text: "of the owner alone", mode: 0o600 },
    ],
    sockets: [{ address: "127.0.0.1", port, listeners: ["web"], file: "listeners/web.conf" }],
    ...more,
  };
}

const tools: TargetTools = {
  check: (_, given) => checkWith(nginx, join(scratch.path, "check"))(given),
  rebound: async (_, text, places) => finish(nginx.rebind(text, places)),
  runtimeChange: async () => null,
  takenOut: async (_, given) => given,
};

function start(more: Partial<FollowOptions> = {}): Promise<void> {
  const options: FollowOptions = {
    reporter: { fleet: "edge", node: "lb-1", run: "run-1", agentVersion: "0.1.0", ttlSeconds: 30 },
    client: {
      async send(request) {
        requests.push(request);
        return { status: 200, etag: null, body: null, ...answer(request) };
      },
      close: () => undefined,
    },
    folder,
    find: async () => ({ kind: "nginx", binary: "/usr/sbin/nginx", version: "1.22.1" }),
    tools,
    timing: { gapMs: 100, graceMs: 1_000 },
    pauses: { after: () => 20 },
    reportMs: 60_000,
    tell: (event) => events.push(event),
    ...more,
  };
  running = followFleet(options, stop.signal);
  return running;
}

const get = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text().catch(String);
const untilSays = (text: string): Promise<void> => until(async () => (await get().catch(String)) === text);
const kinds = (): string[] =>
  events.map(({ kind }) => kind).filter((kind) => !["line", "started", "listeners", "drained"].includes(kind));
const reports = (): Record<string, unknown>[] =>
  requests.filter(({ method }) => method === "PUT").map(({ body }) => body as Record<string, unknown>);

/** Files by ETag, as the API gives them. */
const giving =
  (given: FleetFiles) =>
  ({ method, headers = {} }: ClientRequest): Partial<ClientAnswer> => {
    const etag = `"${given.generation}"`;
    if (method !== "GET") return { body: { wanted: null } };
    return headers["if-none-match"] === etag ? { status: 304, etag } : { etag, body: structuredClone(given) };
  };

test("files are fetched once, run, kept for the next start with their own modes, and reported; the end is told", async () => {
  answer = giving(files("one"));
  const done = start();
  await untilSays("one");
  await until(async () => reports().some(({ state }) => state === "serving"));
  expect(reports().at(-1)).toMatchObject({
    run: "run-1",
    ttlSeconds: 30,
    proxy: "nginx",
    version: "1.22.1",
    generation: "one",
    revision: 1,
    listeners: [{ listener: "web", state: "serving" }],
  });
  await until(async () => existsSync(join(folder, "last-good.json")));
  expect(statSync(join(folder, "last-good.json")).mode & 0o777).toBe(0o600);
  expect(await readLastGood(folder, "edge")).toEqual(files("one"));
  expect(statSync(join(folder, "current", "key.pem")).mode & 0o777).toBe(0o600);
  const paths = requests.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(paths)).toEqual(new Set(["GET /v1/fleets/edge/files", "PUT /v1/fleets/edge/proxies/lb-1"]));
  stop.abort();
  await done;
  expect(requests.at(-1)).toMatchObject({ method: "DELETE", path: "/v1/fleets/edge/proxies/lb-1?run=run-1" });
  expect(kinds()).toEqual(["fetched", "serving"]);
  await expect(get()).rejects.toThrow();
});

test("the start runs what was kept, whoever is away; that is told once for each reason, and its end", async () => {
  writeFileSync(join(folder, "last-good.json"), JSON.stringify(files("kept", { revision: 7 })));
  let reason = "nobody";
  answer = () => {
    if (reason === "") return giving(files("kept", { revision: 9 }))(requests.at(-1)!);
    if (reason === "404") return { status: 404, body: { code: "API-NOT-FOUND", detail: "there is no fleet" } };
    throw new Error(reason);
  };
  const done = start();
  await untilSays("kept");
  reason = "404";
  await until(async () => kinds().filter((kind) => kind === "away").length === 2);
  expect(await get()).toBe("kept");
  reason = "";
  await until(async () => kinds().includes("back") && reports().at(-1)?.revision === 9);
  stop.abort();
  await done;
  expect(events.filter(({ kind }) => kind === "away")).toEqual([
    { kind: "away", reason: "nobody" },
    { kind: "away", reason: "the control plane answered 404 API-NOT-FOUND: there is no fleet" },
  ]);
  // The same files: neither a reload nor a restart.
  expect(events.filter(({ kind }) => kind === "serving" || kind === "started").length).toBe(2);
});

test("a failure of our own is told as the proxy's would be, once, and tried again", async () => {
  answer = giving(files("one"));
  let isWhole = false;
  const check: TargetTools["check"] = (...given) =>
    isWhole ? tools.check(...given) : Promise.reject(new Error("no templates"));
  const done = start({ tools: { ...tools, check } });
  await until(async () => reports().some(({ state, lastError }) => state === "failed" && lastError === "no templates"));
  const asked = requests.length;
  await until(async () => requests.length > asked + 5);
  isWhole = true;
  await untilSays("one");
  await until(async () => reports().at(-1)?.lastError === null && kinds().includes("serving"));
  stop.abort();
  await done;
  expect(kinds()).toEqual(["fetched", "failed", "serving"]);
});

test("a report that is not taken keeps nobody from files, and files that cannot be had nobody from reports", async () => {
  writeFileSync(join(folder, "last-good.json"), JSON.stringify(files("kept")));
  const noFiles = { status: 503, body: { code: "API-FLEET-FAILED", detail: "no files" } };
  answer = ({ method }) => (method === "GET" ? noFiles : {});
  const done = start();
  await until(async () => reports().some(({ generation }) => generation === "kept"));
  const taken = { status: 409, body: { code: "API-NAME-TAKEN", detail: "another agent" } };
  answer = (request) => (request.method === "PUT" ? taken : giving(files("one"))(request));
  await untilSays("one");
  await until(async () => events.some((event) => event.kind === "away" && event.reason.includes("API-NAME-TAKEN")));
  answer = giving(files("two"));
  await until(async () => reports().at(-1)?.generation === "two" && kinds().includes("back"));
  stop.abort();
  await done;
});

test("what is refused is neither kept nor tried anew at each poll, and goes when other files come, older ones too", async () => {
  answer = giving(files("one", { revision: 5 }));
  const done = start();
  await until(async () => kinds().includes("serving"));
  const broken = files("two", { revision: 6 });
  answer = () => ({ body: { ...broken, files: [{ path: "nginx.conf", text: "nonsense;\n", mode: 0o644 }] } });
  await until(async () => reports().some(({ lastError }) => /unknown directive "nonsense"/.test(String(lastError))));
  const asked = requests.length;
  await until(async () => requests.length > asked + 5);
  expect(kinds().filter((kind) => kind === "fetched").length).toBe(2);
  expect([await get(), (await readLastGood(folder, "edge"))?.generation]).toEqual(["one", "one"]);
  expect(reports().at(-1)).toMatchObject({ state: "degraded", generation: "one", revision: 5 });
  answer = giving(files("three", { revision: 2 }));
  await untilSays("three");
  await until(async () => reports().at(-1)?.generation === "three");
  stop.abort();
  await done;
  expect(kinds().filter((kind) => kind === "older").length).toBe(1);
});

test("what is proved to serve is kept, also when newer files came before it was proved", async () => {
  let given = files("one");
  answer = (request) => giving(given)(request);
  const done = start();
  await untilSays("one");
  given = files("two", { files: [{ path: "nginx.conf", text: "nonsense;\n", mode: 0o644 }] });
  await until(async () => reports().at(-1)?.state === "degraded");
  expect((await readLastGood(folder, "edge"))?.generation).toBe("one");
  stop.abort();
  await done;
});

test("with a token that opens secrets the same generation is tried anew, for its files are others", async () => {
  const sealed = files("one", { files: [{ path: "nginx.conf", text: "sealed:privateKey;\n", mode: 0o644 }] });
  let etag = '"one"';
  answer = ({ method, headers = {} }) => {
    if (method !== "GET") return {};
    if (headers["if-none-match"] === etag) return { status: 304, etag };
    return { etag, body: structuredClone(etag === '"one"' ? sealed : files("one")) };
  };
  const done = start();
  await until(async () => reports().some(({ lastError }) => String(lastError).includes("sealed:privateKey")));
  etag = '"one-opened"';
  await untilSays("one");
  stop.abort();
  await done;
});

test("a proxy that is not installed is told, and run as soon as it is; damaged last good files keep nobody from starting", async () => {
  writeFileSync(join(folder, "last-good.json"), '{"fleet":');
  answer = giving(files("one"));
  let isThere = false;
  const done = start({
    find: async (kind) =>
      isThere
        ? { kind, binary: "/usr/sbin/nginx", version: "1.22.1" }
        : { kind, binary: null, hint: "it is not installed" },
  });
  await until(async () => reports().length > 0);
  expect(reports()[0]).toMatchObject({ state: "failed", lastError: "nginx is missing: it is not installed" });
  isThere = true;
  await untilSays("one");
  await until(async () => kinds().includes("serving") && reports().at(-1)?.lastError === null);
  stop.abort();
  await done;
  expect(kinds()).toEqual(["kept", "fetched", "missing", "serving"]);
  expect(readFileSync(join(folder, "last-good.json"), "utf8")).toContain('"one"');
});
