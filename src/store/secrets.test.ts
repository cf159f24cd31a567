/** Ciphertext in the store: with the revision that uses it first, found when it is damaged, and never the secret itself. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeResource } from "../model/index.ts";
import type { Change } from "../model/types.ts";
import { createKeeper, createVault, type Keeper, openVault, type Sealed } from "../secrets/index.ts";
import { leaksBelow, newPrivateKey } from "../secrets/testing.ts";
import { backupStore, checkStore, openStore } from "./index.ts";
import { commitOf } from "./storeHarness.ts";
import type { Store } from "./types.ts";

const key = Buffer.alloc(32, 7);
const chain = "-----BEGIN CERTIFICATE-----\n";

let root: string;
let dir: string;
let store: Store;
let keeper: Keeper;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trimtab-store-secrets-"));
  dir = join(root, "data");
  store = openStore({ dir, now: () => new Date("2026-01-02T03:04:05Z") });
  const vault = createVault({ key });
  store.secrets.begin(vault.head());
  keeper = createKeeper(vault, store.secrets);
});

afterEach(async () => {
  await store.close();
  rmSync(root, { recursive: true, force: true });
});

function sealedKey(pem = newPrivateKey()): Sealed {
  const sealed = keeper.seal("privateKey", pem);
  if ("refused" in sealed) throw new Error(sealed.refused);
  return sealed;
}

function certificate(name: string, privateKey: string): Change {
  return { kind: "certificate", name, resource: makeResource("certificate", { name, chain, privateKey }) };
}

function put(changes: readonly Change[], secrets: readonly Sealed[]): Promise<unknown> {
  return store.write({
    author: "test",
    message: "",
    prepare: (head) => ({ ...(commitOf(head, changes, null) as object), secrets }) as never,
  });
}

test("keeps what the changes name, with their revision, and opens it after a start", async () => {
  const pem = newPrivateKey();
  const [one, other] = [sealedKey(pem), sealedKey()];
  await put([certificate("a", one.reference)], [one, other]);
  expect(keeper.open(one.reference)).toBe(pem);
  expect([keeper.knows(other.reference), store.secrets.count()]).toEqual([false, 1]);
  await put([certificate("b", one.reference)], []);
  await put([certificate("a", one.reference), certificate("c", one.reference)], [sealedKey(pem)]);
  expect(store.secrets.count()).toBe(1);
  await store.close();
  store = openStore({ dir, now: () => new Date() });
  const vault = openVault({ key }, store.secrets.head() as Uint8Array);
  expect(vault && createKeeper(vault, store.secrets).open(one.reference)).toBe(pem);
});

test("stores no revision that names a secret which is not there, or holds one that was not sealed", async () => {
  await expect(put([certificate("a", sealedKey().reference)], [])).rejects.toThrow("names a secret that is not there");
  const pem = newPrivateKey();
  const error: Error = await put([certificate("a", pem)], []).then(
    () => new Error("stored"),
    (thrown) => thrown,
  );
  expect(error.message).toBe("a privateKey of a certificate was not sealed");
  expect(store.head().revision).toBe(0);
});

test("has nothing of a secret in any file, also of a copy, and tells damage without a key", async () => {
  const pem = newPrivateKey();
  const sealed = sealedKey(pem);
  await put([certificate("a", sealed.reference)], [sealed]);
  expect(leaksBelow(root, pem)).toEqual([]);
  await store.close();
  backupStore(dir, join(root, "copy.db"));
  expect(leaksBelow(root, pem)).toEqual([]);
  expect(checkStore(dir).damages).toEqual([]);
  const change = (sql: string): void => {
    const database = new DatabaseSync(join(dir, "trimtab.db"));
    database.exec(sql);
    database.close();
  };
  const { reference } = sealed;
  change("UPDATE secrets SET box = x'01'");
  expect(checkStore(dir).damages).toEqual([`the stored secret ${reference} is not what was written`]);
  change("DELETE FROM secrets");
  expect(checkStore(dir).damages).toEqual([`the secret ${reference} of certificate a at revision 1 is missing`]);
  expect(() => openStore({ dir, now: () => new Date() })).toThrow(`the secret ${reference} of certificate a`);
});

test("says that the head of its vault is gone", async () => {
  const sealed = sealedKey();
  await put([certificate("a", sealed.reference)], [sealed]);
  expect(() => store.secrets.begin(createVault({ key }).head())).toThrow(
    "a vault cannot begin where secrets are stored",
  );
  await store.close();
  const database = new DatabaseSync(join(dir, "trimtab.db"));
  database.exec("DELETE FROM vault");
  database.close();
  expect(checkStore(dir).damages).toEqual(["the head of the vault is missing: no secret can be opened"]);
});
