/**
 * What agents on other machines report of their proxies, for as long as they do. Nothing here is stored: after a restart they report anew.
 * Who has not reported again within the time that it named is away; what it counted is remembered for an hour.
 */
import type { FileProxies, WatchedReport } from "./fileProxies.ts";
import type { ListenerStatuses } from "./listenerStatus.ts";
import type {
  FileProxyReport,
  RemoteEvent,
  RemoteOutcome,
  RemoteReport,
  RemoteReports,
  RemoteSender,
} from "./types.ts";

/** Agents of one fleet, those that were there lately too; of these the ones that are away the longest make room. */
const MAX_REMOTE = 1_000;
/** Bytes of all reports: what agents may make the server keep. One with 1 000 endpoints that are down has 150 KB. */
const MAX_BYTES = 64 * 1024 * 1024;
/** As long as metrics tell of a proxy that is away. */
const FORGET_MS = 60 * 60 * 1000;

/** Those that are known. */
export interface RemoteProxies extends RemoteReports {
  /** What is known of other fleets is forgotten. */
  retain(fleets: ReadonlySet<string>): void;
  close(): void;
}

/** Where they are shown, and who is told. */
export interface RemoteProxiesOptions {
  readonly proxies: Pick<FileProxies, "watch">;
  readonly listeners: Pick<ListenerStatuses, "report">;
  /** Must not throw. */
  readonly onEvent: (event: RemoteEvent) => void;
  readonly now?: (() => Date) | undefined;
}

type Counts = Pick<FileProxyReport, "failures" | "reloads" | "runtimeChanges">;

interface Entry {
  readonly fleet: string;
  readonly nodeId: string;
  /** Which process of an agent reports; and the one that it took the name from. */
  run: string;
  replaced: string | null;
  /** Null: it is away. */
  last: (RemoteSender & { readonly at: string }) | null;
  /** Of runs before, and of this one. */
  before: Counts;
  counts: Counts;
  timer: NodeJS.Timeout | undefined;
  readonly forget: () => void;
}

const NONE: Counts = { failures: 0, reloads: 0, runtimeChanges: 0 };

/** All that is known. */
interface Book extends RemoteProxiesOptions {
  readonly fleets: Map<string, Map<string, Entry>>;
  /** Of the reports that are kept. */
  bytes: number;
}

/** Knows of nobody at first. */
export function createRemoteProxies(options: RemoteProxiesOptions): RemoteProxies {
  const book: Book = { ...options, fleets: new Map(), bytes: 0 };
  const { fleets } = book;
  return {
    report: (fleet, nodeId, sender) => take(book, sender, { fleet, nodeId }),
    leave(fleet, nodeId, run) {
      const entry = fleets.get(fleet)?.get(nodeId);
      if (entry?.run === run) away(book, entry, "ended");
    },
    retain(names) {
      for (const [fleet, own] of fleets) {
        if (names.has(fleet)) continue;
        for (const entry of [...own.values()]) {
          away(book, entry, "ended");
          remove(book, entry);
        }
      }
    },
    close() {
      for (const own of fleets.values()) for (const { timer } of own.values()) clearTimeout(timer);
    },
  };
}

type Place = Pick<Entry, "fleet" | "nodeId">;

function take(book: Book, sender: RemoteSender, place: Place): RemoteOutcome {
  const { report, bytes } = sender;
  const { fleet, nodeId } = place;
  const former = book.fleets.get(fleet)?.get(nodeId)?.last ?? null;
  const total = book.bytes - (former?.bytes ?? 0) + bytes;
  const entry = total > MAX_BYTES ? null : entryFor(book, place, report.run);
  if (entry === null) return "full";
  if (former !== null && entry.replaced === report.run) return "replaced";
  if (entry.run !== report.run) takeOver(entry, report.run);
  book.bytes = total;
  const { failures, reloads, runtimeChanges } = report;
  entry.counts = { failures, reloads, runtimeChanges };
  entry.last = { ...sender, at: (book.now?.() ?? new Date()).toISOString() };
  clearTimeout(entry.timer);
  entry.timer = setTimeout(() => away(book, entry, "silent"), report.ttlSeconds * 1000).unref();
  book.listeners.report(fleet, nodeId, report.listeners);
  for (const event of news(former?.report ?? null, sender)) book.onEvent({ fleet, nodeId, ...event });
  return "taken";
}

