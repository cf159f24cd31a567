/**
 * What proxies that read files run, as far as they say so: those of the local run, and those that agents report. Nothing here is stored:
 * after a restart they say it anew. Of proxies whose files are only fetched nothing is known here.
 */
import type { AgentPresence, FileProxyReport, FileProxyStatus, FleetFiles, ProxyPresence } from "./types.ts";

/** Proxies of one fleet; further ones are not shown. */
const MAX_WATCHED = 1_000;
/** Generations whose revision is remembered: a proxy that is further behind runs something very old. */
const MAX_GENERATIONS = 16;
/** Characters of an error; a proxy may print its whole configuration. */
const MAX_ERROR = 1_000;
/** Endpoints that are shown of one proxy; metrics count them all. */
const MAX_ENDPOINTS = 1_000;
/** What an agent adds to the name of a generation of which it runs a part. */
const PART = /-without-[0-9a-f]+$/;

/** What is told of a proxy that is shown. */
export interface WatchedReport extends FileProxyReport {
  /** That its generation is known to be of, where nothing else is known of that. */
  readonly revision?: number | null;
  /** Default: it runs here. */
  readonly agent?: AgentPresence;
}

type Counts = Pick<FileProxyReport, "failures" | "reloads" | "runtimeChanges">;

/** A proxy that is shown. */
export interface ShownProxy {
  /** How it is, whenever somebody asks; null: it is away. */
  readonly read: () => WatchedReport | null;
  /** What is added up for its fleet, also while it is away. Default: as it reports. */
  readonly counts?: () => Counts;
}

export interface FileProxies {
  /** Shows a proxy from now on. Returns the undo. */
  watch(fleet: string, nodeId: string, proxy: ShownProxy): () => void;
  /** By node id. */
  of(fleet: string): readonly FileProxyStatus[];
  presences(): Iterable<ProxyPresence>;
  /** How often proxies could not take what they were given, or died, by fleet. */
  failures(): Iterable<readonly [fleet: string, count: number]>;
  /** How often proxies were reloaded, by fleet. */
  reloads(): Iterable<readonly [fleet: string, count: number]>;
  /** How often they were changed while they ran, by fleet. */
  runtimeChanges(): Iterable<readonly [fleet: string, count: number]>;
  /** How many endpoints get nothing on a proxy beside which they are probed. */
  endpointsDown(): Iterable<readonly [fleet: string, nodeId: string, count: number]>;
  /** These are the files of this revision; null: there are none. */
  noteFiles(files: Pick<FleetFiles, "fleet" | "generation" | "revision"> | null): void;
  /** What is known of other fleets is forgotten. */
  retain(fleets: ReadonlySet<string>): void;
}

const NONE: Counts = { failures: 0, reloads: 0, runtimeChanges: 0 };

/** Knows of nothing at first. `filesOf`: what a fleet's proxies are to run; null: nothing yet. */
export function createFileProxies(
  filesOf: (fleet: string) => Pick<FleetFiles, "generation" | "revision"> | null,
): FileProxies {
  const fleets = new Map<string, Map<string, Required<ShownProxy>>>();
  /** By fleet and generation, oldest first. */
  const revisions = new Map<string, Map<string, number>>();

  const revisionOf = (fleet: string, generation: string | null): number | null =>
    generation === null ? null : (revisions.get(fleet)?.get(generation.replace(PART, "")) ?? null);

  const statusOf = (fleet: string, nodeId: string, report: WatchedReport): FileProxyStatus => {
    const { lastError, endpointsDown, agent = null } = report;
    const files = filesOf(fleet);
    return {
      nodeId,
      group: fleet,
      agent,
      ...shownOf(report),
      revision: revisionOf(fleet, report.generation) ?? report.revision ?? null,
      wanted: files && { generation: files.generation, revision: files.revision },
      lastError: lastError?.slice(0, MAX_ERROR) ?? null,
      endpointsDown: endpointsDown?.slice(0, MAX_ENDPOINTS) ?? [],
    };
  };

  const sums = (counter: "failures" | "reloads" | "runtimeChanges"): readonly (readonly [string, number])[] =>
    Array.from(fleets, ([fleet, own]) => {
      let sum = 0;
      for (const { counts } of own.values()) sum += counts()[counter];
      return [fleet, sum];
    });

  return {
    watch(fleet, nodeId, { read, counts = () => read() ?? NONE }) {
      const own = fleets.get(fleet) ?? new Map<string, Required<ShownProxy>>();
      const watched = { read, counts };
      if (own.has(nodeId) || own.size < MAX_WATCHED) fleets.set(fleet, own.set(nodeId, watched));
      return () => {
        if (own.get(nodeId) === watched) own.delete(nodeId);
        if (own.size === 0 && fleets.get(fleet) === own) fleets.delete(fleet);
      };
    },
    of: (fleet) =>
      [...(fleets.get(fleet) ?? [])]
        .flatMap(([nodeId, { read }]) => {
          const report = read();
          return report === null ? [] : [statusOf(fleet, nodeId, report)];
        })
        .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1)),
    *presences() {
      for (const [fleet, own] of fleets) {
        for (const [nodeId, { read }] of own) {
          const { generation = null, lastError = null } = read() ?? {};
          if (generation === null) continue;
          const isWhole = !PART.test(generation);
          const acknowledgedRevision = isWhole ? revisionOf(fleet, generation) : null;
          yield { fleet, nodeId, acknowledgedRevision, refused: lastError === null ? 0 : 1 };
        }
      }
    },
    failures: () => sums("failures"),
    reloads: () => sums("reloads"),
    runtimeChanges: () => sums("runtimeChanges"),
    *endpointsDown() {
      for (const [fleet, own] of fleets)
        for (const [nodeId, { read }] of own) {
          const { endpointsDown = null } = read() ?? {};
          if (endpointsDown !== null) yield [fleet, nodeId, endpointsDown.length] as const;
        }
    },
    noteFiles(files) {
      if (files === null) return;
      const { fleet, generation, revision } = files;
      const own = revisions.get(fleet) ?? new Map<string, number>();
      own.delete(generation);
      own.set(generation, revision);
      for (const oldest of own.keys()) {
        if (own.size <= MAX_GENERATIONS) break;
        own.delete(oldest);
      }
      revisions.set(fleet, own);
    },
    retain(names) {
      for (const fleet of revisions.keys()) if (!names.has(fleet)) revisions.delete(fleet);
    },
  };
}

/** Of a report what is told as it is. */
function shownOf(report: WatchedReport): Omit<FileProxyReport, "failures" | "lastError" | "endpointsDown"> {
  const { proxy, version, state, generation, since, applied, reloads, runtimeChanges, leaving, listeners } = report;
  return { proxy, version, state, generation, since, applied, reloads, runtimeChanges, leaving, listeners };
}
