import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { NodeAnswers } from "../xds/types.ts";
import { createListenerStatus, type ListenerChange, type ListenerStatuses, MAX_REPORTERS } from "./listenerStatus.ts";

let ports: Map<string, { id: string; listeners: string[] }[]>;
let answers: NodeAnswers[];
let told: string[];
let status: ListenerStatuses;

const waits = (listener: string, reason = "busy") => ({ listener, state: "waiting" as const, reason });
const serves = (listener: string) => ({ listener, state: "serving" as const, reason: null });

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-01-02T03:04:05Z") });
  ports = new Map([
    [
      "edge",
      [
        { id: "http-a-80", listeners: ["api", "web"] },
        { id: "tcp-a-9", listeners: ["db"] },
      ],
    ],
  ]);
  [answers, told] = [[], []];
  status = createListenerStatus({
    fleets: () => ports.keys(),
    sockets: (fleet) => ports.get(fleet) ?? null,
    answers: () => answers,
    readRefusal: (message) => message.split(", ").map((part) => [part.split(": ")[0]!, part]),
    onChange: ({ fleet, listener, state, reason, proxies }: ListenerChange) =>
      told.push(`${fleet} ${listener} ${state} ${reason} ${proxies}`),
  });
});
afterEach(() => {
  status.close();
  vi.useRealTimers();
});

test("what proxies report is told by listener; it waits when it waits for one of them", () => {
  expect(status.of("nope")).toBeNull();
  expect(status.of("edge")?.map(({ state }) => state)).toEqual(["unknown", "unknown", "unknown"]);
  status.report("edge", "one", [serves("api"), serves("web"), waits("db")]);
  status.report("edge", "two", [serves("api"), waits("web", "no"), waits("db", "other")]);
  const since = "2026-01-02T03:04:05.000Z";
  expect(status.of("edge")).toEqual([
    { listener: "api", state: "serving", reason: null, since, proxies: [] },
    { listener: "db", state: "waiting", reason: "busy", since, proxies: ["one", "two"] },
    { listener: "web", state: "waiting", reason: "no", since, proxies: ["two"] },
  ]);
  expect(told).toEqual(["edge db waiting busy one", "edge web waiting no two"]);
});

test("since is when a state began; changes are told once", () => {
  status.report("edge", "one", [waits("db")]);
  vi.advanceTimersByTime(60_000);
  status.report("edge", "one", [waits("db")]);
  expect(status.of("edge")?.[1]?.since).toBe("2026-01-02T03:04:05.000Z");
  status.report("edge", "one", [serves("db")]);
  expect(status.of("edge")?.[1]).toMatchObject({ state: "serving", since: "2026-01-02T03:05:05.000Z" });
  status.report("edge", "one", null);
  expect(told).toEqual(["edge db waiting busy one", "edge db serving null "]);
  expect(status.of("edge")?.[1]?.state).toBe("unknown");
});

test("proxies that pull say it by their answers, and their mending is found without a word of theirs", () => {
  answers = [{ nodeId: "e", refused: new Set(["http-a-80"]), unanswered: new Set(["tcp-a-9"]) }];
  status.noteRefusal("edge", "http-a-80: taken, not-ours: no");
  status.noteRefusal("edge", "nothing that is known");
  vi.advanceTimersByTime(50);
  expect(told).toEqual(["edge api waiting http-a-80: taken e", "edge web waiting http-a-80: taken e"]);
  expect(status.of("edge")).toMatchObject([
    { listener: "api", state: "waiting", reason: "http-a-80: taken", proxies: ["e"] },
    { listener: "db", state: "unknown" },
    { listener: "web", state: "waiting", reason: "http-a-80: taken", proxies: ["e"] },
  ]);
  answers = [{ nodeId: "e", refused: new Set(), unanswered: new Set() }];
  vi.advanceTimersByTime(1_000);
  expect(told.slice(2)).toEqual(["edge api serving null ", "edge web serving null "]);
  expect(vi.getTimerCount()).toBe(0);
  answers = [{ nodeId: "e", refused: new Set(["tcp-a-9"]), unanswered: new Set(["tcp-a-9"]) }];
  expect(status.of("edge")?.[1]).toMatchObject({ state: "waiting", reason: expect.stringMatching(/^it is refused/) });
  answers = [{ nodeId: "e", refused: new Set(), unanswered: "all" }];
  expect(status.of("edge")?.map(({ state }) => state)).toEqual(["unknown", "unknown", "unknown"]);
});

test("fleets that are gone are forgotten, and reporters are bounded", () => {
  for (let proxy = 0; proxy <= MAX_REPORTERS; proxy++) status.report("edge", `p${proxy}`, [waits("db")]);
  status.report("edge", "late", [waits("web")]);
  expect(status.of("edge")?.[1]?.proxies).toHaveLength(100);
  expect(status.of("edge")?.[2]?.state).toBe("unknown");
  status.report("other", "p", [waits("db")]);
  const edge = ports.get("edge")!;
  ports.clear();
  status.forgetGone();
  ports.set("edge", edge).set("other", edge);
  const states = ["edge", "other"].flatMap((fleet) => status.of(fleet)?.map(({ state }) => state));
  expect(new Set(states)).toEqual(new Set(["unknown"]));
});
