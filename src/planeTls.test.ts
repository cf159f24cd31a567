import { expect, test } from "vitest";
import type { PlaneLog } from "./planeLog.ts";
import { apiTls, securityFields, tellPlaintext, xdsTls } from "./planeTls.ts";

const base = { data: "", http: "127.0.0.1:8400", xds: "", apiTokenFile: undefined, logLevel: "error" } as const;
const lines = {} as PlaneLog;

test("a port has all files that it needs, or none", () => {
  expect(xdsTls(base)).toBeUndefined();
  expect(apiTls(base, lines)).toBeUndefined();
  expect(() => xdsTls({ ...base, xdsTlsKey: "k" })).toThrow("needs --xds-tls-cert and --xds-tls-client-ca too");
  expect(() => apiTls({ ...base, httpTlsKey: "k" }, lines)).toThrow("TLS on the API's port needs --http-tls-cert too");
  const authorities = { ...base, httpTlsClientCa: "a" };
  expect(() => apiTls(authorities, lines)).toThrow("needs --http-tls-cert and --http-tls-key too");
  const pair = { ...base, httpTlsCert: "c", httpTlsKey: "k" };
  expect(apiTls(pair, lines)?.files).toEqual({ cert: "c", key: "k", clientCa: undefined });
  expect(apiTls({ ...pair, httpTlsClientCa: "a" }, lines)?.files).toEqual({ cert: "c", key: "k", clientCa: "a" });
  expect([securityFields(base), securityFields({ ...pair, xdsInsecure: true })]).toEqual([
    { secured: "loopback", httpSecured: "plaintext" },
    { secured: "insecure", httpSecured: "TLS" },
  ]);
});

test("plaintext is warned of where other machines can reach it", () => {
  const told: unknown[] = [];
  const logger = { log: (...line: unknown[]) => void told.push(line) };
  for (const http of ["127.0.0.1:8400", "localhost:1", "[::1]:1"]) tellPlaintext({ ...base, http }, logger);
  tellPlaintext({ ...base, http: "0.0.0.0:8400", httpTlsCert: "c" }, logger);
  expect(told).toEqual([]);
  tellPlaintext({ ...base, http: "0.0.0.0:8400" }, logger);
  expect(told).toEqual([["warn", "http-plaintext", expect.objectContaining({ http: "0.0.0.0:8400" })]]);
});
