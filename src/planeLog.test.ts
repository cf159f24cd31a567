/** Which line each event makes. */
import { expect, test } from "vitest";
import { createLogger } from "./log/index.ts";
import { createPlaneLog, type PlaneLog } from "./planeLog.ts";
import { FleetLeftOutError } from "./publish/index.ts";

function bench(): { lines: PlaneLog; told: () => Record<string, unknown>[] } {
  const written: string[] = [];
  const clock = { now: () => new Date(0), after: () => () => {} };
  const logger = createLogger({ format: "json", level: "debug", write: (line) => void written.push(line), clock });
  return { lines: createPlaneLog(logger, "loopback"), told: () => written.splice(0).map((line) => JSON.parse(line)) };
}

test("a proxy that runs here: what it serves is worth a word, its trouble more, and the end of that as much", () => {
  const { lines, told } = bench();
  const note = (event: Parameters<PlaneLog["agent"]>[2]): void => lines.agent("legacy", "dev-legacy", event);
  note({ kind: "started", pid: 7 });
  note({ kind: "serving", generation: "g1", applied: "start" });
  note({ kind: "failed", generation: "g2", error: "refused\nin line 3" });
  note({ kind: "serving", generation: "g3", applied: "reload" });
  note({ kind: "died", reason: "SIGKILL", restartInMs: 200 });
  note({ kind: "listeners", listeners: [] });
  note({ kind: "line", line: "noise" });
  const endpoint = { cluster: "shop", address: "10.0.0.1", port: 80 };
  note({ kind: "endpoint-down", ...endpoint, reason: "status 500", since: new Date(0).toISOString() });
  note({ kind: "endpoint-up", ...endpoint });
  expect(told().map(({ level, event, fleet, nodeId }) => [level, event, fleet, nodeId].join(" "))).toEqual([
    "info proxy-started legacy dev-legacy",
    "info proxy-serving legacy dev-legacy",
    "error proxy-failed legacy dev-legacy",
    "warn proxy-serving legacy dev-legacy",
    "warn proxy-died legacy dev-legacy",
    "warn endpoint-down legacy dev-legacy",
    "warn endpoint-up legacy dev-legacy",
  ]);
});

test("who was given which secrets: names, at most twenty of them", () => {
  const { lines, told } = bench();
  const files = Array.from({ length: 21 }, (_, at) => `certificates/c${at}.key`);
  lines.agent("legacy", "dev-legacy", { kind: "secrets", generation: "g1", files });
  const at = { fleet: "legacy", peer: "10.0.0.7:4242", userAgent: "trimtab", generation: "g1" };
  lines.fileSecrets({ ...at, files: ["certificates/shop.pem"] });
  lines.streamSecrets({ group: "edge", revision: 3, nodeId: "e1", peer: "10.0.0.8:4242", resources: ["shop"] });
  expect(told().map(({ time: _, ...fields }) => fields)).toEqual([
    {
      ...{ level: "info", event: "secrets-delivered", fleet: "legacy", nodeId: "dev-legacy", by: "agent" },
      ...{ generation: "g1", count: 21, secrets: files.slice(0, 20) },
    },
    { level: "info", event: "secrets-delivered", by: "api", ...at, secrets: ["certificates/shop.pem"] },
    {
      ...{ level: "info", event: "secrets-delivered", fleet: "edge", by: "xds", revision: 3, nodeId: "e1" },
      ...{ peer: "10.0.0.8:4242", secrets: ["shop"] },
    },
  ]);
});

test("a proxy beside an agent elsewhere: that it comes, goes, refuses and serves again", () => {
  const { lines, told } = bench();
  const at = { fleet: "legacy", nodeId: "lb-3" };
  lines.remote({
    ...at,
    kind: "connected",
    peer: "10.0.0.7",
    proxy: "nginx",
    version: "1.22.1",
    agentVersion: "0.1.0",
  });
  lines.remote({ ...at, kind: "serving", generation: "g1" });
  lines.remote({ ...at, kind: "failed", generation: "g1", error: "refused\nin line 3" });
  lines.remote({ ...at, kind: "serving", generation: "g2" });
  lines.remote({ ...at, kind: "disconnected", reason: "silent" });
  const found = told();
  expect(found.map(({ level, event, fleet, nodeId }) => [level, event, fleet, nodeId].join(" "))).toEqual([
    "info proxy-connected legacy lb-3",
    "info proxy-serving legacy lb-3",
    "error proxy-failed legacy lb-3",
    "warn proxy-serving legacy lb-3",
    "warn proxy-disconnected legacy lb-3",
  ]);
  expect(found[2]).toMatchObject({ generation: "g1", error: "refused\nin line 3" });
});

test("what an Envoy says of a secret is not repeated; of anything else it is", () => {
  const { lines, told } = bench();
  const nack = {
    group: "edge",
    revision: 3,
    nodeId: "n1",
    peer: "",
    nonce: "",
    version: "",
    resources: [],
    message: "bad: canary",
  };
  lines.nack({ ...nack, typeUrl: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret" });
  lines.nack({ ...nack, typeUrl: "type.googleapis.com/envoy.config.cluster.v3.Cluster" });
  expect(told().map(({ message }) => message)).toEqual(["not told: it may quote a secret", "bad: canary"]);
});

test("a model that is too large is told without a stack, a defect with it; and that it is over", () => {
  const { lines, told } = bench();
  lines.publishFailed("edge", new FleetLeftOutError("too large"), 3);
  lines.publishFailed("edge", new Error("broke"), 4);
  lines.publishRecovered("edge", 5);
  expect(told()).toMatchObject([
    { level: "error", event: "publish-failed", fleet: "edge", revision: 3, error: "too large" },
    { level: "error", event: "publish-failed", error: expect.stringContaining("planeLog.test.ts") },
    { level: "warn", event: "publish-recovered", fleet: "edge", revision: 5 },
  ]);
});

test("a token that is refused is told by address, and one address does not hide others", () => {
  const { lines, told } = bench();
  const refusal = { method: "GET", route: "/v1/config", reason: "wrong" } as const;
  for (let port = 1; port < 100; port++) lines.tokenRefused({ ...refusal, peer: `10.0.0.1:${port}` });
  lines.tokenRefused({ ...refusal, peer: "[fd00::2]:9" });
  const peers = told().map(({ peer }) => peer);
  expect(peers).toEqual([...[1, 2, 3, 4, 5].map((port) => `10.0.0.1:${port}`), "[fd00::2]:9"]);
});
