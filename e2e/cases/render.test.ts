/** `trimtab render`: twice the same bytes; nginx and HAProxy started by hand from the files answer the scenario's requests. */
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { e2e } from "../harness/context.ts";
import { type Model, scenario } from "../harness/model.ts";
import { freePort } from "../harness/ports.ts";
import { until } from "../harness/process.ts";
import { cli, runCli } from "../harness/program.ts";
import { send } from "../harness/rawHttp.ts";
import { deadPort } from "../harness/serve.ts";
import type { RunningProxy } from "../proxies/adapter.ts";
import { adapters } from "../proxies/index.ts";
import { mismatches } from "../scenario/check.ts";

/** The proxies started by hand stand beside the others, on addresses of their own. */
const addresses = { nginx: "127.0.0.25", haproxy: "127.0.0.26" } as const;
let model: Model;
let file: string;
let dir: string;
let port: number;

beforeAll(async () => {
  const { ports, upstreams, workDir } = e2e();
  dir = await mkdtemp(join(workDir, "render-"));
  await chmod(dir, 0o755);
  port = await freePort(...Object.values(addresses));
  const tcp = await freePort(...Object.values(addresses));
  model = scenario({ ports: { ...ports, http: port, tcp }, upstreams, deadPort: deadPort() });
  for (const fleet of model.fleets) fleet.bindAddress = addresses[fleet.name as "nginx"] ?? fleet.bindAddress;
  file = join(dir, "model.yaml");
  await writeFile(file, stringify(model));
});

/** Relative path -> mode and hash. */
async function fingerprint(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: Record<string, string> = {};
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const path = join(entry.parentPath, entry.name);
    found[relative(folder, path)] = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  }
  return found;
}

it("gives the same bytes twice, and for the document in another order", async () => {
  await cli("render", "-o", join(dir, "one"), file);
  await cli("render", "-o", join(dir, "two"), file);
  const one = await fingerprint(join(dir, "one"));
  expect(Object.keys(one)).toEqual(expect.arrayContaining(["nginx/nginx.conf", "haproxy/haproxy.cfg"]));
  expect(await fingerprint(join(dir, "two"))).toEqual(one);
  const shuffled = Object.fromEntries(
    Object.entries(model)
      .reverse()
      .map(([kind, list]) => [kind, [...list].reverse()]),
  );
  const other = join(dir, "shuffled.yaml");
  await writeFile(other, stringify(shuffled));
  await cli("render", "-o", join(dir, "three"), other);
  expect(await fingerprint(join(dir, "three"))).toEqual(one);
});

it("writes again over its own files, and leaves others alone", async () => {
  const out = join(dir, "again");
  await cli("render", "-o", out, file);
  await writeFile(join(out, "nginx", "mine.txt"), "mine");
  const before = await fingerprint(out);
  await cli("render", "-o", out, file);
  expect(await fingerprint(out)).toEqual(before);
});

it("--target renders that proxy only", async () => {
  await cli("render", "--target", "nginx", "-o", join(dir, "nginx-only"), file);
  expect(await readdir(join(dir, "nginx-only"))).toEqual(["nginx"]);
});

it("writes nothing for an invalid model, and tells file, line and column", async () => {
  const bad = join(dir, "bad.yaml");
  await writeFile(bad, stringify(model).replace("cluster: echo-c", "cluster: echo-zzz"));
  const { code, stdout, stderr } = await runCli("render", "-o", join(dir, "none"), bad);
  expect(code).not.toBe(0);
  expect(stdout + stderr).toMatch(/bad\.yaml:\d+:\d+/);
  await expect(readdir(join(dir, "none"))).rejects.toThrow();
});

describe.each(["nginx", "haproxy"] as const)("%s started by hand from the rendered files", (proxy) => {
  let running: RunningProxy;

  beforeAll(async () => {
    const out = join(dir, `run-${proxy}`);
    await mkdir(out);
    await cli("render", "--target", proxy, "-o", out, file);
    running = await adapters[proxy].start({
      program: e2e().program,
      fleet: proxy,
      address: addresses[proxy],
      dir: join(out, proxy),
      fromDir: true,
    });
    await until(
      `${proxy} answers`,
      async () => (await send({ address: addresses[proxy], port }, { path: "/", host: "x" })).status,
    );
  });

  afterAll(() => adapters[proxy].stop(running));

  it("answers every request of the table", async () => {
    expect(await mismatches({ address: addresses[proxy], port })).toEqual([]);
  });
});
