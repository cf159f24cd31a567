/** A new key for the secrets of a data directory: all are sealed anew, references stay, and a run that was cut off harms nothing. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeResource } from "../model/index.ts";
import { createKeeper, createVault, makeSecretKey, openVault, readSecretKey } from "../secrets/index.ts";
import { leaksBelow, newPrivateKey } from "../secrets/testing.ts";
import { openStore } from "../store/index.ts";
import { commitOf } from "../store/storeHarness.ts";
import { type Bench, openBench } from "./cliHarness.ts";

let data: string;
let bench: Bench;
let reference: string;
const pem = newPrivateKey();
const now = (): Date => new Date("2026-01-02T03:04:05Z");

beforeEach(async () => {
  bench = openBench();
  data = join(mkdtempSync(join(tmpdir(), "trimtab-rotate-")), "data");
  const store = openStore({ dir: data, now });
  const vault = createVault({ key: makeSecretKey(keyFile()) });
  store.secrets.begin(vault.head());
  const sealed = createKeeper(vault, store.secrets).seal("privateKey", pem);
  if ("refused" in sealed) throw new Error(sealed.refused);
  reference = sealed.reference;
  const resource = makeResource("certificate", { name: "a", chain: "x", privateKey: reference });
  const change = { kind: "certificate", name: "a", resource } as const;
  const commit = (head: never) => ({ ...commitOf(head, [change], null), secrets: [sealed] });
  await store.write({ author: "", message: "", prepare: commit as never });
  await store.close();
});
afterEach(() => {
  bench.close();
  rmSync(join(data, ".."), { recursive: true, force: true });
});

const keyFile = (): string => join(data, "secret-key");

/** The secret, opened with the key of a file; null: that is not the key. */
async function opened(path = keyFile()): Promise<string | null> {
  const store = openStore({ dir: data, now });
  const vault = openVault({ key: await readSecretKey(path) }, store.secrets.head() as Uint8Array);
  const text = vault && createKeeper(vault, store.secrets).open(reference);
  await store.close();
  return text;
}

test("takes the place of the old one, of which nothing is left", async () => {
  const before = readFileSync(keyFile(), "utf8");
  const box = await stored();
  expect(await bench.run("store", "rotate-key", "--data", data)).toMatchObject({
    code: 0,
    out: `1 secret sealed with the key in ${keyFile()}\n`,
  });
  expect(readFileSync(keyFile(), "utf8")).not.toBe(before);
  expect(existsSync(`${keyFile()}.new`)).toBe(false);
  expect(await opened()).toBe(pem);
  expect(readFileSync(join(data, "trimtab.db")).includes(box)).toBe(false);
  expect(leaksBelow(data, pem)).toEqual([]);
  expect((await bench.run("store", "check", "--data", data)).code).toBe(0);
});

test("may be one's own, and then stays where it is", async () => {
  const next = join(data, "..", "next");
  makeSecretKey(next);
  const { json } = await bench.run("store", "rotate-key", "--data", data, "--new-key-file", next, "--json");
  expect(json).toEqual({ ok: true, secrets: 1, keyFile: next });
  expect([await opened(), await opened(next)]).toEqual([null, pem]);
});

test.each(["before", "behind"])("a run that was cut off %s the data is finished by the next", async (when) => {
  if (when === "before") makeSecretKey(`${keyFile()}.new`);
  else {
    renameSync(keyFile(), `${keyFile()}.new`);
    makeSecretKey(keyFile());
  }
  expect((await bench.run("store", "rotate-key", "--data", data)).code).toBe(0);
  expect(await opened()).toBe(pem);
});

test("with another key nothing is changed", async () => {
  renameSync(keyFile(), join(data, "..", "kept"));
  writeFileSync(keyFile(), Buffer.alloc(32, 3), { mode: 0o600 });
  const { code, err } = await bench.run("store", "rotate-key", "--data", data);
  expect([code, err]).toEqual([1, expect.stringContaining("is not the key of these data: nothing was changed")]);
  expect(await opened(join(data, "..", "kept"))).toBe(pem);
});

async function stored(): Promise<Buffer> {
  const store = openStore({ dir: data, now });
  const box = Buffer.from(store.secrets.find(reference) as Uint8Array);
  await store.close();
  return box;
}
