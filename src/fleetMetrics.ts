/** Metrics of fleets and their proxies. Fleets are few, and those that are gone are not told of. */
import type { Registry } from "prom-client";
import { createProxySeries, type FleetSeries, type ProxySeries } from "./proxySeries.ts";
import type { FleetStatus, ProxyPresence } from "./publish/index.ts";
import { oncePerScrape, type Sample, scrapedCounter, scrapedGauge } from "./scraped.ts";
import { inSlices } from "./util/slices.ts";
import type { Steps } from "./util/steps.ts";

/** Where the values are. */
export interface FleetSources {
  readonly statuses: () => readonly FleetStatus[];
  /** How often output could not be made, by fleet. */
  readonly failures: () => Iterable<readonly [fleet: string, count: number]>;
  /** How often a proxy that reads files could not take what it was given, by fleet. */
  readonly reloadFailures: () => Iterable<readonly [fleet: string, count: number]>;
  /** How often proxies that read files were reloaded, and changed while they ran, by fleet. */
  readonly reloads: () => Iterable<readonly [fleet: string, count: number]>;
  readonly runtimeChanges: () => Iterable<readonly [fleet: string, count: number]>;
  /** How many endpoints a proxy gives nothing, by fleet and node. */
  readonly endpointsDown: () => Iterable<readonly [fleet: string, nodeId: string, count: number]>;
  /** One entry per open stream, and per proxy that reads files. */
  readonly presences: () => Iterable<ProxyPresence>;
  /** Milliseconds that only grow. */
  readonly monotonic: () => number;
}

/** One scrape asks each source once. */
export function registerFleetMetrics(registry: Registry, sources: FleetSources): void {
  const once = { ...sources, statuses: oncePerScrape(sources.statuses) };
  registerOutputs(registry, once);
  registerReloads(registry, once);
  registerProxies(registry, once);
}

function registerReloads(registry: Registry, { reloadFailures, reloads, runtimeChanges }: FleetSources): void {
  scrapedCounter(registry, {
    name: "trimtab_reload_failures_total",
    help: "Files that a proxy that an agent runs did not take, and deaths of its process; it is tried again.",
    labelNames: ["fleet"],
    read: () => byFleet(reloadFailures()),
  });
  scrapedCounter(registry, {
    name: "trimtab_reloads_total",
    help: "Reloads of a proxy that an agent runs, those that it refused too.",
    labelNames: ["fleet"],
    read: () => byFleet(reloads()),
  });
  scrapedCounter(registry, {
    name: "trimtab_runtime_changes_total",
    help: "Changes that a proxy that an agent runs took over without a reload.",
    labelNames: ["fleet"],
    read: () => byFleet(runtimeChanges()),
  });
}

function registerOutputs(registry: Registry, { statuses, failures }: FleetSources): void {
  scrapedGauge(registry, {
    name: "trimtab_fleet_published_revision",
    help: "The revision that a fleet's last good output is of; absent: it has none.",
    labelNames: ["fleet"],
    read: () =>
      statuses().flatMap(({ fleet, publishedRevision }): Sample[] =>
        publishedRevision === null ? [] : [[{ fleet }, publishedRevision]],
      ),
  });
  scrapedGauge(registry, {
    name: "trimtab_fleet_failed_revision",
    help: "The first revision whose output cannot be made for a fleet, by the error's code; absent: all is well.",
    labelNames: ["fleet", "code"],
    read: () =>
      statuses().flatMap(({ fleet, error }): Sample[] =>
        error === null ? [] : [[{ fleet, code: error.code }, error.revision]],
      ),
  });
  // Those that wait only: a fleet's listeners are as many as its model has.
  scrapedGauge(registry, {
    name: "trimtab_listeners_waiting",
    help: "Proxies for which a listener waits because its socket cannot be opened or was refused; at most 100 are counted.",
    labelNames: ["fleet", "listener"],
    read: () => statuses().flatMap(waiting),
  });
  scrapedCounter(registry, {
    name: "trimtab_render_failures_total",
    help: "Outputs of a fleet that could not be made; the last good one stays.",
    labelNames: ["fleet"],
    read: () => byFleet(failures()),
  });
}

