/**
 * Which listeners of which fleets take connections, and which wait, and why. Agents report what their proxies have; of those that
 * pull, their answers say it. Nothing here is stored: after a restart it is reported and answered anew.
 */
import type { PortIr } from "../ir/index.ts";
import { compareText } from "../util/sorted.ts";
import type { NodeAnswers } from "../xds/types.ts";
import type { ListenerReport, ListenerStatus } from "./types.ts";

/** Reporters of one fleet; further ones are not kept. */
export const MAX_REPORTERS = 1_000;
/** Names of proxies that are told with a listener. */
const MAX_NAMED_PROXIES = 100;
/** While a proxy that pulls refuses a listener, its answers are looked at so often: it does not say when it mends. */
const LOOK_AGAIN_MS = 1_000;

/** A listener of a fleet begins to wait, for a reason, or is served. */
export interface ListenerChange extends ListenerStatus {
  readonly fleet: string;
}

export interface ListenerStatusOptions {
  /** Fleets of the published revision. */
  readonly fleets: () => Iterable<string>;
  /** Null: no such fleet. */
  readonly ports: (fleet: string) => readonly Pick<PortIr, "id" | "listeners">[] | null;
  /** What proxies that pull said to the listeners' resources, which have the names of ports. */
  readonly answers: (fleet: string) => readonly NodeAnswers[];
  /** One sentence of what a refusal says of one of them. */
  readonly reasonOf: (port: string, message: string) => string;
  /** Must not throw. */
  readonly onChange: (change: ListenerChange) => void;
}

export interface ListenerStatuses {
  /** Replaces what this proxy reported before; null: it is gone. */
  report(fleet: string, proxy: string, listeners: readonly ListenerReport[] | null): void;
  /** A proxy of this fleet that pulls has refused something. */
  noteRefusal(fleet: string): void;
  /** By name; null: no such fleet. */
  of(fleet: string): readonly ListenerStatus[] | null;
  /** All that wait now. */
  waiting(): readonly ListenerChange[];
  close(): void;
}

/** Knows of nothing at first. */
export function createListenerStatus(options: ListenerStatusOptions): ListenerStatuses {
  const reports = new Map<string, Map<string, readonly ListenerReport[]>>();
  const known = new Map<string, ReadonlyMap<string, ListenerStatus>>();
  /** Fleets of which a proxy that pulls refuses a listener. */
  const refusing = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  function look(fleet: string): readonly ListenerStatus[] | null {
    const ports = options.ports(fleet);
    if (ports === null) {
      for (const map of [reports, known]) map.delete(fleet);
      refusing.delete(fleet);
      return null;
    }
    const before = known.get(fleet);
    const told = [...answersOf(fleet, ports), ...(reports.get(fleet) ?? [])];
    const now = ports.flatMap(({ listeners }) => listeners).map((listener) => statusOf(listener, told));
    const kept = now.map((status) => {
      const old = before?.get(status.listener);
      return old !== undefined && isSame(old, status) ? { ...status, since: old.since } : status;
    });
    kept.sort((a, b) => compareText(a.listener, b.listener));
    known.set(fleet, new Map(kept.map((status) => [status.listener, status])));
    for (const status of kept) {
      const old = before?.get(status.listener);
      const isNews = old === undefined ? status.state === "waiting" : !isSame(old, status);
      if (isNews && (status.state === "waiting" || old?.state === "waiting")) options.onChange({ fleet, ...status });
    }
    return kept;
  }

  function* answersOf(
    fleet: string,
    ports: readonly Pick<PortIr, "id" | "listeners">[],
  ): Generator<readonly [string, readonly ListenerReport[]]> {
    for (const { nodeId, refused, unanswered } of options.answers(fleet)) {
      const found = ports.flatMap(({ id, listeners }) => {
        const message = refused.get(id);
        if (message === undefined && (unanswered === "all" || unanswered.has(id))) return [];
        const reason = message === undefined ? null : options.reasonOf(id, message);
        return listeners.map((listener) => ({ listener, state: stateFor(reason), reason }));
      });
      yield [nodeId, found];
    }
  }

  function lookLater(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      for (const fleet of refusing) {
        look(fleet);
        if (options.answers(fleet).every(({ refused }) => refused.size === 0)) refusing.delete(fleet);
      }
      if (refusing.size > 0) lookLater();
    }, LOOK_AGAIN_MS);
  }

  return {
    report(fleet, proxy, listeners) {
      const own = reports.get(fleet) ?? new Map<string, readonly ListenerReport[]>();
      if (listeners === null) own.delete(proxy);
      else if (own.has(proxy) || own.size < MAX_REPORTERS) own.set(proxy, listeners);
      if (own.size === 0) reports.delete(fleet);
      else reports.set(fleet, own);
      look(fleet);
    },
    noteRefusal(fleet) {
      refusing.add(fleet);
      look(fleet);
      lookLater();
    },
    of: look,
    waiting() {
      const fleets = new Set(options.fleets());
      for (const gone of [...known.keys(), ...reports.keys()]) if (!fleets.has(gone)) look(gone);
      return [...fleets].flatMap((fleet) =>
        (look(fleet) ?? []).filter(({ state }) => state === "waiting").map((status) => ({ fleet, ...status })),
      );
    },
    close: () => clearTimeout(timer),
  };
}

function stateFor(reason: string | null): "serving" | "waiting" {
  return reason === null ? "serving" : "waiting";
}

/** It waits when it waits for any proxy. */
function statusOf(listener: string, told: readonly (readonly [string, readonly ListenerReport[]])[]): ListenerStatus {
  const said = told.flatMap(([proxy, reports]) => {
    const report = reports.find((entry) => entry.listener === listener);
    return report === undefined ? [] : [{ proxy, ...report }];
  });
  const waits = said.filter(({ state }) => state === "waiting");
  const state = waits.length > 0 ? "waiting" : said.length > 0 ? "serving" : "unknown";
  const proxies = waits.slice(0, MAX_NAMED_PROXIES).map(({ proxy }) => proxy);
  return { listener, state, reason: waits[0]?.reason ?? null, since: new Date().toISOString(), proxies };
}

function isSame(a: ListenerStatus, b: ListenerStatus): boolean {
  return a.state === b.state && a.reason === b.reason;
}
