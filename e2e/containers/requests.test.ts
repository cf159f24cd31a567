/** The scenario's requests, answered alike by the three proxies in containers. Skipped, and said so, without Docker. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StartedTestContainer } from "testcontainers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../harness/api.ts";
import { type ProxyName, proxyAddresses, proxyNames } from "../harness/context.ts";
import { scenario, scenarioUpstreams } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { cli, type Program, startProgram, stopProgram } from "../harness/program.ts";
import { send } from "../harness/rawHttp.ts";
import { startEcho, startTcpEcho } from "../harness/upstream.ts";
import { fetchFiles } from "../proxies/files.ts";
import { problemsOf } from "../scenario/check.ts";
import { rows } from "../scenario/requests.ts";
import { startContainer, whyNoContainers } from "./engine.ts";

const reason = await whyNoContainers();
if (reason !== null) console.log(`container tests are skipped: ${reason}`);

describe.skipIf(reason !== null)("in containers", () => {
  const undo: (() => Promise<unknown>)[] = [];
  let port = 0;

  beforeAll(async () => {
    const workDir = await mkdtemp(join(tmpdir(), "trimtab-containers-"));
    undo.push(() => rm(workDir, { recursive: true, force: true }));
    const program = await startEverything(workDir, undo);
    port = await putScenario(program, undo);
    for (const proxy of proxyNames) {
      const dir = join(workDir, proxy);
      await mkdir(dir);
      await writeConfiguration(program, { proxy, dir });
      const container = await startContainer(proxy, dir);
      undo.push(() => container.stop());
      await untilAnswers({ address: proxyAddresses[proxy], port, container });
    }
  });

  afterAll(async () => {
    for (const step of undo.reverse()) await step();
  });

  describe.each(proxyNames)("%s", (proxy) => {
    test.each(rows)("$name", async (row) => {
      expect(await problemsOf({ address: proxyAddresses[proxy], port }, row)).toEqual([]);
    });
  });
});

async function startEverything(workDir: string, undo: (() => Promise<unknown>)[]): Promise<Program> {
  const dataDir = join(workDir, "data");
  await mkdir(dataDir);
  const ports = { httpPort: await freePort("127.0.0.1"), xdsPort: await freePort("127.0.0.1") };
  const program = await startProgram({ dataDir, ...ports, logFile: join(workDir, "trimtab.log") });
  undo.push(() => stopProgram(program));
  return program;
}

/** Starts the upstreams and writes the scenario; gives the HTTP port that the proxies listen on. */
async function putScenario(program: Program, undo: (() => Promise<unknown>)[]): Promise<number> {
  const upstreams: Record<string, number> = {};
  for (const name of scenarioUpstreams) {
    const upstream = await (name.startsWith("tcp") ? startTcpEcho(name) : startEcho(name));
    undo.push(() => upstream.close());
    upstreams[name] = upstream.port;
  }
  const next = (): Promise<number> => freePort(...Object.values(proxyAddresses));
  const ports = { http: await next(), http2: await next(), tcp: await next(), tcp2: await next() };
  const model = scenario({ ports, upstreams, deadPort: await freePort("127.0.0.1") });
  await must(program.api, "PUT /v1/config", { body: model });
  return ports.http;
}

async function writeConfiguration(program: Program, where: { proxy: ProxyName; dir: string }): Promise<void> {
  const { proxy, dir } = where;
  if (proxy !== "envoy") {
    await fetchFiles(program, proxy, { dir, keep: () => false });
    // Debian's nginx loads modules relative to its folder; in other images nothing asks for the link.
    if (proxy === "nginx") await symlink("/usr/lib/nginx/modules", join(dir, "modules"));
    return;
  }
  const admin = `127.0.0.1:${await freePort("127.0.0.1")}`;
  const bootstrap = await cli("bootstrap", "--fleet", proxy, "--xds", program.xds, "--admin", admin);
  await writeFile(join(dir, "bootstrap.json"), bootstrap);
}

/** Fails with the container's own last words. */
async function untilAnswers(at: { address: string; port: number; container: StartedTestContainer }): Promise<void> {
  let seen = "nothing";
  try {
    await until("the proxy answers", async () => {
      const answer = await send(at, { path: "/", host: "a.example.com" }).catch((error: unknown) => String(error));
      seen = typeof answer === "string" ? answer : `${answer.status} ${answer.body}`;
      return typeof answer !== "string" && answer.status === 200 ? true : null;
    });
  } catch (error) {
    const logs = (await (await at.container.logs()).toArray()).join("");
    throw new Error(`${at.address}:${at.port} answers ${seen}; the container says:\n${logs}`, { cause: error });
  }
}
