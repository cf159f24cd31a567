import { beforeEach, expect, test } from "vitest";
import { createFileProxies, type FileProxies } from "./fileProxies.ts";
import type { FileProxyReport } from "./types.ts";

let files: { generation: string; revision: number } | null;
let proxies: FileProxies;
let report: FileProxyReport;
const at = (milliseconds: number): string => new Date(milliseconds).toISOString();

function publish(generation: string, revision: number): void {
  files = { generation, revision };
  proxies.noteFiles({ fleet: "legacy", ...files });
}

beforeEach(() => {
  files = null;
  proxies = createFileProxies(() => files);
  report = {
    proxy: "nginx",
    version: "1.22.1",
    state: "starting",
    generation: null,
    since: at(0),
    lastError: null,
    failures: 0,
    applied: null,
    reloads: 0,
    runtimeChanges: 0,
    leaving: { processes: 0, endpoints: [] },
    listeners: [],
    endpointsDown: null,
  };
});

test("generation, its revision, since when, what it is to run; a later revision of the same files is the one it runs", () => {
  proxies.watch("legacy", "n1", { read: () => report });
  expect(proxies.of("legacy")).toEqual([
    {
      nodeId: "n1",
      group: "legacy",
      proxy: "nginx",
      version: "1.22.1",
      agent: null,
      state: "starting",
      generation: null,
      applied: null,
      reloads: 0,
      runtimeChanges: 0,
      leaving: { processes: 0, endpoints: [] },
      revision: null,
      since: at(0),
      wanted: null,
      lastError: null,
      listeners: [],
      endpointsDown: [],
    },
  ]);
  publish("g1", 4);
  report = { ...report, state: "serving", generation: "g1", applied: "start", since: at(1000) };
  expect(proxies.of("legacy")).toMatchObject([
    { generation: "g1", revision: 4, since: at(1000), wanted: { generation: "g1", revision: 4 } },
  ]);
  publish("g1", 5);
  expect(proxies.of("legacy")).toMatchObject([{ revision: 5, since: at(1000) }]);
  publish("g2", 6);
  report = {
    ...report,
    state: "degraded",
    lastError: `refused ${"x".repeat(5000)}`,
    failures: 3,
    reloads: 2,
    runtimeChanges: 9,
  };
  const [degraded] = proxies.of("legacy");
  expect(degraded).toMatchObject({
    generation: "g1",
    revision: 5,
    since: at(1000),
    wanted: { generation: "g2", revision: 6 },
  });
  expect(degraded?.lastError?.length).toBe(1000);
  expect(degraded).not.toHaveProperty("failures");
  expect([...proxies.failures()]).toEqual([["legacy", 3]]);
  expect([...proxies.reloads(), ...proxies.runtimeChanges()]).toEqual([
    ["legacy", 2],
    ["legacy", 9],
  ]);
  expect([...proxies.presences()]).toEqual([{ fleet: "legacy", nodeId: "n1", acknowledgedRevision: 5, refused: 1 }]);
});

test("a part of a generation has its revision, and is not all of it", () => {
  proxies.watch("legacy", "n1", { read: () => report });
  publish("g1", 4);
  report = { ...report, state: "degraded", generation: "g1-without-0a1b2c3d", lastError: "web waits" };
  expect(proxies.of("legacy")).toMatchObject([{ generation: "g1-without-0a1b2c3d", revision: 4 }]);
  expect([...proxies.presences()]).toMatchObject([{ acknowledgedRevision: null, refused: 1 }]);
});

test("what is gone is forgotten: proxies, fleets, and generations of long ago", () => {
  const forget = proxies.watch("legacy", "n1", { read: () => report });
  publish("g0", 1);
  report = { ...report, generation: "g0" };
  expect(proxies.of("legacy")).toMatchObject([{ revision: 1 }]);
  for (let count = 1; count < 50; count++) publish(`g${count}`, count + 1);
  expect(proxies.of("legacy")).toMatchObject([{ revision: null }]);
  proxies.noteFiles({ fleet: "legacy", generation: "g0", revision: 60 });
  proxies.retain(new Set(["other"]));
  expect(proxies.of("legacy")).toMatchObject([{ revision: null }]);
  const forgetAgain = proxies.watch("legacy", "n1", { read: () => report });
  forget();
  expect(proxies.of("legacy").length).toBe(1);
  forgetAgain();
  expect([proxies.of("legacy"), [...proxies.presences()], [...proxies.failures()]]).toEqual([[], [], []]);
});

test("proxies of one fleet are bounded", () => {
  for (let count = 0; count < 1100; count++) proxies.watch("legacy", `n${count}`, { read: () => report });
  expect(proxies.of("legacy").length).toBe(1000);
});
