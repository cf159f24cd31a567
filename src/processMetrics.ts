/** Metrics of the process, the publisher and the xDS server. */
import { Counter, collectDefaultMetrics, Gauge, type Registry } from "prom-client";
import { registerLongestTurn } from "./longestTurn.ts";
import type { ListenerStatuses, Publication } from "./publish/index.ts";
import type { XdsServer } from "./xds/index.ts";

type Counted = "responses" | "resources" | "bytes" | "acks" | "nacks" | "held";

const HELP: Readonly<Record<Counted, string>> = {
  responses: "Discovery responses sent.",
  resources: "Resources in those responses.",
  bytes: "Bytes of those responses.",
  acks: "Responses that a node accepted.",
  nacks: "Responses that a node refused.",
  held: "Resources that waited for others to be there first.",
};

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

/** Registers those of the process and the xDS server. */
export function registerProcessMetrics(registry: Registry, xds: Pick<XdsServer, "metrics">): void {
  collectDefaultMetrics({ register: registry });
  registerLongestTurn(registry);
  for (const [name, help] of Object.entries(HELP) as [Counted, string][]) {
    new Gauge({
      name: `trimtab_xds_${name}_total`,
      help,
      labelNames: ["type"],
      registers: [registry],
      collect() {
        for (const [type, counts] of xds.metrics().types) this.set({ type }, counts[name]);
      },
    });
  }
  new Gauge({
    name: "trimtab_xds_ended_total",
    help: "Streams and connections that the xDS server ended, by reason: see docs/xds-limits.md.",
    labelNames: ["reason"],
    registers: [registry],
    collect() {
      for (const [reason, count] of xds.metrics().ended) this.set({ reason }, count);
    },
  });
  for (const name of [
    "openStreams",
    "streams",
    "refusedStreams",
    "requests",
    "staleNonces",
    "oversizedResponses",
    "clientBytes",
    "nameSets",
    "tlsReloads",
    "tlsReloadFailures",
  ] as const) {
    new Gauge({
      name: `trimtab_xds_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
      help: `xDS server: ${name}.`,
      registers: [registry],
      collect() {
        this.set(xds.metrics()[name]);
      },
    });
  }
  registerRefusals(registry, xds);
}

/** Those that wait only: a fleet's listeners are as many as its model has. */
export function registerListenerMetrics(registry: Registry, listeners: Pick<ListenerStatuses, "waiting">): void {
  new Gauge({
    name: "trimtab_listeners_waiting",
    help: "Proxies for which a listener waits because its socket cannot be opened or was refused; at most 100 are counted.",
    labelNames: ["fleet", "listener"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { fleet, listener, proxies } of listeners.waiting()) this.set({ fleet, listener }, proxies.length);
    },
  });
}

function registerRefusals(registry: Registry, xds: Pick<XdsServer, "metrics">): void {
  new Gauge({
    name: "trimtab_xds_refusals_total",
    help: "Clients of the xDS port that were turned away for what they showed of themselves, by reason.",
    labelNames: ["reason"],
    registers: [registry],
    collect() {
      for (const [reason, count] of xds.metrics().refusals) this.set({ reason }, count);
    },
  });
  new Gauge({
    name: "trimtab_xds_tls_expires_seconds",
    help: "When the certificate of the xDS port expires, in seconds since 1970; 0: it has none.",
    registers: [registry],
    collect() {
      this.set(xds.metrics().tlsExpires);
    },
  });
}
