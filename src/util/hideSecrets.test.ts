import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { hideSecrets } from "./hideSecrets.ts";

const base64 = (bytes: number, seed: number): string =>
  createHash("shake256", { outputLength: bytes }).update(String(seed)).digest("base64");

test("hides keys and pieces of them", () => {
  const key = `-----BEGIN RSA PRIVATE KEY-----\n${base64(48, 1)}\n-----END RSA PRIVATE KEY-----\n`;
  expect(hideSecrets(`${JSON.stringify(key)} is no name`)).toBe('"[hidden]" is no name');
  expect(hideSecrets(`${JSON.stringify(key).slice(0, 50)}… is no name`)).toBe('"[hidden]… is no name');
  expect(hideSecrets(`Unexpected token: "${base64(48, 2)}" at line 3`)).toBe('Unexpected token: "[hidden]" at line 3');
  expect(hideSecrets(`/labels/${base64(30, 3).replaceAll("/", "~1")}`)).not.toContain(base64(30, 3).slice(0, 8));
});

test("hides nearly every line of base64", () => {
  const lines = Array.from({ length: 500 }, (_, seed) => base64(48, seed));
  expect(lines.filter((line) => hideSecrets(line) !== "[hidden]")).toEqual([]);
});

test.each([
  `the field "a" is missing (/listeners/0/tls/clientAuthentication/authorities/0/bundle)`,
  `sealed:privateKey:${"aB3".repeat(7)}x:${"Zz9".repeat(14)}Q`,
  `certificate ${randomBytes(32).toString("hex")} is expired, ${randomBytes(32).toString("hex").toUpperCase()} too`,
  "SCHEMA-UNKNOWN-FIELD: known here: healthyThreshold, unhealthyThreshold, accessLogFilePath",
  "/v1/fleets/edge/files, trimtab_certificate_expiry_seconds, X-Envoy-Upstream-Rq-Timeout-Ms",
])("leaves what is none: %s", (text) => {
  expect(hideSecrets(text)).toBe(text);
});
