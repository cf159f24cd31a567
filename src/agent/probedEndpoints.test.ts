/** A real nginx whose endpoints are probed beside it: files as they are rendered, and real servers behind. */
import { createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EndpointIr, FleetIr, HealthCheckIr } from "../ir/index.ts";
import { affinityCookieValue } from "../targets/affinityCookie.ts";
import { createRenderer } from "../targets/nginx/render.ts";
import { cluster, fleet, forward, httpPort, rule, virtualHost } from "../targets/nginx/testIr.ts";
import { takeOut } from "../targets/nginx/upstream/takeOut.ts";
import { finish } from "../util/steps.ts";
import { nginxAdapter } from "./adapters/nginx.ts";
import { createFileAgent, type FileAgent } from "./fileAgent.ts";
import { httpCheck } from "./prober/testSupport.ts";
import { checkWith, freePort, groupMembers, KINDS, scratchDir, until } from "./testSupport.ts";
import type { AgentEvent, AgentFiles } from "./types.ts";

const GAP_MS = 150;
const CHECK: HealthCheckIr = { ...httpCheck(), intervalMs: 40, timeoutMs: 300, rise: 1, fall: 2 };
const nginx = KINDS.find(({ name }) => name === "nginx")!;

/** Answers with its name; its state is what the check sees. */
interface Endpoint {
  readonly name: string;
  readonly port: number;
  isWell: boolean;
  readonly server: Server;
}

