/** The key of a control plane's secrets: made, found again, and missed. */
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSecrets } from "./planeSecrets.ts";
import { type Keeper, nextKeyFile, type Sealed } from "./secrets/index.ts";
import { newPrivateKey } from "./secrets/testing.ts";
import type { StoredSecrets } from "./store/index.ts";

let dir: string;
let stored: StoredSecrets & { add(sealed: Sealed): void };
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "trimtab-plane-secrets-"));
  const boxes = new Map<string, Uint8Array>();
  let head: Uint8Array | null = null;
  stored = {
    head: () => head,
    begin: (given) => {
      head = given;
    },
    find: (reference) => boxes.get(reference) ?? null,
    count: () => boxes.size,
    add: ({ reference, box }) => void boxes.set(reference, box),
  };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const opened = (secretKeyFile?: string): Promise<Keeper> => openSecrets({ data: dir, secretKeyFile }, stored);
const keyFile = (): string => join(dir, "secret-key");

async function withOne(): Promise<string> {
  const sealed = (await opened()).seal("privateKey", newPrivateKey());
  if ("refused" in sealed) throw new Error(sealed.refused);
  stored.add(sealed);
  return sealed.reference;
}

test("is made for its owner alone, and good at the next start", async () => {
  const reference = await withOne();
  expect((statSync(keyFile()).mode & 0o777).toString(8)).toBe("600");
  expect(readFileSync(keyFile(), "utf8")).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
  expect((await opened()).open(reference)).toContain("PRIVATE KEY");
});

test("may be a file of one's own: bytes or base64", async () => {
  for (const bytes of [Buffer.alloc(32, 200), `${Buffer.alloc(32, 201).toString("base64")}\n`]) {
    const path = join(dir, "own");
    writeFileSync(path, bytes, { mode: 0o600 });
    expect((await opened(path)).seal("privateKey", newPrivateKey())).toHaveProperty("reference");
    rmSync(path);
  }
});

test.each([
  ["short", Buffer.alloc(31), 0o600, /holds no key: it has to be 32 bytes/],
  ["of 256 bytes", Buffer.alloc(256, 1), 0o600, /holds no key/],
  ["a word", "hunter2\n", 0o600, /holds no key/],
  ["readable by others", Buffer.alloc(32), 0o644, /others may read it/],
])("is refused when it is %s", async (...[, bytes, mode, message]) => {
  writeFileSync(keyFile(), bytes);
  chmodSync(keyFile(), mode);
  await expect(opened()).rejects.toThrow(message);
  await expect(opened(keyFile())).rejects.toThrow(message);
});

test("must be there, and must be the one, when there are secrets", async () => {
  await withOne();
  renameSync(keyFile(), join(dir, "elsewhere"));
  await expect(opened()).rejects.toThrow(/the key that sealed them is gone: \S+secret-key is not there/);
  await expect(opened(join(dir, "nowhere"))).rejects.toThrow(/there is no such file/);
  writeFileSync(keyFile(), Buffer.alloc(32, 9), { mode: 0o600 });
  await expect(opened()).rejects.toThrow(/is not the key of these data: it opens none of their 1 secrets/);
  expect(await opened(join(dir, "elsewhere"))).toBeDefined();
});

test("that cannot be kept on a full disk is no reason not to serve", async () => {
  const failing = (error: Error): StoredSecrets => ({
    ...stored,
    begin: () => {
      throw error;
    },
  });
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  const keeper = await openSecrets({ data: dir }, failing(full));
  expect(keeper.seal("privateKey", newPrivateKey())).toEqual({ refused: expect.stringContaining("no space left") });
  await expect(openSecrets({ data: dir }, failing(new Error("a defect")))).rejects.toThrow("a defect");
});

test("is any key where nothing is sealed yet", async () => {
  await opened();
  rmSync(keyFile());
  expect(await opened()).toBeDefined();
});

test("gets its name when a rotation was cut off behind the data", async () => {
  const reference = await withOne();
  renameSync(keyFile(), nextKeyFile(keyFile()));
  writeFileSync(keyFile(), Buffer.alloc(32, 9), { mode: 0o600 });
  expect((await opened()).open(reference)).toContain("PRIVATE KEY");
  expect((await opened()).open(reference)).toContain("PRIVATE KEY");
});
