import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createKeeper, createMemoryKeeper } from "./keeper.ts";
import { readPrivateKey } from "./privateKey.ts";
import { readReference } from "./reference.ts";
import { leakIn, newPrivateKey, newRsaKey } from "./testing.ts";
import { brokenKeys } from "./testingBroken.ts";
import type { Sealed } from "./types.ts";
import { createVault, openVault } from "./vault.ts";

const key = Buffer.alloc(32, 1);
const other = Buffer.alloc(32, 2);

function sealedBy(keeper: Pick<ReturnType<typeof createMemoryKeeper>, "seal">, pem: string): Sealed {
  const sealed = keeper.seal("privateKey", pem);
  if ("refused" in sealed) throw new Error(sealed.refused);
  return sealed;
}

describe("a vault", () => {
  const vault = createVault({ key });
  const boxes = new Map<string, Uint8Array>();
  const keeper = createKeeper(vault, { find: (reference) => boxes.get(reference) ?? null });
  const pem = newPrivateKey();
  const sealed = sealedBy(keeper, pem);
  boxes.set(sealed.reference, sealed.box);

  test("gives back what it sealed, and shows nothing of it", () => {
    expect(keeper.open(sealed.reference)).toBe(pem);
    expect(leakIn(Buffer.from(sealed.box), pem)).toBeNull();
    expect(leakIn(sealed.reference, pem)).toBeNull();
  });

  test("names the public key, in public", () => {
    const spki = createPublicKey(pem).export({ type: "spki", format: "der" });
    const hash = createHash("sha256").update(spki).digest("base64url");
    expect(readReference(sealed.reference)).toMatchObject({ type: "privateKey", publicKey: hash });
  });

  test("gives equal secrets equal references, however they are written, and unequal ciphertext", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const written = (["pkcs8", "sec1"] as const).map((type) => String(privateKey.export({ type, format: "pem" })));
    const all = [...written, `Bag Attributes\n  friendlyName: x\n${written[0]?.replaceAll("\n", "\r\n")}\n\n`];
    const found = all.map((text) => sealedBy(keeper, text));
    expect(new Set(found.map(({ reference }) => reference)).size).toBe(1);
    expect(new Set(found.map(({ box }) => Buffer.from(box).toString("hex"))).size).toBe(found.length);
    expect(sealedBy(keeper, newPrivateKey()).reference).not.toBe(sealed.reference);
  });

  test("opens with its key only, and a box under its own reference only", () => {
    expect(openVault({ key: other }, vault.head())).toBeNull();
    expect(openVault({ key }, vault.head())?.open(sealed.reference, sealed.box)).toBe(pem);
    const second = sealedBy(keeper, newPrivateKey());
    expect(vault.open(second.reference, sealed.box)).toBeNull();
    for (let at = 0; at < sealed.box.length; at += 7) {
      const damaged = Uint8Array.from(sealed.box, (byte, index) => (index === at ? byte ^ 1 : byte));
      expect(vault.open(sealed.reference, damaged)).toBeNull();
    }
    expect(vault.open(sealed.reference, sealed.box.subarray(0, 20))).toBeNull();
  });

  test("keeps its references when it gets another key", () => {
    const next = vault.rekeyed({ key: other });
    const again = createKeeper(next, { find: () => null });
    expect(sealedBy(again, pem).reference).toBe(sealed.reference);
    expect(next.open(sealed.reference, sealed.box)).toBeNull();
    expect(openVault({ key: other }, next.head())).not.toBeNull();
    expect(openVault({ key }, next.head())).toBeNull();
  });

  test("says what it cannot open, and repeats no secret", () => {
    expect(() => keeper.open(sealedBy(createMemoryKeeper(), pem).reference)).toThrow(
      /^the secret sealed:\S+ is not stored here$/,
    );
    expect(() => keeper.open(pem)).toThrow("the secret that was asked for is not stored here");
  });
});

test("the search for a key finds it, whole and in pieces, as text and as bytes", () => {
  const pem = newPrivateKey();
  const lines = pem.split("\n");
  const der = Buffer.from(lines.slice(1, -2).join(""), "base64");
  for (const text of [pem, `x${lines[1]}`, JSON.stringify({ pem }), `…${lines[1]?.slice(-20)}`, der])
    expect(leakIn(text, pem)).not.toBeNull();
  expect(leakIn(newPrivateKey(), pem)).toBeNull();
});

test("vaults of two servers have unlike references, commands on files have the same in each run", () => {
  const pem = newPrivateKey();
  const none = { find: () => null };
  const [one, two] = [createVault({ key }), createVault({ key })].map((vault) => createKeeper(vault, none));
  expect(sealedBy(one as never, pem).reference).not.toBe(sealedBy(two as never, pem).reference);
  expect(sealedBy(createMemoryKeeper(), pem).reference).toBe(sealedBy(createMemoryKeeper(), pem).reference);
});

describe("a private key", () => {
  const pem = newPrivateKey();
  const body = pem.split("\n").slice(1, -2).join("\n");

  test.each(brokenKeys(pem))("is refused: %s", (_, text, reason) => {
    const read = readPrivateKey(text);
    const refused = "refused" in read ? read.refused : "taken";
    expect(refused).toMatch(reason);
    for (const line of text.split("\n").filter(({ length }) => length > 8 && !text.startsWith("-----BEGIN D")))
      if (!line.startsWith("-----")) expect(refused).not.toContain(line);
  });

  test("whose public part belongs to another is found damaged", () => {
    const jwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
    const der = Buffer.from(body, "base64");
    const point = Buffer.concat([Buffer.from(jwk.x as string, "base64url"), Buffer.from(jwk.y as string, "base64url")]);
    point.copy(der, der.length - point.length);
    const mixed = `-----BEGIN PRIVATE KEY-----\n${der.toString("base64")}\n-----END PRIVATE KEY-----\n`;
    const read = readPrivateKey(mixed);
    expect("refused" in read ? read.refused : read.check()).toMatch(/damaged|cannot be read/);
  });

  test("of RSA with 2048 bits is taken", () => {
    const read = readPrivateKey(newRsaKey(2048));
    expect("refused" in read ? read.refused : read.check()).toBeNull();
  });
});