/** The entry of this name, at the end, so that who is away the longest stands first; null: there is no room. */
function entryFor(book: Book, { fleet, nodeId }: Place, run: string): Entry | null {
  const own = book.fleets.get(fleet) ?? new Map<string, Entry>();
  const known = own.get(nodeId);
  if (known === undefined && own.size >= MAX_REMOTE) {
    const oldest = [...own.values()].find(({ last }) => last === null);
    if (oldest === undefined) return null;
    remove(book, oldest);
  }
  const entry = known ?? create(book, { fleet, nodeId }, run);
  own.delete(nodeId);
  book.fleets.set(fleet, own.set(nodeId, entry));
  return entry;
}

function create({ proxies }: Book, { fleet, nodeId }: Place, run: string): Entry {
  const entry: Entry = {
    fleet,
    nodeId,
    run,
    replaced: null,
    last: null,
    before: NONE,
    counts: NONE,
    timer: undefined,
    forget: proxies.watch(fleet, nodeId, {
      read: () => reportOf(entry),
      counts: () => sum(entry.before, entry.counts),
    }),
  };
  return entry;
}

/** It is not there any more; its counts are, for a while. */
function away(book: Book, entry: Entry, reason: "silent" | "ended"): void {
  const { fleet, nodeId, last } = entry;
  if (last === null) return;
  clearTimeout(entry.timer);
  book.bytes -= last.bytes;
  entry.last = null;
  book.listeners.report(fleet, nodeId, null);
  book.onEvent({ kind: "disconnected", fleet, nodeId, reason });
  entry.timer = setTimeout(() => remove(book, entry), FORGET_MS).unref();
}

function remove({ fleets }: Book, entry: Entry): void {
  const own = fleets.get(entry.fleet);
  clearTimeout(entry.timer);
  own?.delete(entry.nodeId);
  if (own?.size === 0) fleets.delete(entry.fleet);
  entry.forget();
}

/** Another process reports under the name: a new start of the agent, or a second one, which the first will learn of. */
function takeOver(entry: Entry, run: string): void {
  entry.before = sum(entry.before, entry.counts);
  entry.replaced = entry.run;
  entry.run = run;
}

function reportOf({ last }: Entry): WatchedReport | null {
  if (last === null) return null;
  const { report, address, at } = last;
  return { ...report, agent: { address, version: report.agentVersion, reportedAt: at } };
}

function sum(one: Counts, other: Counts): Counts {
  return {
    failures: one.failures + other.failures,
    reloads: one.reloads + other.reloads,
    runtimeChanges: one.runtimeChanges + other.runtimeChanges,
  };
}

type News = RemoteEvent extends infer Event ? (Event extends unknown ? Omit<Event, "fleet" | "nodeId"> : never) : never;

/** What a report says that the one before did not. */
function news(before: RemoteReport | null, { report, address }: RemoteSender): readonly News[] {
  const { proxy, version, agentVersion, generation, lastError } = report;
  const told: News[] = [];
  if (before === null) told.push({ kind: "connected", peer: address, proxy, version, agentVersion });
  if (lastError !== null && withoutNumbers(lastError) !== withoutNumbers(before?.lastError ?? ""))
    told.push({ kind: "failed", generation, error: lastError });
  const isNews = generation !== (before?.generation ?? null) || (before?.lastError ?? null) !== null;
  if (lastError === null && generation !== null && isNews) told.push({ kind: "serving", generation });
  return told;
}

/** Numbers of processes and the like are others at each try. */
function withoutNumbers(text: string): string {
  return text.replace(/\d+/g, "");
}
