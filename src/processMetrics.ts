/** Metrics of the process, the publisher and the xDS server. */
import { Counter, collectDefaultMetrics, type Registry } from "prom-client";
import { registerLongestTurn } from "./longestTurn.ts";
import type { Publication } from "./publish/index.ts";
import { type Sample, scrapedCounter, scrapedGauge, single } from "./scraped.ts";
import type { XdsServer } from "./xds/index.ts";

type XdsMetrics = ReturnType<XdsServer["metrics"]>;
type Typed = "responses" | "resources" | "bytes" | "acks" | "nacks" | "held";
type Counted =
  | "streams"
  | "refusedStreams"
  | "requests"
  | "staleNonces"
  | "oversizedResponses"
  | "tlsReloads"
  | "tlsReloadFailures";

const BY_TYPE: Readonly<Record<Typed, string>> = {
  responses: "Discovery responses sent.",
  resources: "Resources in those responses.",
  bytes: "Bytes of those responses.",
  acks: "Responses that a node accepted.",
  nacks: "Responses that a node refused.",
  held: "Resources that waited for others to be there first.",
};

const COUNTED: Readonly<Record<Counted, string>> = {
  streams: "Streams that were opened.",
  refusedStreams: "Streams that were ended with an error.",
  requests: "Discovery requests that came.",
  staleNonces: "Requests whose nonce answers nothing.",
  oversizedResponses: "Responses above the 4 MiB that clients accept by default, which could not be split.",
  tlsReloads: "Certificate files that were taken into use after the start.",
  tlsReloadFailures: "Certificate files that were no good; those before stay in use.",
};

/** Of prom-client's own: gauges that are named as counters; others tell the same by type. */
const MISNAMED = ["nodejs_active_resources_total", "nodejs_active_handles_total", "nodejs_active_requests_total"];

/** Gives what counts outputs by what proxies did to take them; not by fleet: names come and go. */
export function countPublications(registry: Registry): (publication: Publication) => void {
  const publications = new Counter({
    name: "trimtab_publications_total",
    help: "Outputs made for a fleet, by what its proxies do to take them: none, runtime, reload, listenerDrain.",
    labelNames: ["effect"],
    registers: [registry],
  });
  return ({ effect }) => publications.inc({ effect });
}

/** What the process is told apart by. */
export interface ProcessSources {
  readonly version: string;
  /** Lines of the log that were only counted, by event. */
  readonly untold: ReadonlyMap<string, number>;
  readonly xds: Pick<XdsServer, "metrics">;
}

/** Registers those of the process, the log and the xDS server. */
export function registerProcessMetrics(registry: Registry, { version, untold, xds }: ProcessSources): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  registerLongestTurn(registry);
  const build = { version, node: process.versions.node, platform: process.platform, arch: process.arch };
  scrapedGauge(registry, {
    name: "trimtab_build_info",
    help: "1, with the versions of Trimtab and of Node that run, and where.",
    labelNames: Object.keys(build),
    read: () => [[build, 1]],
  });
  scrapedCounter(registry, {
    name: "trimtab_log_lines_untold_total",
    help: "Lines of the log that were only counted because there were too many, by event.",
    labelNames: ["event"],
    read: () => Array.from(untold, ([event, count]) => [{ event }, count]),
  });
  registerXds(registry, () => xds.metrics());
}

function registerXds(registry: Registry, metrics: () => XdsMetrics): void {
  for (const [name, help] of Object.entries(BY_TYPE) as [Typed, string][]) {
    scrapedCounter(registry, {
      name: `trimtab_xds_${name}_total`,
      help,
      labelNames: ["type"],
      read: () => Array.from(metrics().types, ([type, counts]) => [{ type }, counts[name]]),
    });
  }
  for (const [name, help] of Object.entries(COUNTED) as [Counted, string][]) {
    scrapedCounter(registry, { name: `trimtab_xds_${snake(name)}_total`, help, read: single(() => metrics()[name]) });
  }
  scrapedCounter(registry, {
    name: "trimtab_xds_ended_total",
    help: "Streams and connections that the xDS server ended, by reason: see docs/xds-limits.md.",
    labelNames: ["reason"],
    read: () => byReason(metrics().ended),
  });
  scrapedCounter(registry, {
    name: "trimtab_xds_refusals_total",
    help: "Clients of the xDS port that were turned away for what they showed of themselves, by reason.",
    labelNames: ["reason"],
    read: () => byReason(metrics().refusals),
  });
  scrapedGauge(registry, {
    name: "trimtab_xds_open_streams",
    help: "Streams that are open.",
    read: single(() => metrics().openStreams),
  });
  scrapedGauge(registry, {
    name: "trimtab_xds_client_bytes",
    help: "Memory that clients make the server keep.",
    read: single(() => metrics().clientBytes),
  });
  scrapedGauge(registry, {
    name: "trimtab_xds_name_sets",
    help: "Different lists of names that are subscribed to, whoever shares them.",
    read: single(() => metrics().nameSets),
  });
  scrapedGauge(registry, {
    name: "trimtab_xds_tls_expires_seconds",
    help: "When the certificate of the xDS port expires, in seconds since 1970; 0: it has none.",
    read: single(() => metrics().tlsExpires),
  });
}

function byReason(counts: ReadonlyMap<string, number>): Sample[] {
  return Array.from(counts, ([reason, count]) => [{ reason }, count]);
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
