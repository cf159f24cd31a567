/** The program as a process: what fails ends in one line, what runs stops when it is told to. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { get } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { ask, freePort } from "./agent/testSupport.ts";
import { createAuthority } from "./xds/testingCertificates.ts";

/** Processes take a second to start, many times that on a busy machine. */
vi.setConfig({ testTimeout: 120_000 });
const START_MS = 60_000;

const MAIN = join(import.meta.dirname, "main.ts");
let dir: string;
const children = new Set<ChildProcess>();

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "trimtab-main-"));
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Running {
  readonly child: ChildProcess;
  readonly out: () => string;
  /** Standard error so far. */
  readonly err: () => string;
  /** Exit code and standard error, at the end. */
  readonly ended: Promise<{ code: number | null; err: string }>;
}

function start(...argv: string[]): Running {
  const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout?.on("data", (part) => out.push(String(part)));
  child.stderr?.on("data", (part) => err.push(String(part)));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, err: err.join("") }));
  return { child, out: () => out.join(""), err: () => err.join(""), ended };
}

const serve = (data: string, ...more: string[]): Running =>
  start("serve", "--data", join(dir, data), "--http", "127.0.0.1:0", "--xds", "127.0.0.1:0", ...more);

/** Of the log, in their order. */
const events = (run: Running): unknown[] =>
  run
    .err()
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line).event);

const tlsFlags = (cert: string, key: string, ca: string): string[] => {
  return ["--xds-tls-cert", cert, "--xds-tls-key", key, "--xds-tls-client-ca", ca];
};