function waiting({ fleet, listeners }: FleetStatus): Sample[] {
  return listeners
    .filter(({ state }) => state === "waiting")
    .map(({ listener, proxies }) => [{ fleet, listener }, proxies.length]);
}

function byFleet(counts: Iterable<readonly [string, number]>): Sample[] {
  return Array.from(counts, ([fleet, count]) => [{ fleet }, count]);
}

/** Who asks while one is under way gets that one. */
function oneAtATime<T>(steps: () => Steps<T>): () => Promise<T> {
  let underWay: Promise<T> | null = null;
  return () => {
    underWay ??= Promise.resolve(inSlices(steps())).finally(() => {
      underWay = null;
    });
    return underWay;
  };
}

/** Of a fleet without proxies: that it has none is what somebody waits to be told. */
const NOBODY: FleetSeries = { connected: 0, refusing: 0, acknowledgedRevision: null };

function registerProxies(registry: Registry, { statuses, presences, endpointsDown, monotonic }: FleetSources): void {
  const look = oneAtATime(createProxySeries(presences, monotonic));
  const fleets = (value: (series: FleetSeries) => number) => async (): Promise<Sample[]> => {
    const names = statuses().map(({ fleet }) => fleet);
    const { fleets: series } = await look();
    return names.map((fleet) => [{ fleet }, value(series.get(fleet) ?? NOBODY)]);
  };
  const proxies = (samples: (proxy: ProxySeries) => Sample[]) => async (): Promise<Sample[]> =>
    (await look()).proxies.flatMap(samples);
  scrapedGauge(registry, {
    name: "trimtab_fleet_proxies_connected",
    help: "Proxies of a fleet that are connected, or run here.",
    labelNames: ["fleet"],
    read: fleets(({ connected }) => connected),
  });
  scrapedGauge(registry, {
    name: "trimtab_fleet_proxies_refusing",
    help: "Of the connected proxies of a fleet those that refuse something now.",
    labelNames: ["fleet"],
    read: fleets(({ refusing }) => refusing),
  });
  scrapedGauge(registry, {
    name: "trimtab_fleet_acknowledged_revision",
    help: "The lowest revision that all connected proxies of a fleet have accepted all of; absent: one has accepted none.",
    labelNames: ["fleet"],
    read: async () =>
      Array.from((await look()).fleets).flatMap(([fleet, { acknowledgedRevision }]): Sample[] =>
        acknowledgedRevision === null ? [] : [[{ fleet }, acknowledgedRevision]],
      ),
  });
  const labelNames = ["fleet", "node"];
  scrapedGauge(registry, {
    name: "trimtab_proxy_connected",
    help: "1: the proxy is connected, or runs here; 0: it was within the last hour.",
    labelNames,
    read: proxies(({ fleet, node, connected }) => [[{ fleet, node }, connected ? 1 : 0]]),
  });
  scrapedGauge(registry, {
    name: "trimtab_proxy_acknowledged_revision",
    help: "The last revision of which a connected proxy accepted all; absent: none yet.",
    labelNames,
    read: proxies(({ fleet, node, acknowledgedRevision }) =>
      acknowledgedRevision === null ? [] : [[{ fleet, node }, acknowledgedRevision]],
    ),
  });
  scrapedGauge(registry, {
    name: "trimtab_proxy_refused_resources",
    help: "What a connected proxy refuses now: resources of xDS, or 1 for files.",
    labelNames,
    read: proxies(({ fleet, node, connected, refused }) => (connected ? [[{ fleet, node }, refused]] : [])),
  });
  scrapedGauge(registry, {
    name: "trimtab_endpoints_down",
    help: "Endpoints that get nothing from a proxy that an agent runs, as they fail the probes made beside it.",
    labelNames,
    read: () => Array.from(endpointsDown(), ([fleet, node, count]): Sample => [{ fleet, node }, count]),
  });
  scrapedGauge(registry, {
    name: "trimtab_proxies_left_out",
    help: "Connected proxies without trimtab_proxy_ series of their own, as there are 1000 at most.",
    read: async () => [[{}, (await look()).leftOut]],
  });
}
