import { readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, checkWith, filesOf, freePort, KINDS, scratchDir, until } from "../agent/testSupport.ts";
import { finish } from "../util/steps.ts";
import { readDevConfig } from "./config.ts";
import { type DevOptions, runDev } from "./runDev.ts";
import type { DevApplied, DevControlPlane, DevFiles, DevFleet } from "./types.ts";

let scratch: Awaited<ReturnType<typeof scratchDir>>;
let out: string;
let err: string;
let stop: AbortController;
let planeClosed: boolean;
let ports: { nginx: number; haproxy: number; echo: number; api: number };

beforeEach(async () => {
  scratch = await scratchDir();
  [out, err, stop, planeClosed] = ["", "", new AbortController(), false];
  ports = { nginx: await freePort(), haproxy: await freePort(), echo: await freePort(), api: await freePort() };
});
afterEach(async () => {
  stop.abort();
  await scratch.remove();
});

/** `version` ends up in the answers of both proxies (through the fake control plane below). */
const yaml = (version: string) => `
fleets:
  - {name: edge-envoy, proxy: envoy, bindAddress: 127.0.0.1}
  - {name: edge-nginx, proxy: nginx, bindAddress: 127.0.0.1}
  - {name: edge-haproxy, proxy: haproxy, bindAddress: 127.0.0.1}
listeners:
  - {name: n, fleets: [edge-nginx], port: ${ports.nginx}, protocol: HTTP}
  - {name: h, fleets: [edge-haproxy], port: ${ports.haproxy}, protocol: HTTP}
clusters:
  - {name: backend, labels: {echo: http, version: ${version}}, endpoints: [{address: 127.0.0.1, port: ${ports.echo}}]}
`;

/** What others write over REST: more fleets, and what the next edit thereby undoes. */
interface Rest {
  fleets: DevFleet[];
  changed: DevApplied["changed"];
  commit: () => void;
}

/** A control plane whose compiler is a look-up of the version label. */
function fakePlane(rest: Rest = { fleets: [], changed: [], commit: () => undefined }): DevControlPlane {
  let files = new Map<string, DevFiles>();
  let listener: (fleet: string, files: DevFiles | null) => void = () => undefined;
  const fleets: DevFleet[] = (["envoy", "nginx", "haproxy"] as const).map((proxy) => ({
    name: `edge-${proxy}`,
    proxy,
  }));
  return {
    applyConfig: async (text) => {
      const version = /version: (\w+)/.exec(text)?.[1] ?? "";
      if (version === "wrong") {
        const place = { file: "", line: 10, column: 40 };
        const problem = { code: "X", severity: "error", message: "no such version", pointer: "/clusters/0" } as const;
        return { ok: false, problems: [{ ...problem, ...place }], changed: [] };
      }
      const listeners = new Map(readDevConfig(text).listeners.map(({ fleet, port }) => [fleet, port]));
      files = new Map(
        KINDS.map((kind) => [`edge-${kind.name}`, filesOf(kind, listeners.get(`edge-${kind.name}`) ?? 0, version)]),
      );
      for (const [fleet, rendered] of files) {
        listener(fleet, rendered);
      }
      return { ok: true, problems: [], changed: rest.changed };
    },
    onCommit: (given) => {
      rest.commit = given;
      return () => {
        rest.commit = () => undefined;
      };
    },
    files: async (fleet) => files.get(fleet) ?? null,
    openSecret: () => "",
    onFiles: (given) => {
      listener = given;
      return () => {
        listener = () => undefined;
      };
    },
    bootstrap: () => ({ text: "{}", args: [] }),
    proxies: () => [],
    reportListeners: () => undefined,
    watchProxy: () => () => undefined,
    watchPulling: () => () => undefined,
    noteEvent: () => undefined,
    listFleets: () => [...fleets, ...rest.fleets],
    close: async () => {
      planeClosed = true;
    },
  };
}

