/** Models for the cases: the scenario, and a small base that a case adds its own part to. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Ports, type ProxyName, proxyAddresses, proxyNames } from "./context.ts";

/** A resource as it is written; the program validates it, not we. */
// biome-ignore lint/suspicious/noExplicitAny: cases write wrong documents on purpose
export type Document = { name: string; [field: string]: any };

/** A configuration document. */
export interface Model {
  fleets: Document[];
  listeners: Document[];
  routes: Document[];
  clusters: Document[];
  healthChecks: Document[];
  geoTables: Document[];
  certificates: Document[];
  authorities: Document[];
  canaries: Document[];
}

/** A part of a model, put beside the base. */
export type ModelPart = Partial<Model>;

/** Any host that nothing else uses: its answer tells which model a proxy serves. */
export const markerHost = "marker.e2e.example";

export const scenarioFile = join(import.meta.dirname, "..", "scenario", "model.yaml");

/** Ports as `scenario/model.yaml` writes them. */
const SCENARIO_HTTP = 8080;
const SCENARIO_TCP = 9000;
const SCENARIO_DEAD = 21_099;

/** The names of the scenario's upstreams (clusters with a living endpoint). */
export const scenarioUpstreams = ["echo-a", "echo-b", "echo-c", "echo-d", "echo-e", "tcp-echo"] as const;

/** The scenario as it stands in the file. */
export function scenarioAsWritten(): Model {
  return complete(parse(readFileSync(scenarioFile, "utf8")));
}

/** The scenario with this run's ports. */
export function scenario(places: {
  ports: Ports;
  upstreams: Readonly<Record<string, number>>;
  deadPort: number;
}): Model {
  const model = scenarioAsWritten();
  for (const listener of model.listeners) {
    if (listener.port === SCENARIO_HTTP) listener.port = places.ports.http;
    if (listener.port === SCENARIO_TCP) listener.port = places.ports.tcp;
  }
  for (const cluster of model.clusters) {
    for (const endpoint of cluster.endpoints as { port: number }[]) {
      endpoint.port = endpoint.port === SCENARIO_DEAD ? places.deadPort : places.upstreams[cluster.name]!;
    }
  }
  return model;
}

/** Fleets, one HTTP listener `web`, and the route that answers with the marker. */
export function base(ports: Ports, marker: string): Model {
  return complete({
    fleets: proxyNames.map(fleet),
    listeners: [{ name: "web", fleets: [...proxyNames], port: ports.http, protocol: "HTTP" }],
    routes: [markerRoute(marker)],
  });
}

/** The route whose answer is `marker`. */
export function markerRoute(marker: string): Document {
  const rule = { respond: { status: 200, body: marker } };
  return { name: "e2e-marker", listeners: ["web"], hostnames: [markerHost], rules: [rule] };
}

/** Both models' resources; the second's win over resources of the same name. */
export function merge(first: ModelPart, second: ModelPart): Model {
  const result = complete(first);
  for (const [kind, documents] of Object.entries(complete(second)) as [keyof Model, Document[]][]) {
    const names = new Set(documents.map((entry) => entry.name));
    result[kind] = [...result[kind].filter((entry) => !names.has(entry.name)), ...documents];
  }
  return result;
}

/** A cluster with endpoints on 127.0.0.1. */
export function cluster(name: string, ...ports: readonly number[]): Document {
  return { name, endpoints: ports.map((port) => ({ address: "127.0.0.1", port })) };
}

/** A route on the listener `web`. */
export function route(name: string, hostname: string, ...rules: readonly object[]): Document {
  return { name, listeners: ["web"], hostnames: [hostname], rules };
}

function fleet(name: ProxyName): Document {
  return { name, proxy: name, bindAddress: proxyAddresses[name] };
}

function complete(part: ModelPart): Model {
  const { fleets = [], listeners = [], routes = [], clusters = [], canaries = [] } = part;
  const { healthChecks = [], geoTables = [], certificates = [], authorities = [] } = part;
  return { fleets, listeners, routes, clusters, healthChecks, geoTables, canaries, certificates, authorities };
}
