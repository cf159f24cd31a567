import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leakIn } from "../secrets/testing.ts";
import { createAuthority, type Issued } from "../xds/testingCertificates.ts";
import { type Answer, startApi, type TestApi } from "./apiHarness.ts";

const authority = createAuthority("tests");
const issue = (): Issued => authority.issue({ dns: ["shop.example.com"] });
const { cert: chain, key: canary } = issue();

let t: TestApi;
/** All that was answered. */
const answers: Answer[] = [];

async function call(
  method: string,
  url: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const answer = await t.call(method as "GET", url, body === undefined ? { headers } : { body, headers });
  answers.push(answer);
  return answer;
}

const certificate = (privateKey: unknown): Record<string, unknown> => ({ name: "shop", chain, privateKey });

async function stored(): Promise<string> {
  return (await call("GET", "/v1/certificates/shop")).body.privateKey;
}

beforeAll(async () => {
  t = await startApi();
});

afterAll(async () => {
  const leaks = answers.filter(({ text, headers }) => leakIn(text + JSON.stringify(headers), canary) !== null);
  await t.close();
  expect(leaks).toEqual([]);
});

describe("a private key", () => {
  test("is a reference in every answer, and may be written back", async () => {
    expect((await call("PUT", "/v1/certificates/shop", { body: certificate(canary) })).status).toBe(201);
    const reference = await stored();
    expect(reference).toMatch(/^sealed:privateKey:[\w-]{22}:[\w-]{43}$/);
    const again = await call("PUT", "/v1/certificates/shop", {
      body: (await call("GET", "/v1/certificates/shop")).body,
    });
    expect(again.body).toMatchObject({ changed: [] });
    expect((await call("GET", "/v1/certificates")).body.items[0].privateKey).toBe(reference);
    expect((await call("GET", "/v1/config")).body.certificates[0].privateKey).toBe(reference);
    expect((await call("GET", "/v1/config", { headers: { accept: "application/yaml" } })).text).toContain(reference);
    expect((await call("GET", "/v1/revisions/1")).body.config.certificates[0].privateKey).toBe(reference);
  });

  test("that is sent again is no change, by every way", async () => {
    const config = { certificates: [certificate(canary)] };
    expect((await call("PUT", "/v1/certificates/shop", { body: certificate(canary) })).body).toMatchObject({
      changed: [],
    });
    expect(
      (await call("PATCH", "/v1/certificates/shop", { body: { privateKey: canary }, headers: PATCH })).body.changed,
    ).toEqual([]);
    expect((await call("POST", "/v1/config/apply", { body: config })).body).toMatchObject({ changed: [] });
    expect((await call("PUT", "/v1/config", { body: config })).body).toMatchObject({ changed: [] });
    const block = canary.replaceAll(/^(?=.)/gm, "    ");
    const yaml = `certificates:\n- name: shop\n  chain: ${JSON.stringify(chain)}\n  privateKey: |\n${block}`;
    expect((await call("PUT", "/v1/config", { body: yaml, headers: YAML })).body.changed).toEqual([]);
  });

  test("is replaced by another one, and comes back with its revision", async () => {
    const before = await stored();
    const { revision } = t.store.head();
    const { cert, key } = issue();
    const body = { chain: cert, privateKey: key };
    const other = await call("PATCH", "/v1/certificates/shop", { body, headers: PATCH });
    expect(other.body.changed).toEqual([{ resource: "certificates/shop", change: "updated" }]);
    expect(await stored()).not.toBe(before);
    await call("POST", `/v1/revisions/${revision}/restore`);
    expect(await stored()).toBe(before);
  });

  test("of a write that is refused, or only tried, is not stored", async () => {
    const count = t.store.secrets.count();
    const { cert, key } = issue();
    const next = { name: "shop", chain: cert, privateKey: key };
    expect((await call("PUT", "/v1/certificates/shop?dryRun=true", { body: next })).status).toBe(200);
    await call("PUT", "/v1/certificates/shop", { body: { ...next, more: 1 } });
    await call("PUT", "/v1/certificates/shop", { body: { ...next, chain } });
    await call("PUT", "/v1/certificates/shop", { body: next, headers: { "if-match": '"x"' } });
    expect(t.store.secrets.count()).toBe(count);
  });
});

