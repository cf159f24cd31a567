/**
 * The prober: active health checks for a proxy that has none.
 *
 * Input: plans (of `ir/probePlan.ts`, with what they name read), again and again. Output: which of their endpoints get nothing, and a
 * call whenever that changes.
 *
 * Guarantees: every field of a check means what it means on Envoy and HAProxy. Each probe has a connection of its own, ends within its
 * timeout, and reads 8 KiB at most. An endpoint gets nothing before its first probe has passed (`initial: up`: until a probe has
 * failed); one that is known keeps its state when plans change. At most `MAX_AT_ONCE` probes run; who waits for room is served in
 * turn. What an endpoint answers is in no reason.
 *
 * Must not: know which proxy it is for, or touch it.
 */
import type { HealthCheckIr, ProbedEndpoint } from "../../ir/index.ts";
import type { EndpointTls } from "./endpointTls.ts";
import { probe as realProbe } from "./probe.ts";
import { createSchedule } from "./schedule.ts";
import type { Clock, EndpointChange, EndpointDown, Probe, ReadyPlan } from "./types.ts";
import { judged, UNKNOWN, type Verdict } from "./verdict.ts";

export type { Clock, EndpointChange, EndpointDown, Probe } from "./types.ts";

/**
 * So long the first probes of new endpoints are waited for, that a proxy need not be reloaded for each. A little more than the usual
 * timeout of a probe: who has not answered by then is down.
 */
export const FIRST_ROUND_MS = 2_500;

export interface ProberOptions {
  /** Who gets traffic changed. */
  readonly onMoved: () => void;
  readonly onChange: (change: EndpointChange) => void;
  readonly probe?: Probe;
  readonly clock?: Clock;
}

export interface Prober {
  /** These are probed from now on and no others; of a cluster that several name, the last says how. */
  watch(plans: readonly ReadyPlan[]): void;
  /** Resolves when each endpoint that begins down was probed once, or after FIRST_ROUND_MS. */
  firstRound(): Promise<void>;
  /** Those of a plan that get nothing, in its order; also what is not watched. */
  down(plan: ReadyPlan): readonly EndpointDown[];
  close(): void;
}

interface Watched extends ProbedEndpoint {
  readonly cluster: string;
  readonly check: HealthCheckIr;
  readonly tls: EndpointTls | null;
  verdict: Verdict;
  /** Of the last probe that failed; null: it is up. */
  reason: string | null;
  /** Since when it is up, down or unknown. */
  since: string;
}

const systemClock: Clock = {
  now: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Watches nothing at first. */
export function createProber(options: ProberOptions): Prober {
  const { onMoved, onChange, probe = realProbe, clock = systemClock } = options;
  let watched: ReadonlyMap<string, Watched> = new Map();
  /** Of the watched: equal checks are one object. */
  const checks = new Map<string, HealthCheckIr>();
  const waiting = new Set<() => void>();
  let awaited = 0;

  const schedule = createSchedule<Watched>({
    clock,
    intervalMs: ({ check }) => check.intervalMs,
    run: async (entry) => {
      const reason = await probe(entry, entry.check, entry.tls).catch(String);
      if (watched.get(keyOf(entry)) === entry) heard(entry, reason);
    },
  });

  function heard(entry: Watched, reason: string | null): void {
    const { health: before } = entry.verdict;
    const served = serves(entry);
    const first = isAwaited(entry);
    entry.verdict = judged(entry.verdict, reason === null, entry.check);
    const { health } = entry.verdict;
    entry.reason = health === "up" ? null : (reason ?? entry.reason);
    if (health === before) return;
    entry.since = new Date().toISOString();
    const { cluster, address, port, since } = entry;
    if (first) noteFirst();
    if (health === "down") onChange({ kind: "endpoint-down", cluster, address, port, reason: reason ?? "", since });
    else if (before === "down") onChange({ kind: "endpoint-up", cluster, address, port });
    if (serves(entry) !== served) onMoved();
  }

  function noteFirst(): void {
    awaited -= 1;
    if (awaited === 0) for (const done of waiting) done();
  }

  return {
    watch: (plans) => {
      const before = watched;
      const next = new Map<string, Watched>();
      const known = new Map(checks);
      checks.clear();
      for (const entry of entriesOf(plans, (check) => interned(check, known, checks))) {
        const key = keyOf(entry);
        const old = before.get(key);
        next.set(key, old === undefined ? entry : kept(old, entry));
      }
      watched = next;
      awaited = 0;
      for (const [key, entry] of before) if (next.get(key) !== entry) schedule.remove(entry);
      for (const [key, entry] of next) {
        if (isAwaited(entry)) awaited += 1;
        if (before.get(key) !== entry) schedule.add(entry);
      }
      if (awaited === 0) for (const done of waiting) done();
    },
    firstRound: () => {
      if (awaited === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          callOff();
          waiting.delete(done);
          resolve();
        };
        const callOff = clock.after(FIRST_ROUND_MS, done);
        waiting.add(done);
      });
    },
    down: (plan) => entriesOf([plan]).flatMap((entry) => downOf(watched.get(keyOf(entry)) ?? entry)),
    close: () => {
      watched = new Map();
      schedule.close();
      for (const done of waiting) done();
    },
  };
}

function keyOf({ cluster, address, port }: Pick<Watched, "cluster" | "address" | "port">): string {
  return `${cluster} ${address} ${port}`;
}

/** All endpoints, not probed yet. */
function entriesOf(plans: readonly ReadyPlan[], same = (check: HealthCheckIr) => check): readonly Watched[] {
  const since = new Date().toISOString();
  return plans.flatMap(({ clusters }) =>
    clusters.flatMap(({ name: cluster, check: own, tls, endpoints }) => {
      const check = same(own);
      return endpoints.map((at) => ({ ...at, cluster, check, tls, verdict: UNKNOWN, reason: null, since }));
    }),
  );
}

function interned(
  check: HealthCheckIr,
  before: ReadonlyMap<string, HealthCheckIr>,
  now: Map<string, HealthCheckIr>,
): HealthCheckIr {
  const text = JSON.stringify(check);
  const same = now.get(text) ?? before.get(text) ?? check;
  now.set(text, same);
  return same;
}

/** The state outlives the check by which it was found, and how it was asked; the new one counts from nothing. */
function kept(old: Watched, { check, tls }: Watched): Watched {
  if (old.check === check && old.tls === tls) return old;
  return { ...old, check, tls, verdict: { ...old.verdict, against: 0 } };
}

/** Whether it gets traffic. */
function serves({ verdict, check }: Watched): boolean {
  return verdict.health === "up" || (verdict.health === "unknown" && check.initial === "up");
}

/** Whether its first probe decides that it gets traffic. */
function isAwaited({ verdict, check }: Watched): boolean {
  return verdict.health === "unknown" && check.initial === "down";
}

function downOf(entry: Watched): readonly EndpointDown[] {
  const { cluster, address, port, reason, since } = entry;
  return serves(entry) ? [] : [{ cluster, address, port, reason, since }];
}
