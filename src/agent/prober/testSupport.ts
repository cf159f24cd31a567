/** For the tests of this room: checks, plans, and time that stands still until it is moved. */
import type { HealthCheckIr } from "../../ir/index.ts";
import type { Clock, ReadyPlan } from "./types.ts";

export function check(more: Partial<HealthCheckIr> = {}): HealthCheckIr {
  return {
    kind: "tcp",
    intervalMs: 1_000,
    timeoutMs: 500,
    rise: 2,
    fall: 3,
    initial: "down",
    port: null,
    tcp: { send: null, expect: null },
    http: null,
    grpc: null,
    ...more,
  };
}

export function httpCheck(more: Partial<NonNullable<HealthCheckIr["http"]>> = {}): HealthCheckIr {
  const http = {
    protocol: "http1" as const,
    method: "GET",
    path: "/health",
    host: "a.test",
    headers: [],
    bodyContains: null,
    bodyRegex: null,
    expectedStatus: [{ low: 200, high: 299 }],
  };
  return check({ kind: "http", tcp: null, http: { ...http, ...more } });
}

/** One cluster; endpoints are ports of 127.0.0.1. */
export function plan(ports: readonly number[], own = check(), name = "shop"): ReadyPlan {
  const endpoints = ports.map((port) => ({ address: "127.0.0.1", port }));
  return { clusters: [{ name, check: own, tls: null, endpoints }] };
}

export interface TestClock extends Clock {
  /** Runs what is due by then, and what that makes due; promises settle in between. */
  advance(milliseconds: number): Promise<void>;
  /** How many timers ran. */
  turns(): number;
  /** Timers that wait. */
  pending(): number;
}

export function testClock(): TestClock {
  let [now, turns] = [0, 0];
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => now,
    after: (milliseconds, run) => {
      const timer = { at: now + milliseconds, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    turns: () => turns,
    pending: () => timers.size,
    advance: async (milliseconds) => {
      const end = now + milliseconds;
      for (;;) {
        await settle();
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        turns += 1;
        next.run();
      }
      now = end;
    },
  };
}