async function options(text: string): Promise<DevOptions> {
  const file = join(scratch.path, "config.yaml");
  await writeFile(file, text);
  return {
    file,
    root: scratch.path,
    runDir: join(scratch.path, "run"),
    sockets: [{ socket: `127.0.0.1:${ports.api}`, purpose: "the REST API", change: "--http ADDRESS or TRIMTAB_HTTP" }],
    overrides: { ports: new Map(), addresses: new Map() },
    httpsPort: undefined,
    httpsDir: join(scratch.path, "https"),
    startPlane: async () => fakePlane(),
    tools: {
      check: (proxy, files, { binary }) => {
        expect(binary).toMatch(/^\//);
        return checkWith(KINDS.find(({ name }) => name === proxy)!, join(scratch.path, `check-${proxy}`))(files);
      },
      rebound: async (proxy, text, places) => finish(KINDS.find(({ name }) => name === proxy)!.rebind(text, places)),
      runtimeChange: async () => null,
      takenOut: async (_proxy, files) => files,
    },
    io: {
      out: (part) => {
        out += part;
      },
      err: (part) => {
        err += part;
      },
    },
    env: { PATH: process.env.PATH, TRIMTAB_ENVOY: "/nonexistent/envoy" },
    stop: stop.signal,
    apiUrl: `http://127.0.0.1:${ports.api}`,
    program: "npx trimtab",
  };
}

test("starts what is there, applies edits live, refuses bad ones, reports deaths, ends everything", async () => {
  const given = await options(yaml("one"));
  const done = runDev(given);
  await until(() => out.includes("Watching"));
  expect(out).toMatch(/edge-nginx +nginx +1\.\d+\S* +http:\/\/127\.0\.0\.1:\d+ +serving/);
  expect(out).toMatch(/edge-haproxy +haproxy +\S+ +http:\/\/127\.0\.0\.1:\d+ +serving/);
  expect(out).toMatch(/edge-envoy +envoy +- +not installed/);
  expect(out).toMatch(/edge-envoy is skipped.*TRIMTAB_ENVOY names \/nonexistent\/envoy/);
  expect(out).toContain(`curl -i http://127.0.0.1:${ports.nginx}/`);
  expect(await Promise.all([ask(ports.nginx), ask(ports.haproxy)])).toEqual(["one", "one"]);
  expect((await fetch(`http://127.0.0.1:${ports.echo}/`)).status).toBe(200);

  await writeFile(given.file, yaml("two"));
  await until(async () => (await ask(ports.nginx)) === "two" && (await ask(ports.haproxy)) === "two");
  await writeFile(given.file, yaml("wrong"));
  await until(() => out.includes("refused"));
  expect(err).toContain("/config.yaml:10:40: error X /clusters/0: no such version");
  expect(await ask(ports.nginx)).toBe("two");

  const pid = Number(await readFile(join(given.runDir, "edge-nginx", "child.pid"), "utf8"));
  process.kill(pid, "SIGKILL");
  await until(() => /edge-nginx: nginx was ended by SIGKILL[\s\S]*restarting in \d+ ms/.test(out));
  await until(async () => (await ask(ports.nginx)) === "two");

  stop.abort();
  expect(await done).toBe(0);
  expect(planeClosed).toBe(true);
  expect(await Promise.all([ask(ports.nginx), ask(ports.haproxy)])).toEqual([null, null]);
  await expect(fetch(`http://127.0.0.1:${ports.echo}/`)).rejects.toThrow();
});

test("says which ports are busy and how to change them, and starts nothing", async () => {
  const given = await options(yaml("one"));
  const squatters = [ports.api, ports.haproxy, ports.echo].map((port) => createServer().listen(port, "127.0.0.1"));
  await until(() => squatters.every(({ listening }) => listening));
  let started = false;
  const startPlane = async () => {
    started = true;
    return fakePlane();
  };
  expect(await runDev({ ...given, startPlane })).toBe(1);
  expect(started).toBe(false);
  expect(err.trim().split("\n")).toEqual([
    `127.0.0.1:${ports.api} is in use; it is wanted for the REST API. Change it with --http ADDRESS or TRIMTAB_HTTP.`,
    expect.stringMatching(
      new RegExp(`^127.0.0.1:${ports.haproxy} is in use.*--port ${ports.haproxy}=OTHER or TRIMTAB`),
    ),
    expect.stringMatching(new RegExp(`^127.0.0.1:${ports.echo} is in use.*echo upstream of cluster backend`)),
  ]);

  // Only an upstream's port is taken: the control plane was up for a moment, and is closed again.
  squatters[0]!.close();
  err = "";
  expect(await runDev({ ...given, startPlane })).toBe(1);
  expect(err).toMatch(/is in use.*echo upstream/);
  expect(planeClosed).toBe(true);
  for (const squatter of squatters) {
    squatter.close();
  }
});

test("a proxy's port that is taken at the start holds up its listener only; the advice works", async () => {
  const given = await options(yaml("one"));
  const squatter = createServer().listen(ports.haproxy, "127.0.0.1");
  await until(() => squatter.listening);
  const reports: string[] = [];
  const startPlane = async (): Promise<DevControlPlane> => ({
    ...fakePlane(),
    reportListeners: (fleet, listeners) => {
      reports.push(`${fleet} ${listeners?.map(({ state }) => state)}`);
    },
  });
  const done = runDev({ ...given, startPlane });
  await until(() => out.includes("Watching"));
  expect(err).toMatch(new RegExp(`^127.0.0.1:${ports.haproxy} is in use.*--port ${ports.haproxy}=OTHER or TRIMTAB`));
  expect(out).toContain(`edge-haproxy: listener f waits: 127.0.0.1:${ports.haproxy} is in use\n`);
  expect(out).toMatch(/edge-haproxy +haproxy +\S+ +http:\/\/127\.0\.0\.1:\d+ +degraded/);
  expect(reports).toContain("edge-haproxy waiting");
  expect(await ask(ports.nginx)).toBe("one");
  await new Promise((resolve) => squatter.close(resolve));
  await until(async () => (await ask(ports.haproxy)) === "one", 20_000);
  await until(() => out.includes("edge-haproxy: listener f is served"));
  expect(reports).toContain("edge-haproxy serving");
  stop.abort();
  expect(await done).toBe(0);
  expect(reports.slice(-2).sort()).toEqual(["edge-haproxy undefined", "edge-nginx undefined"]);

  const other = [await freePort(), await freePort()] as const;
  const overrides = {
    ports: new Map([
      [ports.haproxy, other[0]],
      [ports.echo, other[1]],
    ]),
    addresses: new Map(),
  };
  [out, err, stop] = ["", "", new AbortController()];
  const again = runDev({ ...given, overrides, stop: stop.signal });
  await until(() => out.includes("Watching"));
  expect(await ask(other[0])).toBe("one");
  stop.abort();
  expect(await again).toBe(0);
});

test("proxies of fleets that are made over REST are started, and ended with them; what an edit undoes is told", async () => {
  const rest: Rest = { fleets: [], changed: [], commit: () => undefined };
  const plane = fakePlane(rest);
  const port = await freePort();
  const files = filesOf(KINDS.find(({ name }) => name === "nginx")!, port, "by-rest");
  const startPlane = async () => ({
    ...plane,
    files: async (fleet: string) => (fleet === "second" ? files : plane.files(fleet)),
  });
  const given = await options(yaml("one"));
  const done = runDev({ ...given, startPlane });
  await until(() => out.includes("Watching"));
  rest.fleets = [
    { name: "second", proxy: "nginx" },
    { name: "third", proxy: "envoy" },
  ];
  rest.commit();
  rest.commit();
  await until(async () => (await ask(port)) === "by-rest");
  await until(() => out.includes("third is skipped, for envoy is missing"));
  rest.fleets = [];
  rest.commit();
  await until(async () => (await ask(port)) === null);
  expect(out).toContain("second: ended, its fleet is gone");

  rest.changed = [
    { resource: "fleets/second", change: "deleted" },
    { resource: "clusters/backend", change: "updated" },
  ];
  await writeFile(given.file, yaml("two"));
  await until(() => out.includes(`${given.file}: applied`));
  expect(await ask(ports.nginx)).toBe("two");
  expect(out).toContain("deleted: fleets/second (the file does not have it)\n");
  expect(out).not.toContain("clusters/backend");

  rest.fleets = [{ name: "second", proxy: "nginx" }];
  rest.commit();
  stop.abort();
  expect(await done).toBe(0);
  expect(await ask(port)).toBeNull();
});

test("an edit that a proxy cannot run is not called applied; saving the file tries it again", async () => {
  const given = await options(yaml("one"));
  const done = runDev(given);
  await until(() => out.includes("Watching"));
  const squatter = createServer().listen(await freePort(), "127.0.0.1");
  await until(() => squatter.listening);
  const { port: taken } = squatter.address() as AddressInfo;
  const moved = yaml("two").replace(`[edge-haproxy], port: ${ports.haproxy}`, `[edge-haproxy], port: ${taken}`);
  await writeFile(given.file, moved);
  await until(() => out.includes("stored, but not every proxy runs it"));
  expect(err).toContain(
    `edge-haproxy: listener f waits: 127.0.0.1:${taken} is in use; served on 127.0.0.1:${ports.haproxy} until then\n`,
  );
  expect(await Promise.all([ask(ports.nginx), ask(ports.haproxy)])).toEqual(["two", "two"]);
  await new Promise((resolve) => squatter.close(resolve));
  await writeFile(given.file, `${moved}# again\n`);
  await until(() => out.includes(`${given.file}: applied`));
  expect(await ask(taken)).toBe("two");

  await rm(given.file);
  await until(() => err.includes("there is no such file; the last good configuration stays"));
  stop.abort();
  expect(await done).toBe(0);
});

test("overrides that match nothing are refused", async () => {
  const overrides = { ports: new Map([[1, 2]]), addresses: new Map([["nope", "1.1.1.1"]]) };
  expect(await runDev({ ...(await options(yaml("one"))), overrides })).toBe(1);
  expect(err).toMatch(
    /--port 1=2.*no listener or endpoint has port 1\.\n--bind nope=1.1.1.1.*there is no fleet nope\.\n/,
  );
  expect(planeClosed).toBe(false);
});

test("a configuration that is wrong from the start ends it", async () => {
  expect(await runDev(await options(yaml("wrong")))).toBe(1);
  expect(err).toContain("no such version");
  expect(planeClosed).toBe(true);
});
