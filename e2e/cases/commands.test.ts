/** `trimtab validate`, `diff` and `apply`: a file goes to the server by the command line, and the proxies serve it. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { must } from "../harness/api.ts";
import { e2e, proxyNames } from "../harness/context.ts";
import { base, type Model, merge, route } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { cli, runCli } from "../harness/program.ts";
import { ask, reloadFileProxies, serve } from "../harness/serve.ts";
import { observe } from "../harness/state.ts";

const host = "cli.e2e.example";
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(e2e().workDir, "commands-"));
  await serve({});
});

const model = (body: string): Model =>
  merge(base(e2e().ports, "by hand"), { routes: [route("cli", host, { respond: { status: 200, body } })] });

async function file(name: string, content: Model | string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, typeof content === "string" ? content : stringify(content));
  return path;
}

const server = (): string[] => ["--server", e2e().program.api];

it("apply sends a file, and every proxy serves it", async () => {
  const path = await file("first.yaml", model("from a file"));
  await cli("validate", path);
  expect((await runCli("diff", ...server(), path)).code).toBe(2);
  await cli("apply", ...server(), "--message", "from the e2e tests", path);
  expect((await runCli("diff", ...server(), path)).code).toBe(0);
  await reloadFileProxies();
  for (const proxy of proxyNames) {
    await until(`${proxy} serves it`, async () =>
      (await ask(proxy, { host, path: "/" })).body === "from a file" ? true : null,
    );
  }
  const { json } = await must(e2e().program.api, "GET /v1/revisions?limit=1");
  expect(json.items[0].message).toBe("from the e2e tests");
});

it("status tells that every fleet has it, connected proxies too; history who did it; rollback undoes it, and is undone", async () => {
  const { revision } = (await must(e2e().program.api, "GET /v1/revisions?limit=1")).json.items[0];
  await cli("status", ...server(), "--wait", String(revision), "--timeout", "25");
  expect(await cli("history", ...server(), "--limit", "1")).toContain("from the e2e tests");
  const before = await cli("export", ...server());
  expect(await cli("rollback", ...server(), String(revision - 1), "--dry-run")).toMatch(/^[-~] routes\/cli$/m);
  expect(await cli("export", ...server())).toBe(before);
  await cli("rollback", ...server(), String(revision - 1));
  expect(await cli("export", ...server())).not.toBe(before);
  await cli("rollback", ...server(), String(revision));
  expect(await cli("export", ...server())).toBe(before);
});

it("what is in use cannot be deleted, and the refusal says by whom", async () => {
  const only = await file("only.yaml", { clusters: [{ name: "lonely", endpoints: [] }] } as unknown as Model);
  await cli("apply", ...server(), "--owner", "lonely-team", only);
  const user = await file("user.yaml", {
    routes: [route("user", "user.e2e.example", { split: [{ cluster: "lonely" }] })],
  } as unknown as Model);
  await cli("apply", ...server(), user);
  const nothing = await file("nothing.yaml", "{}");
  const { code, stderr } = await runCli("apply", ...server(), "--owner", "lonely-team", nothing);
  expect([code, stderr]).toEqual([1, expect.stringContaining('cluster "lonely" is in use by routes/user (rule 0)')]);
});

it("apply of the same again changes nothing", async () => {
  const path = await file("same.yaml", model("from a file"));
  const before = await observe();
  await cli("apply", ...server(), path);
  expect(await observe()).toEqual(before);
});

it("apply --dry-run changes nothing", async () => {
  const path = await file("dry.yaml", model("never served"));
  const before = await observe();
  await cli("apply", ...server(), "--dry-run", path);
  expect(await observe()).toEqual(before);
});

it("problems carry file, line and column, from validate and from apply alike; nothing is stored", async () => {
  const text = stringify(model("x")).replace("status: 200", "status: twohundred");
  const line = text.split("\n").findIndex((entry) => entry.includes("twohundred")) + 1;
  const path = await file("bad.yaml", text);
  const before = await observe();
  for (const args of [
    ["validate", path],
    ["apply", ...server(), path],
  ]) {
    const { code, stdout, stderr } = await runCli(...args);
    expect(code, args[0]).not.toBe(0);
    expect(stdout + stderr, args[0]).toMatch(new RegExp(`bad\\.yaml:${line}:\\d+`));
  }
  const { stdout } = await runCli("validate", "--json", path);
  expect(JSON.parse(stdout).ok).toBe(false);
  expect(await observe()).toEqual(before);
});
