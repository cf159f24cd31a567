/** What the API tells of certificates: their facts, and at a write that they are not good today. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ODD } from "../model/testingPem.ts";
import { AUTHORITY, CERTIFICATES } from "../suite/arbitrary/certificates.ts";
import { startApi, type TestApi } from "./apiHarness.ts";

const { exampleEcdsa } = CERTIFICATES;
let t: TestApi;

beforeAll(async () => {
  t = await startApi();
});
afterAll(() => t.close());

test("facts of a chain and of a bundle, with the ETag of the document", async () => {
  const body = { name: "site", chain: `${exampleEcdsa.chain}${AUTHORITY}`, privateKey: exampleEcdsa.privateKey };
  expect(await t.call("PUT", "/v1/certificates/site", { body })).toMatchObject({ status: 201 });
  expect(await t.call("PUT", "/v1/authorities/ours", { body: { name: "ours", bundle: AUTHORITY } })).toMatchObject({
    status: 201,
  });
  const details = await t.call("GET", "/v1/certificates/site/details");
  expect(details.body).toEqual({
    name: "site",
    expires: "2119-12-31T00:00:00Z",
    certificates: [
      {
        subject: "CN=example-ecdsa,O=Trimtab tests",
        issuer: "CN=authority,O=Trimtab tests",
        names: ["DNS:*.example.com", "DNS:example.com"],
        notBefore: "2020-01-01T00:00:00Z",
        notAfter: "2119-12-31T00:00:00Z",
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        keyType: "ecdsa",
        isAuthority: false,
      },
      expect.objectContaining({ subject: "CN=authority,O=Trimtab tests", isAuthority: true, names: [] }),
    ],
  });
  const { etag } = details.headers;
  const again = await t.call("GET", "/v1/certificates/site/details", { headers: { "if-none-match": String(etag) } });
  expect(again.status).toBe(304);
  expect((await t.call("GET", "/v1/authorities/ours/details")).body).toMatchObject({
    certificates: [{ isAuthority: true }],
  });
  expect(await t.call("GET", "/v1/certificates/none/details")).toMatchObject({ status: 404 });
});

test("a write says what is not good today, and is made", async () => {
  const body = { name: "old", bundle: ODD.intermediate };
  expect((await t.call("PUT", "/v1/authorities/old", { body })).body).toMatchObject({ warnings: [] });
  const expired = { name: "late", chain: ODD.expired, privateKey: exampleEcdsa.privateKey };
  const answer = await t.call("PUT", "/v1/certificates/late?dryRun=true", { body: expired });
  const told = JSON.stringify(answer.body);
  expect(told).toContain("MODEL-CERTIFICATE");
  expect(told).not.toContain(exampleEcdsa.privateKey.split("\n")[1]);
});
