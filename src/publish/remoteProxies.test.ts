import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createFileProxies, type FileProxies } from "./fileProxies.ts";
import { createRemoteProxies, type RemoteProxies } from "./remoteProxies.ts";
import type { ListenerReport, RemoteEvent, RemoteReport } from "./types.ts";

const BASE: RemoteReport = {
  run: "run-one-1",
  agentVersion: "0.1.0",
  ttlSeconds: 30,
  revision: 3,
  proxy: "nginx",
  version: "1.22.1",
  state: "serving",
  generation: "g1",
  since: "2026-01-02T03:04:05.000Z",
  lastError: null,
  failures: 1,
  applied: "start",
  reloads: 2,
  runtimeChanges: 4,
  leaving: { processes: 0, endpoints: [] },
  listeners: [{ listener: "web", state: "serving", reason: null, since: "2026-01-02T03:04:05.000Z" }],
  endpointsDown: null,
};
const SECOND = 1000;
const HOUR = 3600 * SECOND;

let proxies: FileProxies;
let remote: RemoteProxies;
let listeners: Map<string, readonly ListenerReport[] | null>;
let events: string[];

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  [listeners, events] = [new Map(), []];
  proxies = createFileProxies(() => ({ generation: "g1", revision: 7 }));
  remote = createRemoteProxies({
    proxies,
    listeners: { report: (fleet, proxy, own) => void listeners.set(`${fleet} ${proxy}`, own) },
    onEvent: ({ fleet, nodeId, kind, ...more }: RemoteEvent) =>
      events.push([fleet, nodeId, kind, ...("reason" in more ? [more.reason] : [])].join(" ")),
  });
});
afterEach(() => {
  remote.close();
  vi.useRealTimers();
});

const send = (more: Partial<RemoteReport> = {}, node = "lb-1", bytes = 1000): string =>
  remote.report("legacy", node, { report: { ...BASE, ...more }, address: "10.0.0.7", bytes });

test("a reported proxy is shown as one that runs here, and with its agent; its own word for the revision is the last resort", () => {
  expect(send()).toBe("taken");
  expect(proxies.of("legacy")).toMatchObject([
    {
      nodeId: "lb-1",
      group: "legacy",
      generation: "g1",
      revision: 3,
      since: BASE.since,
      wanted: { generation: "g1", revision: 7 },
      agent: { address: "10.0.0.7", version: "0.1.0", reportedAt: new Date(0).toISOString() },
    },
  ]);
  for (const hidden of ["run", "ttlSeconds", "failures", "agentVersion"])
    expect(proxies.of("legacy")[0]).not.toHaveProperty(hidden);
  proxies.noteFiles({ fleet: "legacy", generation: "g1", revision: 7 });
  expect(proxies.of("legacy")).toMatchObject([{ revision: 7 }]);
  expect(listeners.get("legacy lb-1")).toEqual(BASE.listeners);
  expect([...proxies.presences()]).toMatchObject([{ nodeId: "lb-1", acknowledgedRevision: 7, refused: 0 }]);
});

test("who is silent for as long as it said is away, what it counted stays for an hour, and it may come back", () => {
  send();
  vi.advanceTimersByTime(29 * SECOND);
  send();
  vi.advanceTimersByTime(29 * SECOND);
  expect(proxies.of("legacy").length).toBe(1);
  vi.advanceTimersByTime(2 * SECOND);
  expect([proxies.of("legacy"), [...proxies.presences()], listeners.get("legacy lb-1")]).toEqual([[], [], null]);
  expect([...proxies.reloads()]).toEqual([["legacy", 2]]);
  send({ reloads: 5 });
  expect(proxies.of("legacy").length).toBe(1);
  expect([...proxies.reloads()]).toEqual([["legacy", 5]]);
  vi.advanceTimersByTime(30 * SECOND + HOUR);
  expect([...proxies.reloads()]).toEqual([]);
  const once = ["legacy lb-1 connected", "legacy lb-1 serving", "legacy lb-1 disconnected silent"];
  expect(events).toEqual([...once, ...once]);
});

test("a new run takes the name over, counts go on, and the run before is told so for as long as the new one is there", () => {
  send();
  expect(send({ run: "run-two-2", reloads: 1 })).toBe("taken");
  expect([...proxies.reloads()]).toEqual([["legacy", 3]]);
  expect(send()).toBe("replaced");
  remote.leave("legacy", "lb-1", BASE.run);
  expect(proxies.of("legacy").length).toBe(1);
  remote.leave("legacy", "lb-1", "run-two-2");
  expect(proxies.of("legacy")).toEqual([]);
  expect(send()).toBe("taken");
  expect(events.at(2)).toBe("legacy lb-1 disconnected ended");
});

test("a refusal is told once, and its end", () => {
  send();
  for (let times = 0; times < 3; times++) send({ state: "degraded", lastError: `(${times}) unknown directive` });
  send();
  send();
  expect(events).toEqual(["legacy lb-1 connected", "legacy lb-1 serving", "legacy lb-1 failed", "legacy lb-1 serving"]);
});

test("what agents make the server keep is bounded; who is away makes room", () => {
  for (let count = 0; count < 1000; count++) expect(send({}, `n${count}`)).toBe("taken");
  expect(send({}, "late")).toBe("full");
  remote.leave("legacy", "n7", BASE.run);
  expect(send({}, "late")).toBe("taken");
  expect(proxies.of("legacy").length).toBe(1000);
  expect(send({}, "n1", 64 * 1024 * 1024)).toBe("full");
  expect(send({}, "n1")).toBe("taken");
});

test("with its fleet a proxy is forgotten", () => {
  send();
  remote.retain(new Set(["other"]));
  expect([proxies.of("legacy"), [...proxies.failures()]]).toEqual([[], []]);
  expect(events.at(-1)).toBe("legacy lb-1 disconnected ended");
});
