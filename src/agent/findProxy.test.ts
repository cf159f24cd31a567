import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findProxy } from "./findProxy.ts";
import { scratchDir } from "./testSupport.ts";

let scratch: Awaited<ReturnType<typeof scratchDir>>;
beforeEach(async () => {
  scratch = await scratchDir();
});
afterEach(() => scratch.remove());

async function program(path: string, text: string): Promise<string> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

test("the installed nginx and HAProxy are found without their folder on PATH", async () => {
  const options = { root: scratch.path, env: { PATH: "/nowhere" } };
  expect(await findProxy("nginx", options)).toMatchObject({ kind: "nginx", version: expect.stringMatching(/^1\.\d+/) });
  expect(await findProxy("haproxy", options)).toMatchObject({ version: expect.stringMatching(/^\d\.\d+/) });
});

test("Envoy: the environment, then the project's own, then PATH", async () => {
  const version = (number: string) => `echo "envoy  version: 0123abc/${number}/Clean/RELEASE/BoringSSL"`;
  const path = await program(join(scratch.path, "path", "envoy"), version("1.1.1"));
  const env = { PATH: join(path, "..") };
  const root = scratch.path;
  expect(await findProxy("envoy", { root, env })).toEqual({ kind: "envoy", binary: path, version: "1.1.1" });
  const own = await program(join(root, ".trimtab/bin/envoy"), version("2.2.2"));
  expect(await findProxy("envoy", { root, env })).toEqual({ kind: "envoy", binary: own, version: "2.2.2" });
  const named = await program(join(root, "mine"), version("3.3.3"));
  const found = await findProxy("envoy", { root, env: { ...env, TRIMTAB_ENVOY: named } });
  expect(found).toEqual({ kind: "envoy", binary: named, version: "3.3.3" });
});

test("what is missing is said with the way to get it", async () => {
  const options = { root: scratch.path, env: { PATH: "" } };
  expect(await findProxy("envoy", options)).toMatchObject({
    binary: null,
    hint: expect.stringMatching(/npm run setup/),
  });
  const named = await findProxy("nginx", { ...options, env: { TRIMTAB_NGINX: scratch.path } });
  expect(named).toMatchObject({ binary: null, hint: expect.stringMatching(/TRIMTAB_NGINX names .* not a program/) });
  const broken = await program(join(scratch.path, "broken"), "exit 3");
  const failing = await findProxy("haproxy", { ...options, env: { TRIMTAB_HAPROXY: broken } });
  expect(failing).toMatchObject({ binary: null, hint: expect.stringMatching(/does not run/) });
});
