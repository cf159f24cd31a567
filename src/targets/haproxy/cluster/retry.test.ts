import { expect, it } from "vitest";
import type { RetryIr } from "../../../ir/index.ts";
import { cluster, fleet, forward, httpPort, prefix, rulesOf, virtualHost } from "../testSupport/ir.ts";
import { inspectBackends, retryBackend, retryView } from "./retry.ts";

const resends = { methods: ["GET"], statuses: [503], perTryMs: 500 };
const retry: RetryIr = { attempts: 2, resends, grpcStatuses: [], backoffMs: null };

it("names a backend by what it says, and no pause is said", () => {
  const name = retryBackend("api", retry);
  expect(name).toMatch(/^api:retry-[0-9a-f]{8}$/);
  expect(retryBackend("api", { ...retry, backoffMs: 5 })).toBe(name);
  const others = [
    { ...retry, attempts: 3 },
    { ...retry, resends: null },
    { ...retry, resends: { ...resends, statuses: [] } },
  ];
  expect(new Set([name, ...others.map((other) => retryBackend("api", other))]).size).toBe(4);
});

it("tries no connection to a single endpoint again, for which HAProxy would wait a second", () => {
  const reasonsOf = (isSingle: boolean) => retryView(retry, isSingle).resends?.reasons.map(({ reason }) => reason.text);
  expect(reasonsOf(false)).toEqual(["conn-failure", "empty-response", "response-timeout", "503"]);
  expect(reasonsOf(true)).toEqual(["empty-response", "response-timeout", "503"]);
});

it("refuses more backends than HAProxy has room for", () => {
  const ports = Array.from({ length: 1000 }, (_, index) => index + 1);
  const irOf = (different: number) => {
    const rules = Array.from({ length: different }, (_, index) => ({
      path: prefix(`/${index}`),
      action: forward("api"),
    }));
    const own = rulesOf("r", rules).map((rule, index) => {
      return { ...rule, policies: { ...rule.policies, retry: { ...retry, attempts: index } } };
    });
    const hosts = [virtualHost("*", own)];
    return fleet({ ports: [httpPort(8080, hosts)], clusters: [cluster("api", ports)] });
  };
  expect(inspectBackends(irOf(16))).toEqual([]);
  expect(inspectBackends(irOf(17))).toMatchObject([{ code: "L7-RETRY-BACKENDS-HAPROXY", severity: "error" }]);
});
