/** Files of certificates as certbot and mounted secrets have them: what is written when, and what is refused. */
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MAX_FOLDERS } from "./pairs.ts";
import { type Refused, type Taken, type WatchedFiles, watchCertificateFiles } from "./watch.ts";

let folder: string;
let tick: () => void;
let written: string[];
let refused: Refused[];
let verdict: (name: string) => Taken;
let files: WatchedFiles;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "trimtab-files-"));
  [written, refused] = [[], []];
  verdict = () => ({ revision: written.length, isNew: true });
});
afterEach(async () => {
  await files.close();
  rmSync(folder, { recursive: true });
});

/** Looks once, and waits until it is done. */
async function look(): Promise<void> {
  const before = tick;
  tick();
  while (tick === before) await sleep(1);
}

async function open(): Promise<void> {
  tick = () => {};
  const first = tick;
  files = watchCertificateFiles({
    folder,
    clock: {
      after: (_, callback) => {
        tick = () => callback();
        return () => {};
      },
    },
    write: async (name, { chain, privateKey }) => {
      written.push(`${name} ${chain} ${privateKey}`);
      return verdict(name);
    },
    onTaken: () => {},
    onRefused: (one) => refused.push(one),
  });
  while (tick === first) await sleep(1);
}

function put(name: string, texts: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, name), { recursive: true });
  for (const [file, text] of Object.entries(texts))
    writeFileSync(join(folder, name, file), text, {
      mode: file.endsWith("key") || file.startsWith("privkey") ? 0o600 : 0o644,
    });
}

test("both layouts are taken at the start, and again when they change; what is no pair is left alone", async () => {
  put("shop", { "tls.crt": "chain", "tls.key": "key", "ca.crt": "ca" });
  put("blog", { "fullchain.pem": "full", "privkey.pem": "priv", "cert.pem": "x" });
  put("half", { "tls.crt": "chain" });
  writeFileSync(join(folder, "README"), "");
  await open();
  expect(written.splice(0)).toEqual(["blog full priv", "shop chain key"]);
  await look();
  expect(written).toEqual([]);
  put("shop", { "tls.crt": "chain2", "tls.key": "key2" });
  put("half", { "tls.key": "key" });
  await look();
  await look();
  expect(written.splice(0)).toEqual(["half chain key", "shop chain2 key2"]);
  expect(files.refused()).toEqual([]);
});

test("half a renewal is waited for: a pair is read when two looks have seen the same", async () => {
  put("shop", { "tls.crt": "a", "tls.key": "b" });
  await open();
  written.splice(0);
  put("shop", { "tls.crt": "a2" });
  await look();
  put("shop", { "tls.key": "b2" });
  await look();
  expect(written).toEqual([]);
  await look();
  expect(written).toEqual(["shop a2 b2"]);
});

test("links that are swapped are a change: mounted secrets, and certbot's", async () => {
  const at = join(folder, "shop");
  mkdirSync(join(at, "..one"), { recursive: true });
  mkdirSync(join(at, "..two"));
  for (const version of ["one", "two"]) {
    writeFileSync(join(at, `..${version}`, "tls.crt"), `chain ${version}`);
    writeFileSync(join(at, `..${version}`, "tls.key"), `key ${version}`, { mode: 0o400 });
  }
  symlinkSync("..one", join(at, "..data"));
  for (const file of ["tls.crt", "tls.key"]) symlinkSync(`..data/${file}`, join(at, file));
  await open();
  expect(written.splice(0)).toEqual(["shop chain one key one"]);
  symlinkSync("..two", join(at, "..new"));
  renameSync(join(at, "..new"), join(at, "..data"));
  await look();
  await look();
  expect(written).toEqual(["shop chain two key two"]);
});

test("what is refused is told once, and tried again when it changes or after a minute", async () => {
  put("shop", { "tls.crt": "a", "tls.key": "b" });
  verdict = () => ({ refused: "no certificate" });
  await open();
  for (let looks = 0; looks < 11; looks++) await look();
  expect(written).toHaveLength(1);
  await look();
  expect(written).toHaveLength(2);
  expect(refused).toEqual([{ name: "shop", reason: "no certificate" }]);
  expect(files.refused()).toEqual(refused);
  verdict = () => ({ revision: 2, isNew: true });
  put("shop", { "tls.crt": "better" });
  await look();
  await look();
  expect(files.refused()).toEqual([]);
});

test("a key that others can read, too many folders, and no folder are refused, and nothing of them is written", async () => {
  put("shop", { "tls.crt": "a", "tls.key": "b" });
  chmodSync(join(folder, "shop/tls.key"), 0o644);
  await open();
  expect(refused.splice(0)).toEqual([
    { name: "shop", reason: expect.stringMatching(/tls\.key holds a secret, and others may read it/) },
  ]);
  for (let index = 0; index < MAX_FOLDERS; index++) mkdirSync(join(folder, `x${index}`));
  await look();
  expect(refused.splice(0)).toEqual([{ name: "", reason: expect.stringMatching(/more than 1000 folders/) }]);
  rmSync(folder, { recursive: true });
  await look();
  expect(refused.splice(0)).toEqual([{ name: "", reason: expect.stringMatching(/ENOENT/) }]);
  mkdirSync(folder);
  await look();
  expect([refused, written, files.refused()]).toEqual([[], [], []]);
});