async function endpoint(name: string): Promise<Endpoint> {
  const server = createServer(({ url }, answer) => {
    answer.writeHead(url === "/health" && !own.isWell ? 500 : 200).end(name);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const own: Endpoint = { name, port: (server.address() as AddressInfo).port, isWell: true, server };
  return own;
}

describe("a real nginx with endpoints that are probed", () => {
  let scratch: Awaited<ReturnType<typeof scratchDir>>;
  let agent: FileAgent;
  let port: number;
  let endpoints: Endpoint[];
  let events: AgentEvent[];
  let written: string[];

  const pid = (): number => events.flatMap((event) => (event.kind === "started" ? [event.pid] : [])).at(-1) ?? 0;

  function files(more: Partial<FleetIr> = {}, own = endpoints): AgentFiles {
    const clusters = [cluster("shop", own.map((each) => each.port).sort(), { healthCheck: CHECK })];
    const hosts = [virtualHost("*", [rule("a.0", "/", { action: forward("shop") })])];
    const ir = { ...fleet([httpPort("127.0.0.1", port, hosts)], clusters), healthChecks: "agent" as const, ...more };
    const rendered = finish(createRenderer().render(ir));
    if (rendered.kind !== "files") throw new Error("nginx renders files");
    return rendered;
  }

  /** Status, and who answered. */
  function ask(headers: Record<string, string> = {}): Promise<string> {
    return new Promise((resolve) => {
      const sent = get({ host: "127.0.0.1", port, headers, agent: false, timeout: 2_000 }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        answer.on("end", () => resolve(answer.statusCode === 200 ? text : String(answer.statusCode)));
      });
      sent.on("error", () => resolve("error")).on("timeout", () => sent.destroy());
    });
  }

  /** Asks at once: one after the other, beside traffic that does the same, may meet the same endpoint of two every time. */
  async function takers(): Promise<string> {
    const answers = await Promise.all(Array.from({ length: 4 }, () => ask()));
    return [...new Set(answers)].sort().join(" ");
  }

  /** The agent knows, and nginx does, that these are well and no others. */
  const untilTakers = (...wanted: string[]): Promise<void> =>
    until(async () => {
      const down = agent.endpointsDown()?.map(({ port: of }) => of);
      const up = endpoints.filter((each) => down?.includes(each.port) === false).map(({ name }) => name);
      return up.join() === wanted.join() && (await takers()) === (wanted.join(" ") || "503");
    });

  beforeEach(async () => {
    scratch = await scratchDir();
    [events, written] = [[], []];
    port = await freePort();
    endpoints = await Promise.all(["a", "b"].map(endpoint));
    const proxy = nginxAdapter.createProxy({ runDir: join(scratch.path, "run") });
    agent = createFileAgent({
      proxy: {
        ...proxy,
        localFiles: (generation) => {
          written.push(generation);
          return proxy.localFiles(generation);
        },
      },
      check: checkWith(nginx, join(scratch.path, "check")),
      rebound: async (text) => text,
      takenOut: async (all, down) => finish(takeOut(all, down)),
      timing: { gapMs: GAP_MS, graceMs: 1_000, backoff: { firstMs: 50, maxMs: 400, stableMs: 60_000 } },
      onEvent: (event) => events.push(event),
    });
  });
  afterEach(async () => {
    await agent.close();
    expect(groupMembers(pid())).toEqual([]);
    await Promise.all(endpoints.map(({ server }) => new Promise((resolve) => server.close(resolve))));
    await scratch.remove();
  });

  test("who fails goes and comes back, without a failed request; nobody passes: 503; what runs is told by its own name", async () => {
    const [a, b] = endpoints as [Endpoint, Endpoint];
    const own = files();
    b.isWell = false;
    expect(await agent.apply(own)).toEqual({ outcome: "serving", generation: own.generation });
    expect(await takers()).toBe("a");
    expect(agent.endpointsDown()).toMatchObject([{ cluster: "shop", port: b.port, reason: "status 500" }]);
    expect(agent.state()).toEqual({ state: "serving", generation: own.generation, lastError: null });

    const seen: string[] = [];
    let going = true;
    const traffic = (async () => {
      while (going) seen.push(await ask());
    })();
    try {
      b.isWell = true;
      await untilTakers("a", "b");
      a.isWell = false;
      await untilTakers("b");
    } finally {
      going = false;
      await traffic;
    }
    expect(seen.filter((answer) => answer !== "a" && answer !== "b")).toEqual([]);

    b.isWell = false;
    await untilTakers();
    a.isWell = true;
    await untilTakers("a");
    const told = events.flatMap((event) =>
      event.kind === "endpoint-down" || event.kind === "endpoint-up" ? [`${event.kind} ${event.port}`] : [],
    );
    const line = (kind: string, { port: of }: Endpoint): string => `endpoint-${kind} ${of}`;
    expect(told).toEqual([line("down", b), line("up", b), line("down", a), line("down", b), line("up", a)]);
    expect(events.filter(({ kind }) => kind === "serving")).toHaveLength(1);
    expect(agent.failures()).toBe(0);
  });

  test("a client that is kept on an endpoint goes to another while that fails, also where it drains", async () => {
    const [, b] = endpoints as [Endpoint, Endpoint];
    const kept = (state: EndpointIr["state"]): AgentFiles => {
      const own = cluster("shop", endpoints.map((each) => each.port).sort(), {
        healthCheck: CHECK,
        affinity: { cookie: "who" },
      });
      const states = own.endpoints.map((each) => (each.port === b.port ? { ...each, state } : each));
      return files({ clusters: [{ ...own, endpoints: states }] });
    };
    const cookie = `who=${affinityCookieValue({ address: "127.0.0.1", port: b.port })}`;
    await agent.apply(kept("active"));
    expect(await ask({ cookie })).toBe("b");
    b.isWell = false;
    await untilTakers("a");
    // Workers of before the reload take clients for a moment beside the new ones.
    await until(async () => (await ask({ cookie })) === "a");
    await agent.apply(kept("drain"));
    expect(await ask({ cookie })).toBe("a");
    b.isWell = true;
    await until(async () => (await ask({ cookie })) === "b");
    expect(await takers()).toBe("a");
  });

  test("a later apply and a killed nginx know who is down", async () => {
    const [, b] = endpoints as [Endpoint, Endpoint];
    b.isWell = false;
    await agent.apply(files());
    const third = await endpoint("c");
    endpoints.push(third);
    expect(await agent.apply(files())).toMatchObject({ outcome: "serving" });
    expect(await takers()).toBe("a c");
    third.isWell = false;
    process.kill(pid(), "SIGKILL");
    await until(() => events.filter(({ kind }) => kind === "serving").length > 2);
    await untilTakers("a");
  });

  test("files that the checker refuses do not keep what runs from following its endpoints", async () => {
    const [a] = endpoints as [Endpoint, Endpoint];
    await agent.apply(files());
    const bad = { ...files(), generation: "bad" };
    const broken = bad.files.map((file) => (file.path === "nginx.conf" ? { ...file, text: "nonsense {\n" } : file));
    expect(await agent.apply({ ...bad, files: broken })).toMatchObject({ outcome: "failed" });
    a.isWell = false;
    await untilTakers("b");
    expect(agent.state()).toMatchObject({ state: "degraded" });
    expect(agent.state().lastError).toMatch(/refuses the configuration/);
  });

  test("an endpoint that comes and goes costs no more reloads than the pause between two lets through", async () => {
    const [a] = endpoints as [Endpoint, Endpoint];
    await agent.apply(files());
    const before = written.length;
    const begun = performance.now();
    const flapping = setInterval(() => {
      a.isWell = !a.isWell;
    }, 130);
    await sleep(1_200);
    clearInterval(flapping);
    const changes = events.filter(({ kind }) => kind === "endpoint-down" || kind === "endpoint-up").length;
    const reloads = written.length - before;
    expect(changes).toBeGreaterThan(reloads);
    expect(reloads).toBeLessThanOrEqual(Math.ceil((performance.now() - begun) / GAP_MS));
    a.isWell = true;
    await untilTakers("a", "b");
  });
});
