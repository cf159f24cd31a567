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
/** Names in the answers of proxies that are read at once; of very many refusals the first stand for all. Some milliseconds. */
const MAX_ANSWERS = 20_000;
/** While a proxy that pulls refuses a listener, its answers are looked at so often: it does not say when it mends. */
const LOOK_AGAIN_MS = 1_000;
/** After the first refusal: those of other proxies, and of other resources, follow within this. */
const FIRST_LOOK_MS = 50;

/** A listener of a fleet begins to wait, for a reason, or is served. */
export interface ListenerChange extends ListenerStatus {
  readonly fleet: string;
}

export interface ListenerStatusOptions {
  /** Fleets of the published revision. */
  readonly fleets: () => Iterable<string>;
  /** Null: no such fleet. */
  readonly sockets: (fleet: string) => Sockets | null;
  /** What proxies that pull said to the listeners' resources, which have the names of sockets. */
  readonly answers: (fleet: string) => Iterable<NodeAnswers>;
  /** Of which of them a refusal says why, and in one sentence why. */
  readonly readRefusal: (message: string) => readonly (readonly [socket: string, reason: string])[];
  /** Must not throw. */
  readonly onChange: (change: ListenerChange) => void;
}

export interface ListenerStatuses {
  /** Replaces what this proxy reported before; null: it is gone. */
  report(fleet: string, proxy: string, listeners: readonly ListenerReport[] | null): void;
  /** A proxy of this fleet that pulls has refused something, in these words. */
  noteRefusal(fleet: string, message: string): void;
  /** By name; null: no such fleet. */
  of(fleet: string): readonly ListenerStatus[] | null;
  /** What is known of fleets that there are no more. */
  forgetGone(): void;
  close(): void;
}

/** Knows of nothing at first. */
export function createListenerStatus(options: ListenerStatusOptions): ListenerStatuses {
  const reports = new Map<string, Map<string, readonly ListenerReport[]>>();
  const known = new Map<string, ReadonlyMap<string, ListenerStatus>>();
  /** Fleets of which a proxy that pulls refuses a listener: what was said last, by socket. */
  const refusing = new Map<string, Map<string, string>>();
  let timer: NodeJS.Timeout | undefined;

  function look(fleet: string): readonly ListenerStatus[] | null {
    const sockets = options.sockets(fleet);
    if (sockets === null) {
      for (const map of [reports, known]) map.delete(fleet);
      refusing.delete(fleet);
      return null;
    }
    const before = known.get(fleet);
    const tallies = new Map(sockets.flatMap(({ listeners }) => listeners).map((listener) => [listener, newTally()]));
    const reasons = refusing.get(fleet) ?? new Map<string, string>();
    countAnswers(options.answers(fleet), { sockets, reasons, tallies });
    for (const [proxy, own] of reports.get(fleet) ?? []) for (const report of own) count(tallies, proxy, report);
    const now = Array.from(tallies, ([listener, tally]) => statusOf(listener, tally));
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

  /** However many refuse at once, they are looked at once. */
  function lookLater(afterMs: number): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      for (const fleet of refusing.keys()) {
        look(fleet);
        if (!refuses(options.answers(fleet))) refusing.delete(fleet);
      }
      if (refusing.size > 0) lookLater(LOOK_AGAIN_MS);
    }, afterMs);
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
    noteRefusal(fleet, message) {
      const ids = new Set(options.sockets(fleet)?.map(({ id }) => id));
      const named = options.readRefusal(message).filter(([id]) => ids.has(id));
      const before = [...(refusing.get(fleet) ?? [])].filter(([id]) => ids.has(id));
      refusing.set(fleet, new Map([...before, ...named]));
      lookLater(FIRST_LOOK_MS);
    },
    of: look,
    forgetGone() {
      const fleets = new Set(options.fleets());
      for (const gone of [...known.keys(), ...reports.keys()]) if (!fleets.has(gone)) look(gone);
    },
    close: () => clearTimeout(timer),
  };
}

/** Sockets and the listeners behind them; a listener may have several. */
type Sockets = readonly Pick<PortIr, "id" | "listeners">[];

/** What proxies say of one listener. */
interface Tally {
  serving: boolean;
  /** Of the first for which it waits. */
  reason: string | null;
  /** For which it waits. */
  readonly proxies: string[];
}

function newTally(): Tally {
  return { serving: false, reason: null, proxies: [] };
}

function count(tallies: ReadonlyMap<string, Tally>, proxy: string, { listener, state, reason }: ListenerReport): void {
  const tally = tallies.get(listener);
  if (tally === undefined) return;
  if (state === "serving") tally.serving = true;
  else if (tally.proxies.length < MAX_NAMED_PROXIES) tally.proxies.push(proxy);
  if (state === "waiting") tally.reason ??= reason;
}

/** Of a refusal that does not say it in words that are known. */
const REFUSED = "it is refused; GET /v1/fleets/{name}/proxies has the proxy's words";

/** Of proxies that pull, usually thousands, only what they do not have is gone through. */
function countAnswers(
  answers: Iterable<NodeAnswers>,
  {
    sockets,
    reasons,
    tallies,
  }: { sockets: Sockets; reasons: ReadonlyMap<string, string>; tallies: ReadonlyMap<string, Tally> },
): void {
  const listenersOf = new Map(sockets.map(({ id, listeners }) => [id, listeners]));
  /** By socket: how many of them do not have it. */
  const missing = new Map<string, number>();
  const miss = (id: string): unknown => missing.set(id, (missing.get(id) ?? 0) + 1);
  let proxies = 0;
  let left = MAX_ANSWERS;
  for (const { nodeId, refused, unanswered } of answers) {
    for (const id of refused) {
      miss(id);
      const reason = reasons.get(id) ?? REFUSED;
      for (const listener of listenersOf.get(id) ?? []) count(tallies, nodeId, { listener, state: "waiting", reason });
    }
    if (unanswered === "all") continue;
    proxies += 1;
    for (const id of unanswered) if (!refused.has(id)) miss(id);
    left -= refused.size + unanswered.size;
    if (left < 0) break;
  }
  for (const { id, listeners } of sockets) {
    if (proxies <= (missing.get(id) ?? 0)) continue;
    for (const listener of listeners) count(tallies, "", { listener, state: "serving", reason: null });
  }
}

/** It waits when it waits for any proxy. */
function statusOf(listener: string, { serving, reason, proxies }: Tally): ListenerStatus {
  const state = proxies.length > 0 ? "waiting" : serving ? "serving" : "unknown";
  return { listener, state, reason, since: new Date().toISOString(), proxies };
}

function refuses(answers: Iterable<NodeAnswers>): boolean {
  for (const { refused } of answers) if (refused.size > 0) return true;
  return false;
}

function isSame(a: ListenerStatus, b: ListenerStatus): boolean {
  return a.state === b.state && a.reason === b.reason;
}