test("serve tells its addresses, answers, keeps its store to itself, and stops on SIGTERM", async () => {
  const first = serve("one");
  await expect.poll(first.out, { timeout: START_MS }).toMatch(/REST API on (http:\S+), xDS on \S+, revision 0\n/);
  const url = /http:[^,\s]+/.exec(first.out())?.[0];
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const second = await serve("one").ended;
  expect(second.code).toBe(1);
  expect(second.err).toMatch(
    /^trimtab: STORE-LOCKED: the data directory \S+one is in use by another Trimtab process \(--data DIR or TRIMTAB_DATA names another/,
  );
  first.child.kill("SIGTERM");
  expect((await first.ended).code).toBe(0);
  expect(events(first)).toEqual(["started", "stopping", "stopped"]);
});

test("a token may come by a pipe, and a server that waits for one ends when it is told to", async () => {
  const pipe = join(dir, "pipe");
  expect(spawnSync("mkfifo", ["-m", "600", pipe]).status).toBe(0);
  // Opened only when somebody reads.
  const writerOf = (): number | null => {
    try {
      return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      return null;
    }
  };
  const opened = async (): Promise<number> => {
    let writer = writerOf();
    while (writer === null) {
      await sleep(20);
      writer = writerOf();
    }
    return writer;
  };
  const waiting = serve("waiting", "--api-token-file", pipe);
  const silent = await opened();
  waiting.child.kill("SIGTERM");
  expect((await waiting.ended).err).toBe("");
  closeSync(silent);
  const served = serve("waiting", "--api-token-file", pipe);
  const writer = await opened();
  writeSync(writer, `${"0123456789".repeat(4)}\n`);
  closeSync(writer);
  await expect.poll(served.out, { timeout: START_MS }).toMatch(/REST API on /);
  served.child.kill("SIGTERM");
  expect((await served.ended).code).toBe(0);
});

test("dev follows fleets that are made over REST, and says what a save of the file undoes", async () => {
  const [api, xds, one, two] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const file = join(dir, "dev.yaml");
  const text = (fleet: string, port: number): string => `
fleets: [{name: ${fleet}, proxy: nginx, bindAddress: 127.0.0.1}]
listeners: [{name: ${fleet}, fleets: [${fleet}], port: ${port}, protocol: HTTP}]
routes: [{name: ${fleet}, listeners: [${fleet}], hostnames: [127.0.0.1], rules: [{respond: {status: 200, body: ${fleet}}}]}]
`;
  writeFileSync(file, text("first", one));
  const sockets = ["--http", `127.0.0.1:${api}`, "--xds", `127.0.0.1:${xds}`];
  const token = "0123456789".repeat(4);
  writeFileSync(join(dir, "dev-token"), token, { mode: 0o600 });
  const run = start("dev", file, "--data", join(dir, "dev"), ...sockets, "--api-token-file", join(dir, "dev-token"));
  await expect.poll(run.out, { timeout: START_MS }).toContain("Watching");
  expect(await ask(one)).toBe("first");
  const answer = await fetch(`http://127.0.0.1:${api}/v1/config/apply`, {
    method: "POST",
    headers: { "content-type": "application/yaml", authorization: `Bearer ${token}` },
    body: text("second", two),
  });
  expect(answer.status).toBe(200);
  await expect.poll(() => ask(two), { timeout: START_MS }).toBe("second");
  writeFileSync(file, `${text("first", one)}# saved\n`);
  await expect.poll(run.out, { timeout: START_MS }).toContain(`${file}: applied\n`);
  for (const kind of ["fleets", "listeners", "routes"]) {
    expect(run.out()).toContain(`deleted: ${kind}/second (the file does not have it)\n`);
  }
  expect([await ask(one), await ask(two)]).toEqual(["first", null]);
  run.child.kill("SIGTERM");
  expect(await run.ended).toEqual({ code: 0, err: "" });
});

test("an address or token that cannot be had: one line, how to change it, exit 1", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  const empty = join(dir, "empty");
  writeFileSync(empty, "\n", { mode: 0o600 });
  const [open, token] = [join(dir, "open"), join(dir, "token")];
  writeFileSync(open, "token", { mode: 0o644 });
  writeFileSync(token, "token", { mode: 0o600 });
  mkdirSync(join(dir, "noise"));
  writeFileSync(join(dir, "noise/lock"), "noise ".repeat(1000));
  try {
    const runs: [Running, RegExp][] = [
      [
        serve("a", "--http", `127.0.0.1:${port}`),
        /address already in use 127\.0\.0\.1:\d+ \(--http ADDRESS or TRIMTAB_HTTP/,
      ],
      [serve("b", "--xds", `127.0.0.1:${port}`), /:\d+.* \(--xds ADDRESS or TRIMTAB_XDS/],
      [
        start("serve", "--data", "/proc/trimtab"),
        /^trimtab: STORE-UNWRITABLE: cannot keep data in \/proc\/trimtab: no folder .* \(--data DIR/,
      ],
      [serve("noise"), /noise\/lock was not written by Trimtab: .* \(--data DIR or TRIMTAB_DATA/],
      [serve("empty"), /cannot keep data in \S+empty: .* \(--data DIR or TRIMTAB_DATA/],
      [start("dev", join(dir, "none.yaml")), /cannot read \S+none\.yaml: there is no such file/],
      [start("dev", dir), /cannot read \S+: it is a folder/],
      [serve("c", "--http", "0.0.0.0:0"), /needs an API token/],
      [serve("d", "--api-token-file", join(dir, "none")), /cannot read \S+none: there is no such file/],
      [serve("e", "--api-token-file", empty), /empty holds no token/],
      [serve("j", "--api-token-file", open), /open holds a secret, and others may read it \(mode 0644\): chmod 600/],
      [serve("k", "--metrics-token-file", open), /open holds a secret, and others may read it/],
      [serve("l", "--api-token-file", token, "--metrics-token-file", token), /hold the same token/],
      [serve("m", ...tlsFlags(empty, open, empty)), /open holds a secret, and others may read it/],
      [
        serve("f", "--xds", "0.0.0.0:0"),
        /needs client certificates: --xds-tls-cert, --xds-tls-key and --xds-tls-client-ca, or --xds-insecure .* \(--xds ADDRESS/,
      ],
      [serve("g", "--xds-tls-key", empty), /TLS on the xDS port needs --xds-tls-cert and --xds-tls-client-ca too\n/],
      [serve("n", "--http-tls-cert", empty), /TLS on the API's port needs --http-tls-key too\n/],
      [serve("q", "--http-tls-cert", empty, "--http-tls-key", empty), /empty holds no certificate in PEM\n/],
      [serve("h", ...tlsFlags(join(dir, "none"), empty, empty)), /no such file or directory, open '\S+none'\n/],
      [serve("i", ...tlsFlags(empty, empty, empty)), /empty holds no certificate in PEM\n/],
    ];
    for (const [run, text] of runs) {
      const { code, err } = await run.ended;
      expect([code, err]).toEqual([1, expect.stringMatching(text)]);
      // What the log says before the end is JSON.
      expect(err).toMatch(/^(\{.*\}\n)*trimtab: [^\n]*\n$/);
    }
  } finally {
    other.close();
  }
});

test("serve with client certificates tells whom it turns away, in a line and in a metric, and no key", async () => {
  const authority = createAuthority("ca");
  const { cert, key } = authority.issue({ dns: ["localhost"] });
  const [certFile, keyFile, caFile] = ["cert", "key", "ca"].map((name) => join(dir, `tls-${name}`)) as [
    string,
    string,
    string,
  ];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  writeFileSync(caFile, authority.cert);
  const run = serve("tls", ...tlsFlags(certFile, keyFile, caFile));
  await expect.poll(run.out, { timeout: START_MS }).toMatch(/xDS on \S+ \(TLS\), revision 0\n/);
  const [, api, port] = /REST API on (\S+), xDS on \S+:(\d+)/.exec(run.out()) as unknown as [string, string, string];
  const knock = connect({
    port: Number(port),
    host: "127.0.0.1",
    ca: authority.cert,
    servername: "localhost",
    ALPNProtocols: ["h2"],
  });
  await new Promise<void>((resolve) => knock.on("error", () => {}).on("close", () => resolve()));
  await expect.poll(() => events(run), { timeout: START_MS }).toContain("xds-refused");
  expect(JSON.parse(run.err().split("\n")[1] as string)).toMatchObject({
    event: "xds-refused",
    reason: "noCertificate",
    message: "showed no client certificate (ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE)",
    peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
  });
  const metrics = await (await fetch(`${api}/metrics`)).text();
  expect(metrics).toContain('trimtab_xds_refusals_total{reason="noCertificate"} 1\n');
  expect(metrics).toContain('trimtab_xds_refusals_total{reason="expired"} 0\n');
  expect(metrics).toMatch(/^trimtab_xds_tls_expires_seconds 1[\d.e+]+$/m);
  run.child.kill("SIGTERM");
  const { code, err } = await run.ended;
  expect(code).toBe(0);
  expect(run.out() + err + metrics).not.toContain(key.split("\n")[1]);
});

test("serve with a certificate of the API answers by https only, tells whom it turns away, and no key", async () => {
  const authority = createAuthority("ca");
  const { cert, key } = authority.issue({ ips: ["127.0.0.1"] });
  const [certFile, keyFile] = [join(dir, "api-cert"), join(dir, "api-key")];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  const run = serve("https", "--http-tls-cert", certFile, "--http-tls-key", keyFile);
  await expect.poll(run.out, { timeout: START_MS }).toMatch(/REST API on https:\S+, xDS on \S+, revision 0\n/);
  const url = /https:[^,\s]+/.exec(run.out())?.[0] as string;
  await expect(fetch(url.replace("https", "http"))).rejects.toThrow();
  const status = await new Promise((done, fail) =>
    get(`${url}/readyz`, { ca: authority.cert, agent: false }, (answer) => done(answer.resume().statusCode)).on(
      "error",
      fail,
    ),
  );
  expect(status).toBe(200);
  await expect.poll(() => events(run), { timeout: START_MS }).toContain("http-tls-refused");
  run.child.kill("SIGTERM");
  const { code, err } = await run.ended;
  expect(code).toBe(0);
  expect(err).toContain('"httpSecured":"TLS"');
  expect(err).toContain('"reason":"plaintext","message":"spoke plaintext to the TLS port (ERR_SSL_HTTP_REQUEST)"');
  expect(run.out() + err).not.toContain(key.split("\n")[1]);
});

test("who stops reading its output is no error", async () => {
  const model = join(dir, "m.yaml");
  writeFileSync(
    model,
    `clusters: [${Array.from({ length: 2000 }, (_, n) => `{name: c${n}, endpoints: []}`).join(", ")}]`,
  );
  writeFileSync(join(dir, "none.yaml"), "{}");
  const run = start("diff", model, join(dir, "none.yaml"));
  run.child.stdout?.destroy();
  expect(await run.ended).toEqual({ code: 2, err: "" });
});

test("a disk that is full is told", () => {
  const full = openSync("/dev/full", "w");
  try {
    const { status, stderr } = spawnSync(process.execPath, [MAIN, "--help"], { stdio: ["ignore", full, "pipe"] });
    expect([status, String(stderr)]).toEqual([1, expect.stringMatching(/^trimtab: cannot write the output: .*\n$/)]);
  } finally {
    closeSync(full);
  }
});

test("who stops reading its errors is told nothing more; the exit code stays", async () => {
  const model = join(dir, "bad.yaml");
  writeFileSync(model, `clusters: [${"{}, ".repeat(900)}]`);
  const run = start("validate", model);
  run.child.stderr?.destroy();
  expect((await run.ended).code).toBe(1);
});

test("a command that needs little loads little, and what was compiled is kept where only its user writes", async () => {
  const cache = join(dir, "cache");
  const env = { ...process.env, XDG_CACHE_HOME: cache, NODE_DEBUG: "esm" };
  delete (env as NodeJS.ProcessEnv).NODE_DISABLE_COMPILE_CACHE;
  const run = spawnSync(process.execPath, [MAIN, "bootstrap", "--fleet", "edge"], { env, encoding: "utf8" });
  expect([run.status, JSON.parse(run.stdout).node.cluster]).toEqual([0, "edge"]);
  expect(run.stderr).toContain("commander");
  expect(run.stderr).not.toMatch(/fastify|grpc-js|_pb\.js|handlebars|validators\.ts/);
  const example = join(import.meta.dirname, "../examples/quickstart.yaml");
  const judged = spawnSync(process.execPath, [MAIN, "validate", example], {
    env,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  expect([judged.status, judged.stdout]).toEqual([0, expect.stringContaining("is valid")]);
  const loaded = [...judged.stderr.matchAll(/^ESM \d+: Storing (file:\S+)/gm)].map(([, url = ""]) => url);
  expect(loaded.filter((url) => url.includes("/targets/nginx/"))).not.toEqual([]);
  expect(loaded.filter((url) => /fastify|gen\/proto|src\/(store|xds|api)\//.test(url))).toEqual([]);
  expect(readdirSync(cache)).toEqual(["trimtab"]);
  const plain = join(dir, "plain");
  writeFileSync(plain, "");
  for (const HOME of [join(dir, "none"), plain]) {
    const homeless = { ...process.env, XDG_CACHE_HOME: "", HOME };
    const still = spawnSync(process.execPath, [MAIN, "--version"], { env: homeless, encoding: "utf8" });
    expect([still.status, still.stdout, still.stderr]).toEqual([0, "0.1.0\n", ""]);
  }
  expect(readdirSync(dir)).not.toContain("none");
});
