/** Starts the program, the scenario's upstreams and the three proxies once for all test files. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import type { RunningProxy } from "../proxies/adapter.ts";
import { adapters } from "../proxies/index.ts";
import { must } from "./api.ts";
import { type E2eContext, type Ports, type ProxyName, proxyAddresses, proxyNames } from "./context.ts";
import { base, scenarioUpstreams } from "./model.ts";
import { freePort } from "./ports.ts";
import { type Program, startProgram, stopProgram } from "./program.ts";
import { untilServes } from "./serve.ts";
import { startEcho, startTcpEcho, type Upstream } from "./upstream.ts";

const FIRST_MARKER = "first";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const undo: (() => Promise<unknown>)[] = [];
  const teardown = async (): Promise<void> => {
    for (const step of undo.reverse()) await step();
  };
  try {
    const workDir = await mkdtemp(join(tmpdir(), "trimtab-e2e-"));
    if (process.env.TRIMTAB_E2E_KEEP === undefined) undo.push(() => rm(workDir, { recursive: true, force: true }));
    const upstreams = await startUpstreams();
    undo.push(() => Promise.all(upstreams.map((upstream) => upstream.close())));
    const program = await startServer(workDir);
    undo.push(() => stopProgram(program));
    const ports = await choosePorts();
    await must(program.api, "PUT /v1/config", { body: base(ports, FIRST_MARKER) });
    const proxies = await startProxies({ program, workDir, undo });
    for (const name of proxyNames) await untilServes(proxies[name], ports.http, FIRST_MARKER);
    const known = Object.fromEntries(upstreams.map(({ name, port }) => [name, port]));
    const context: E2eContext = {
      program,
      proxies,
      ports,
      upstreams: { ...known, dead: await freePort("127.0.0.1") },
      workDir,
    };
    project.provide("e2e", context);
    return teardown;
  } catch (error) {
    await teardown();
    throw error;
  }
}

function startUpstreams(): Promise<Upstream[]> {
  return Promise.all(scenarioUpstreams.map((name) => (name.startsWith("tcp") ? startTcpEcho(name) : startEcho(name))));
}

async function startServer(workDir: string): Promise<Program> {
  const dataDir = join(workDir, "data");
  await mkdir(dataDir);
  const httpPort = await freePort();
  const xdsPort = await freePort();
  return startProgram({ dataDir, httpPort, xdsPort, logFile: join(workDir, "trimtab.log") });
}

async function choosePorts(): Promise<Ports> {
  const addresses = Object.values(proxyAddresses);
  const next = (): Promise<number> => freePort(...addresses);
  return { http: await next(), http2: await next(), tcp: await next(), tcp2: await next() };
}

interface Starting {
  readonly program: Program;
  readonly workDir: string;
  readonly undo: (() => Promise<unknown>)[];
}

async function startProxies({ program, workDir, undo }: Starting): Promise<Record<ProxyName, RunningProxy>> {
  const started: Partial<Record<ProxyName, RunningProxy>> = {};
  for (const name of proxyNames) {
    const dir = join(workDir, name);
    await mkdir(dir);
    const proxy = await adapters[name].start({ program, fleet: name, address: proxyAddresses[name], dir });
    undo.push(() => adapters[name].stop(proxy));
    started[name] = proxy;
  }
  return started as Record<ProxyName, RunningProxy>;
}
