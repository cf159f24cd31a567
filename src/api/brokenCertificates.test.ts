/** Whatever is no certificate, key, bundle or list is refused by the API with its pointer and a reason, and nothing of it is stored. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROKEN_AUTHORITIES, BROKEN_CHAINS } from "../model/testingBroken.ts";
import { ODD } from "../model/testingPem.ts";
import { leakIn, newPrivateKey } from "../secrets/testing.ts";
import { brokenKeys } from "../secrets/testingBroken.ts";
import { AUTHORITY, CERTIFICATES } from "../suite/arbitrary/certificates.ts";
import { startApi, type TestApi } from "./apiHarness.ts";

const { exampleEcdsa, exampleRsa } = CERTIFICATES;
const key = exampleEcdsa.privateKey;
const chain = exampleEcdsa.chain;
/** Longer than any field of the two kinds, shorter than a body may be. */
const GIANT = 700;

interface Kind {
  readonly what: string;
  readonly url: string;
  readonly body: { readonly name: string } & Readonly<Record<string, string>>;
  readonly pointer: string;
  /** Undefined: a length that the schema does not take. */
  readonly reason: RegExp | undefined;
}

type Said = readonly [pointer: string, reason?: RegExp];

const certificate = (what: string, fields: Record<string, string>, [pointer, reason]: Said): Kind => {
  return { what, url: "/v1/certificates/c", body: { name: "c", chain, privateKey: key, ...fields }, pointer, reason };
};
const authority = (what: string, fields: Record<string, string>, [pointer, reason]: Said): Kind => {
  return { what, url: "/v1/authorities/a", body: { name: "a", bundle: AUTHORITY, ...fields }, pointer, reason };
};

const KINDS: readonly Kind[] = [
  ...Object.entries(BROKEN_CHAINS).map(([what, [text, reason]]) =>
    certificate(`a chain: ${what}`, { chain: text }, ["/chain", reason]),
  ),
  ...brokenKeys(newPrivateKey())
    .filter(([, text]) => text !== "")
    .map(([what, text, reason]) => certificate(`a key: ${what}`, { privateKey: text }, ["/privateKey", reason])),
  certificate("a key of another certificate", { privateKey: exampleRsa.privateKey }, ["/privateKey", /is not the key/]),
  certificate("a key of an issuer", { privateKey: ODD.belowKey }, ["/privateKey", /is not the key/]),
  certificate("an empty key", { privateKey: "" }, ["/privateKey", /no PEM text/]),
  certificate("a chain of 700 certificates", { chain: chain.repeat(GIANT) }, ["/chain"]),
  ...BROKEN_AUTHORITIES.map(({ what, bundle, crl, field, reason }) =>
    authority(`an authority: ${what}`, { bundle, ...(crl !== undefined && { crl }) }, [`/${field}`, reason]),
  ),
  authority("a bundle of 700 authorities", { bundle: AUTHORITY.repeat(GIANT) }, ["/bundle", /more than 512|twice/]),
  authority("a bundle that is a request", { bundle: ODD.request }, ["/bundle", /request/]),
  authority("a bundle that is PKCS #7", { bundle: ODD.pkcs7 }, ["/bundle", /PKCS #7/]),
  authority("a bundle with a locked key", { bundle: AUTHORITY + ODD.encryptedKey }, ["/bundle", /private key/]),
];

/** The keys of which nothing may be said again. */
const PRIVATE = [key, exampleRsa.privateKey, ODD.belowKey];

let t: TestApi;
beforeAll(async () => {
  t = await startApi();
});
afterAll(() => t.close());

async function whatIsThere() {
  const lists = await Promise.all(["certificates", "authorities"].map((kind) => t.call("GET", `/v1/${kind}`)));
  return { items: lists.flatMap(({ body }) => body.items), revision: t.store.head().revision };
}

test("there are at least forty kinds", () => {
  expect(new Set(KINDS.map(({ what }) => what)).size).toBeGreaterThanOrEqual(40);
});

describe.each(KINDS)("$what", ({ url, body, pointer, reason }) => {
  test("alone, with its pointer and why", async () => {
    const answer = await t.call("PUT", url, { body });
    expect(answer.status, answer.text).toBe(422);
    const found = (answer.body.errors as { pointer: string; message: string; code: string }[]).filter(
      (error) => error.pointer === pointer,
    );
    expect(found.length, answer.text).toBeGreaterThan(0);
    if (reason === undefined) expect(found[0]?.code).toBe("SCHEMA-LIMIT");
    else expect(found.map(({ message }) => message).join("\n")).toMatch(reason);
    for (const each of PRIVATE) expect(leakIn(answer.text, each)).toBe(null);
    expect(await whatIsThere()).toEqual({ items: [], revision: 0 });
  });

  test("beside what is right, which is not stored either", async () => {
    const own = url.includes("certificates") ? "certificates" : "authorities";
    const answer = await t.call("PUT", "/v1/config", {
      body: { authorities: [{ name: "good", bundle: AUTHORITY }], [own]: [body] },
    });
    expect(answer.status).toBe(422);
    expect(await whatIsThere()).toEqual({ items: [], revision: 0 });
  });
});

test("a bundle that is larger than a resource may be is not even read", async () => {
  const body = { name: "a", bundle: AUTHORITY.repeat(2_000) };
  expect((await t.call("PUT", "/v1/authorities/a", { body })).status).toBe(413);
  expect(await whatIsThere()).toEqual({ items: [], revision: 0 });
});
