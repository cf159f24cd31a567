/**
 * `examples/compose/run-proxy.sh`, as docker-compose.yml runs it, with the real nginx and HAProxy: files come once, 304 from then on,
 * and what is wrong with the server or the files leaves the proxy as it was. The script's tools are those of this machine: sh, wget,
 * tar, timeout (busybox's, as in the images, when they come first on PATH).
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { must } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { freePort } from "../harness/ports.ts";
import { type Child, isRunning, logTail, startChild, stopChild, until } from "../harness/process.ts";
import { type Program, repositoryRoot, startProgram, stopProgram } from "../harness/program.ts";
import { send } from "../harness/rawHttp.ts";

const SCRIPT = join(repositoryRoot, "examples/compose/run-proxy.sh");
const PROXIES = { nginx: "127.0.0.41", haproxy: "127.0.0.42" } as const;
const proxies = Object.keys(PROXIES) as (keyof typeof PROXIES)[];
const TOKEN = "a-token-of-the-sidecar-test-0123456789";
/** What the proxy's checker refuses. */
const BROKEN = { nginx: "nginx.conf", haproxy: "haproxy.cfg" } as const;

let dir: string;
let program: Program;
let port: number;
let between: Server;
let answers: string[] = [];
let mode: "pass" | "refuse" | "break" = "pass";
const children = new Map<string, Child>();

/** Stands between the scripts and the server, and notes what goes by. */
function startBetween(): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { authorization, "if-none-match": known = "" } = request.headers;
    const fleet = request.url?.split("/")[3] ?? "";
    const note = (status: number): number => {
      answers.push(`${fleet} ${status}`);
      return status;
    };
    if (authorization !== `Bearer ${TOKEN}`) return void response.writeHead(note(401)).end();
    if (mode === "refuse") return void response.writeHead(note(503)).end();
    if (mode === "break") {
      const file = BROKEN[fleet as keyof typeof BROKEN];
      mkdirSync(join(dir, fleet, "bad"), { recursive: true });
      writeFileSync(join(dir, fleet, "bad", file), "nonsense {\n");
      const tar = execFileSync("tar", ["-c", "-f", "-", "-C", join(dir, fleet, "bad"), file]);
      return void response
        .writeHead(note(known === '"bad"' ? 304 : 200), { etag: '"bad"' })
        .end(known === '"bad"' ? "" : tar);
    }
    const answer = await fetch(program.api + request.url, { headers: known === "" ? {} : { "if-none-match": known } });
    const etag = answer.headers.get("etag") ?? "";
    response.writeHead(note(answer.status), { etag }).end(Buffer.from(await answer.arrayBuffer()));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const model = (body: string): object => ({
  fleets: proxies.map((proxy) => ({ name: proxy, proxy, bindAddress: PROXIES[proxy] })),
  listeners: [{ name: "web", fleets: proxies, port, protocol: "HTTP" }],
  routes: [
    { name: "all", listeners: ["web"], hostnames: ["side.example"], rules: [{ respond: { status: 200, body } }] },
  ],
});

const put = (body: string): Promise<unknown> => must(program.api, "PUT /v1/config", { body: model(body) });

/** Until both proxies answer so. */
async function bothSay(body: string): Promise<void> {
  for (const proxy of proxies)
    await until(`${proxy} says ${body}: ${logTail(children.get(proxy) as Child)}`, async () =>
      (await send({ address: PROXIES[proxy], port }, { path: "/", host: "side.example" })).body === body ? true : null,
    );
}

/** Until each fleet was answered so, `times` times from now on. */
async function answered(status: number, times = 2): Promise<void> {
  answers = [];
  const count = (proxy: string): number => answers.filter((answer) => answer === `${proxy} ${status}`).length;
  await until(`both get ${status}`, () => (proxies.every((proxy) => count(proxy) >= times) ? true : null));
}

const told = (proxy: string): string => logTail(children.get(proxy) as Child);

beforeAll(async () => {
  dir = mkdtempSync(join(e2e().workDir, "sidecar-"));
  port = await freePort(...Object.values(PROXIES));
  mkdirSync(join(dir, "data"));
  writeFileSync(join(dir, "token"), `${TOKEN}\n`);
  const [httpPort, xdsPort] = [await freePort(), await freePort()];
  program = await startProgram({ dataDir: join(dir, "data"), httpPort, xdsPort, logFile: join(dir, "trimtab.log") });
  await put("one");
  between = await startBetween();
  const env = {
    TRIMTAB_URL: `http://127.0.0.1:${(between.address() as AddressInfo).port}`,
    TRIMTAB_TOKEN_FILE: join(dir, "token"),
    INTERVAL: "0.2",
  };
  for (const proxy of proxies) {
    const config = join(dir, `config-${proxy}`);
    mkdirSync(config);
    // The program of a container finds itself in an environment of its own.
    const settings = Object.entries({ ...env, CONFIG_DIR: config }).map((pair) => pair.join("="));
    children.set(
      proxy,
      startChild("env", [...settings, "sh", SCRIPT, proxy, proxy], { logFile: join(dir, `${proxy}.log`) }),
    );
  }
});

afterAll(async () => {
  for (const child of children.values()) await stopChild(child);
  between?.close();
  if (program !== undefined) await stopProgram(program);
});

it("starts the proxy on the files, and then is told that there are none that are new", async () => {
  await bothSay("one");
  await answered(304);
  expect(answers.filter((answer) => !answer.endsWith(" 304"))).toEqual([]);
});

it("applies a change", async () => {
  await put("two");
  await bothSay("two");
  await answered(304);
});

it("leaves everything as it was while the server refuses, and says so once", async () => {
  mode = "refuse";
  await answered(503, 3);
  await bothSay("two");
  for (const proxy of proxies) expect(told(proxy).match(/answers 503 for fleet/g)).toHaveLength(1);
});

it("leaves everything as it was when the proxy's checker refuses the files, and takes the next ones", async () => {
  mode = "break";
  await answered(304);
  await bothSay("two");
  for (const proxy of proxies) expect(told(proxy)).toContain("generation bad was refused by the proxy's checker");
  mode = "pass";
  await put("three");
  await bothSay("three");
});

it("answers as a health check", () => {
  const health = (address: string): string =>
    execFileSync("sh", [SCRIPT, "health", `http://${address}/`], { stdio: "pipe" }).toString();
  expect(health(`${PROXIES.nginx}:${port}`)).toBe("");
  expect(() => health("127.0.0.1:9")).toThrow();
});

it("ends the proxy with it", async () => {
  for (const child of children.values()) process.kill(child.pid, "SIGTERM");
  await until("both have ended", () => ([...children.values()].some(isRunning) ? null : true));
  for (const proxy of proxies)
    await expect(send({ address: PROXIES[proxy], port }, { path: "/", host: "side.example" })).rejects.toThrow();
});