describe("is refused at its place, and not repeated:", () => {
  const broken = canary.replace("-----END PRIVATE KEY-----", "");
  const unknown = `sealed:privateKey:${"A".repeat(22)}:${"B".repeat(43)}`;

  test.each([
    ["a broken key", broken, "SECRET-INVALID", /not complete/],
    ["two keys", canary + canary, "SECRET-INVALID", /holds 2 private keys/],
    ["a key as base64", canary.replaceAll(/-----.*\n|\n/g, ""), "SECRET-INVALID", /no PEM text/],
    ["the name of a file", "file:shop.key", "SECRET-INVALID", /only the command line reads/],
    ["a reference of another server", unknown, "SECRET-UNKNOWN", /unknown sealed reference/],
    ["what is no reference", "sealed:x", "SECRET-UNKNOWN", /no sealed reference/],
    ["what stands for a refused one", "sealed:privateKey:refused", "SECRET-UNKNOWN", /no sealed reference/],
  ])("%s", async (...[, privateKey, code, message]) => {
    const error = { pointer: "/privateKey", code, message: expect.stringMatching(message) };
    for (const [method, headers] of [
      ["PUT", {}],
      ["PATCH", PATCH],
    ] as const) {
      const { status, body } = await call(method, "/v1/certificates/shop", { body: certificate(privateKey), headers });
      expect([status, body.errors]).toEqual([422, [error]]);
    }
    for (const [method, url] of [
      ["PUT", "/v1/config"],
      ["POST", "/v1/config/apply?owner=me"],
    ] as const) {
      const { body } = await call(method, url, {
        body: { certificates: [{ ...certificate(privateKey), name: "two" }] },
      });
      expect(body.errors).toEqual([{ ...error, pointer: "/certificates/0/privateKey" }]);
    }
  });

  test("with all else that is wrong", async () => {
    const { body } = await call("PUT", "/v1/config", {
      body: { certificates: [{ ...certificate(broken), name: "X y", more: true }], listeners: [{ name: "a" }] },
    });
    const pointers = body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers).toEqual(
      expect.arrayContaining([
        "/certificates/0/privateKey",
        "/certificates/0/more",
        "/certificates/0/name",
        "/listeners/0/port",
      ]),
    );
  });

  test.each([
    ["no text", 5],
    ["a list", [canary]],
    ["an object", { pem: canary }],
    ["null", null],
    ["too long", `${canary}${" ".repeat(40_000)}`],
    ["with characters that PEM has not", `${canary}\u0001`],
  ])("a value of another form: %s", async (_, privateKey) => {
    const { status, body } = await call("PUT", "/v1/certificates/shop", { body: certificate(privateKey) });
    expect([status, body.errors?.[0]?.pointer]).toEqual([422, "/privateKey"]);
  });

  test.each(["name", "description", "labels", "chain", "privatekey"])("a key in the field %s", async (field) => {
    for (const value of [canary, [canary], { [canary]: canary }])
      await call("PUT", "/v1/certificates/shop", { body: { ...certificate(canary), [field]: value } });
    await call("PUT", "/v1/config", {
      body: { certificates: [{ ...certificate(canary), [field]: canary }], [canary]: [] },
    });
  });

  const text = JSON.stringify(certificate(canary));
  test.each([
    ["cut off", text.slice(0, -40)],
    ["without quotes", text.replaceAll('"', "")],
    ["with one quote less", text.replace('"-----BEGIN PR', "-----BEGIN PR")],
    ["with line breaks in it", text.replaceAll("\\n", "\n")],
    ["behind its end", `${text}${canary}`],
    ["twice", `{"${canary.replaceAll("\n", "\\n")}": 1, "${canary.replaceAll("\n", "\\n")}": 2}`],
    ["a bare line", `{"privateKey": ${canary.split("\n")[1]}}`],
  ])("JSON with a key, %s", async (_, body) => {
    for (const [method, url] of [
      ["PUT", "/v1/certificates/shop"],
      ["PUT", "/v1/config"],
    ] as const)
      expect((await call(method, url, { body })).status).toBe(400);
  });

  const indented = canary.replaceAll(/^(?=.)/gm, "    ");
  test.each([
    ["unindented", `certificates:\n- name: shop\n  privateKey: |\n${canary}`],
    ["as a flow", `certificates: [{name: shop, privateKey: ${canary}`],
    ["as an alias", `privateKey: *${canary.split("\n")[1]}`],
    ["as a tag", `privateKey: !${canary.split("\n")[1]} x`],
    ["as a key", `certificates:\n- name: shop\n  privateKey: |\n${indented}\n   ${canary.split("\n")[1]}: : :`],
    ["twice", `${canary.split("\n")[1]}: 1\n${canary.split("\n")[1]}: 2`],
    ["with a quote", `privateKey: "${canary}`],
  ])("YAML with a key, %s", async (_, body) => {
    expect((await call("PUT", "/v1/config", { body, headers: YAML })).status).toBeGreaterThan(399);
  });
});

const PATCH = { "content-type": "application/merge-patch+json" };
const YAML = { "content-type": "application/yaml" };
